"""Custom fields of a contact: names that a template can ask for, and the texts behind them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from campaigns.errors import Invalid
from campaigns.validation import storable

LONGEST_NAME = 60
LONGEST_VALUE = 1000
MOST_FIELDS = 100

_OTHERS = re.compile(r"[^a-z0-9_]+")


def field_name(written: str) -> str:
    """The name under which a template finds a column: ``First Name`` becomes ``first_name``.

    Lower case without accents; every run of other characters becomes one underscore, and a name
    that would begin with a digit gets one in front, because ``@2nd`` is not a field in a template.

    Raises:
        Invalid: no Latin letter or digit is left, or the name is too long. Neither the name nor
            the value is shown: a list without a header has addresses where names should be.
    """
    bare = unicodedata.normalize("NFKD", written.casefold())
    found = _OTHERS.sub("_", "".join(c for c in bare if not unicodedata.combining(c))).strip("_")
    if not found:
        raise Invalid("custom_fields", None, "a name needs at least one letter a-z or digit")
    if len(found) > LONGEST_NAME:
        raise Invalid("custom_fields", None, f"a name has more than {LONGEST_NAME} characters")
    return f"_{found}" if found[0].isdigit() else found


def checked_fields(written: Mapping[str, str]) -> dict[str, str]:
    """Custom fields as they are stored.

    Raises:
        Invalid: a name or value breaks a rule, two names become the same, or there are too many.
    """
    if len(written) > MOST_FIELDS:
        raise Invalid("custom_fields", None, f"has more than {MOST_FIELDS} names")
    found: dict[str, str] = {}
    for name, value in written.items():
        key = field_name(name)
        if key in found:
            raise Invalid("custom_fields", None, f"has two names that both become {key!r}")
        found[key] = checked_value(key, value)
    return found


def checked_value(name: str, value: str) -> str:
    """A custom field's text.

    Raises:
        Invalid: PostgreSQL cannot keep it, or it is too long.
    """
    if len(value) > LONGEST_VALUE:
        rule = f"{name!r} has more than {LONGEST_VALUE} characters"
        raise Invalid("custom_fields", None, rule)
    try:
        return storable(value)
    except ValueError as error:
        raise Invalid("custom_fields", None, f"{name!r} {error}") from None
