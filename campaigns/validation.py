"""From a request's plain dict to a checked model, or to one sentence that says what is wrong.

Pydantic finds every fault and describes it for programmers. :func:`first_error` picks the one that
explains the most and says it for the person who sent the request: field, value, rule. Values of
fields that may carry personal data are left out, by :class:`campaigns.errors.Invalid`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Strict,
    ValidationError,
)
from pydantic_core import ErrorDetails

from campaigns.errors import Invalid
from campaigns.names import may_be_address

ModelT = TypeVar("ModelT", bound=BaseModel)
ItemT = TypeVar("ItemT")

#: A list that may be very long: the first entry that is wrong is told, and no other one looked at.
#: Pydantic takes a kilobyte for each fault.
LongList = Annotated[list[ItemT], FailFast()]

#: For the models of all requests: nothing unknown passes, nothing is converted silently, and no
#: traceback shows what was sent.
REQUEST = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_FIELD = 60

#: Pydantic's error types whose own wording speaks of Python, not of the request.
_RULES = {
    "missing": "is required",
    "string_type": "must be a text",
    "string_unicode": "must be a text of valid Unicode characters",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be an object of names and values",
    "model_type": "must be an object of fields",
    "model_attributes_type": "must be an object of fields",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
}
_SUBJECT = re.compile(r"^\w+ should (be|have|match) ")


class Fault(ValueError):
    """A finished sentence on its way through pydantic, which passes on nothing but ValueErrors.

    For validators that know better than pydantic which part of a field is wrong.
    """

    def __init__(self, invalid: Invalid) -> None:
        self.invalid = invalid
        super().__init__(str(invalid))


def parse(model: type[ModelT], body: object) -> ModelT:
    """``body`` as a ``model``.

    Raises:
        Invalid: a field breaks a rule; see :func:`first_error`.
    """
    if not isinstance(body, Mapping) or not all(isinstance(key, str) for key in body):
        raise Invalid("request", None, "must be an object of fields")
    try:
        return model.model_validate(dict(body))
    except ValidationError as error:
        # The chain is cut because the original carries every value of the request.
        raise first_error(error, model) from None


def first_error(error: ValidationError, model: type[BaseModel]) -> Invalid:
    """The fault that explains the most, as one sentence.

    A field that is not known comes first: a misspelt name usually is why another one is missing.
    """
    faults = error.errors(include_url=False)
    unknown = [fault for fault in faults if fault["type"] == "extra_forbidden"]
    if unknown:
        return Invalid(path_of(unknown[0]["loc"]), None, _unknown_rule(unknown[0], model))
    fault = faults[0]
    if isinstance(told := fault.get("ctx", {}).get("error"), Fault):
        return told.invalid
    return Invalid(path_of(fault["loc"]), _showable(fault), rule(fault))


def _unknown_rule(fault: ErrorDetails, model: type[BaseModel]) -> str:
    told = "is not a known field"
    if len(fault["loc"]) == 1:
        names = (field.alias or name for name, field in model.model_fields.items())
        known = {name.lower(): name for name in names}
        # What is compared costs forty times its length.
        given = str(fault["loc"][0])[:_LONGEST_FIELD].lower()
        near = difflib.get_close_matches(given, known, n=1, cutoff=0.75)
        if near:
            told += f"; the nearest known one is {known[near[0]]!r}"
    return told


def rule(fault: ErrorDetails) -> str:
    """The rule that was broken, without the value: "must have at most 11 characters"."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return str(context["error"])
    if fault["type"] == "too_long" and isinstance(fault["input"], str):
        return f"must have at most {context['max_length']} characters"
    if fault["type"] == "too_short" and fault["input"] == "":
        return "must not be empty"
    if known := _RULES.get(fault["type"]):
        return known.format(**context)
    return _SUBJECT.sub(r"must \1 ", fault["msg"])


def _showable(fault: ErrorDetails) -> object:
    # A container may hold somebody's address further in; for a missing field it is the request.
    value = fault["input"]
    if fault["type"] == "literal_error" and isinstance(value, str) and may_be_address(value):
        # Arguments in the wrong order: what is none of a few words is somebody's address.
        return None
    return value if isinstance(value, str | int | float) else None


def path_of(location: tuple[str | int, ...]) -> str:
    """A place in a request as its sender would write it: ``pauses[0].end_at``."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "[key]":
            # A name that somebody else wrote: line ends and the like must not reach a terminal.
            name = part if part.isidentifier() and part.isascii() else ascii(part)
            name = "(a name)" if may_be_address(part) else name
            path += f".{_short(name)}" if path else _short(name)
    return path or "request"


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_FIELD else name[: _LONGEST_FIELD - 1] + "…"


def storable(text: str) -> str:
    """``text``, if PostgreSQL can keep it.

    Raises:
        ValueError: it holds a NUL (PostgreSQL documentation, 8.3) or a lone surrogate, which JSON
            can express and UTF-8 cannot.
    """
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise ValueError("must be a text of valid Unicode characters") from None
    return text


def _identifier(value: object) -> UUID:
    if isinstance(value, UUID):
        return value
    if isinstance(value, str) and _UUID.fullmatch(value.strip()):
        return UUID(value.strip())
    raise ValueError("must be a UUID such as '16cd47aa-f4e0-11e9-a8c1-0242ac120006'")


def _line(text: str) -> str:
    text = text.strip()
    if not text:
        raise ValueError("must not be blank")
    if not text.isprintable():
        raise ValueError("must be one line without control characters")
    return text


#: A text of any kind.
Text = Annotated[str, Strict(), AfterValidator(storable)]
#: A name: one line, without blanks around it.
Line = Annotated[Text, AfterValidator(_line)]
#: A UUID in its usual form of 36 characters.
Id = Annotated[UUID, BeforeValidator(_identifier)]
