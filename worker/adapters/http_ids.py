"""The message ids that the adapter ``http`` makes, in answers and reports alike."""

from __future__ import annotations

from typing import Any

from worker.adapters.reply import LONGEST_ID, identifier

#: The header that joins the parts of an SMS counts them in one byte (3GPP TS 23.040, 9.2.3.24.1).
MOST_PARTS = 255


def of_recipient(message_id: str, recipient: str) -> str:
    """The id of a message whose id is good for one recipient only; numbers are digits in it."""
    return _short(f"{message_id}:{recipient.removeprefix('+').removeprefix('00')}")


def of_part(message_id: str, number: int, count: int) -> str:
    """The id of a part; that of the message where it has only one."""
    return message_id if count == 1 else _short(f"{message_id}:{number}")


def count(value: Any) -> int | None:
    """A number of parts, or of a part."""
    text = identifier(value)
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= 3):
        return None
    return int(text) if 1 <= int(text) <= MOST_PARTS else None


def _short(message_id: str) -> str:
    """Ids have a longest length, and what tells them apart stands at their end."""
    return message_id[-LONGEST_ID:]
