"""A template that is stored, and was approved, at WhatsApp.

    {"template": {"name": "spring_sale", "language": "en_GB",
                  "parameters": ["@first_name", "{discount}"],
                  "header_image": "https://example.com/boat.jpg", "button_0": "@code"}}

``parameters`` fill the placeholders of its body in their order. Beside them stand the values of its
header (``header``, ``header_image``, ``header_video``, ``header_document``) and of its buttons,
counted from 0: ``button_0`` is the end of its URL, ``button_0_payload`` what a quick reply sends
back, ``button_0_code`` a code to copy.

Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from campaigns.errors import Invalid
from campaigns.template.content import NamedTemplate
from campaigns.template.document import Node
from campaigns.template.forms import PLAIN, WEB, Fixed, Line, UrlEnd, spaced
from campaigns.template.leaf import Form
from campaigns.template.standard import Composition

#: https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates
_NAME = Fixed(
    re.compile("[a-z0-9_]{1,512}").fullmatch,
    "must have lower-case letters, digits and underscores only",
)
_LANGUAGE = Fixed(
    re.compile("[a-z]{2,3}(_[A-Za-z]{2,4})?").fullmatch,
    "must be the code of a language such as 'en_GB'",
)
#: A parameter with a line break, a tab or more than four blanks in a row is answered with error
#: 132018 or 100.
_PARAMETER = Line(
    spaced,
    re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]|\s{5}"),
    "must be one line without five blanks in a row",
)

_OTHER = re.compile(r"header(?:_(?:image|video|document))?|button_[0-9](?:_(?:payload|code))?")
#: What it is, behind the place that it fills.
_PLACE = re.compile("_(?:image|video|document|payload|code)$")
_MOST_PARAMETERS = 100


def is_one(found: Node) -> bool:
    """Whether ``found`` is meant as such a template, and not as a standardized message."""
    return isinstance(found.value, dict) and "template" in found.value


def read(found: Node) -> Composition:
    """The texts of the template, and what they are put together to.

    Raises:
        Invalid: it is no such document.
    """
    template = found.entries(("template",), ("template",))["template"]
    entries = template.anything()
    for required in ("name", "language"):
        if required not in entries:
            raise Invalid(f"{template.path}.{required}", None, "is required")
    name, language = entries.pop("name"), entries.pop("language")
    listed = entries.pop("parameters", None)
    parameters = list(listed.items(_MOST_PARAMETERS)) if listed else []
    for other, node in entries.items():
        if not _OTHER.fullmatch(other):
            rule = "is not known; beside name, language and parameters there are header, "
            raise Invalid(node.path, None, rule + "header_image, button_0 and the like")
    _check_each_once(entries)
    leaves = (
        name.leaf(_NAME),
        language.leaf(_LANGUAGE),
        *(node.leaf(_PARAMETER) for node in parameters),
        *(node.leaf(_form(other)) for other, node in entries.items()),
    )
    others, count = tuple(entries), len(parameters)

    def build(texts: Sequence[str]) -> NamedTemplate:
        rest = zip(others, texts[2 + count :], strict=True)
        return NamedTemplate(
            texts[0], texts[1], tuple(texts[2 : 2 + count]), MappingProxyType(dict(rest))
        )

    return leaves, build


def _check_each_once(entries: Mapping[str, Node]) -> None:
    """A template has one header, and each button takes one value."""
    filled: dict[str, str] = {}
    for other, node in entries.items():
        place = _PLACE.sub("", other)
        first = filled.setdefault(place, other)
        if first != other:
            raise Invalid(node.path, None, f"fills the same place as {first}; give one of them")


def _form(name: str) -> Form:
    if name == "header":
        return _PARAMETER
    if name.startswith("header_"):
        return WEB
    return PLAIN if name.endswith(("_payload", "_code")) else UrlEnd()
