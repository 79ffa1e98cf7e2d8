"""Names that people give to things, and the uuids they may use in their place."""

from __future__ import annotations

from uuid import UUID

from campaigns.errors import Invalid

#: Longest name of a team, group or token, in characters.
LONGEST_NAME = 100

_DIGITS_OF_A_NUMBER = 5


def checked_name(field: str, name: str) -> str:
    """The name without surrounding space.

    Raises:
        Invalid: it is empty, longer than :data:`LONGEST_NAME`, has control characters, or reads
            like a uuid, so that it could be taken for one where either is accepted.
    """
    found = name.strip()
    if not 1 <= len(found) <= LONGEST_NAME:
        raise Invalid(field, name, f"must have 1 to {LONGEST_NAME} characters")
    if not found.isprintable():
        raise Invalid(field, name, "must not contain control characters")
    if as_uuid(found) is not None:
        raise Invalid(field, name, "must not be a uuid")
    return found


def checked_uuid(field: str, text: str | UUID) -> UUID:
    """The uuid that ``text`` spells.

    Raises:
        Invalid: it spells none.
    """
    found = as_uuid(text)
    if found is None:
        raise Invalid(field, text, "must be a uuid")
    return found


def as_name(text: str | UUID) -> str | None:
    """The text, if anything can be called so, else ``None``, which equals no name in SQL."""
    found = str(text)
    return found if found.isprintable() else None


def may_be_address(text: str) -> bool:
    """Whether an address may stand where a name should, as in a list without a header."""
    return "@" in text or sum(char.isdigit() for char in text) >= _DIGITS_OF_A_NUMBER


def as_uuid(text: str | UUID) -> UUID | None:
    """The uuid that ``text`` spells, or ``None``."""
    if isinstance(text, UUID):
        return text
    try:
        return UUID(text)
    except ValueError:
        return None
