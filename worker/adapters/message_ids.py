"""The ids of messages that their vendor gives none: of a part, or of one recipient of several.

They are made in answers and reports alike.
"""

from __future__ import annotations

from typing import Any

from worker.adapters.reply import LONGEST_ID, identifier

#: The header that joins the parts of an SMS counts them in one byte (3GPP TS 23.040, 9.2.3.24.1).
MOST_PARTS = 255


def of_recipient(message_id: str, recipient: str) -> str:
    """The id of a message whose id is good for one recipient only; numbers are digits in it."""
    return _short(f"{message_id}:{recipient.removeprefix('+').removeprefix('00')}")


def of_parts(message_id: str, count: int) -> list[str]:
    """The ids of all parts: ``id:1``, ``id:2`` and so on; that of the message if it is one."""
    return [_of_part(message_id, number, count) for number in range(1, count + 1)]


def of_part(message_id: str, number: Any, count: Any) -> str | None:
    """The id of the part ``number`` of ``count``, as a report has them; ``None`` if it has not.

    Vendors count from 0 or from 1, and hardly one says from which. With 0 for what others call the
    last part, each part has an id of its own either way.
    """
    parts, part = part_count(count), _whole(number)
    if parts is None or (parts > 1 and (part is None or part > parts)):
        return None
    return _of_part(message_id, part or parts, parts)


def part_count(value: Any) -> int | None:
    """How many parts there are; ``None`` if that is no such number."""
    return _whole(value) or None


def _of_part(message_id: str, number: int, count: int) -> str:
    return message_id if count == 1 else _short(f"{message_id}:{number}")


def _whole(value: Any) -> int | None:
    text = identifier(value)
    if text is None or not (text.isascii() and text.isdecimal() and len(text) <= 3):
        return None
    return int(text) if int(text) <= MOST_PARTS else None


def _short(message_id: str) -> str:
    """Ids have a longest length, and what tells them apart stands at their end."""
    return message_id[-LONGEST_ID:]
