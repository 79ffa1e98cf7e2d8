"""Delivery receipts: what a deliver_sm says about a message (section 5.3 and appendix B). Pure.

    id:0A3F5B sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:DELIVRD err:000

The form is the SMSC's own, the specification says; nearly all of them write this one. The id may be
in another base than in the answer to the message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from typing import Literal

from campaigns.run.events import ReportKind
from worker.adapters.base import Report
from worker.adapters.reply import identifier, short_code
from worker.adapters.smpp_pdu import (
    MESSAGE_PAYLOAD,
    MESSAGE_STATE,
    RECEIPTED_MESSAGE_ID,
    Command,
    ShortMessage,
    decode,
)

#: How the ids in the texts of receipts are written, if not as in the answers: those are
#: hexadecimal and these decimal, or the other way round.
ReceiptIds = Literal["same", "decimal", "hexadecimal"]

#: esm_class (section 5.2.12): the type of a message, and that of a receipt.
_TYPE, _RECEIPT = 0x3C, 0x04

#: Final states by their words (appendix B) and numbers (section 5.2.28); others are on the way.
_STATES: Mapping[str, ReportKind] = {
    "DELIVRD": "delivered",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "UNKNOWN": "failed",
    "REJECTD": "failed",
}
_NUMBERS: Mapping[int, str] = {
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    7: "UNKNOWN",
    8: "REJECTD",
}

_FIELDS = {
    name: re.compile(rf"(?:^|\s){name}:\s?([^\s:]+)(?=\s|\Z)", re.IGNORECASE)
    for name in ("id", "done date", "stat", "err")
}
#: What stands behind it was written by whoever wrote the message.
_TEXT = re.compile(r"\btext:.*", re.IGNORECASE | re.DOTALL)

_DATES = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S"}


def canonical(message_id: str | None, base: int) -> str | None:
    """An id as a decimal number, where it is one in ``base``."""
    try:
        return message_id and str(int(message_id, base))
    except ValueError:
        return message_id


def answer_id(message_id: str | None, ids: ReceiptIds) -> str | None:
    """The id in an answer, in the form in which it is stored."""
    if ids == "same":
        return identifier(message_id)
    return identifier(canonical(message_id, 16 if ids == "decimal" else 10))


def read(unit: bytes, ids: ReceiptIds, zone: tzinfo | None) -> list[Report]:
    """The report in a whole deliver_sm; none where the message is still on its way.

    ``zone`` is that of the SMSC's clock, in which it writes dates.

    Raises:
        ValueError: it is no receipt.
    """
    pdu = decode(unit)
    if pdu.command != Command.DELIVER_SM:
        raise ValueError("not a deliver_sm")
    message = ShortMessage.decode(pdu.body)
    if message.esm_class & _TYPE != _RECEIPT:
        raise ValueError("not a receipt")
    content = message.content or message.tlvs.get(MESSAGE_PAYLOAD, b"")
    text = _TEXT.sub("", content.decode("latin-1"))
    found = {name: match[1] for name, field in _FIELDS.items() if (match := field.search(text))}
    message_id = _message_id(message, found.get("id"), ids)
    state = found.get("stat", "").upper()[:7] or _state(message)
    if message_id is None or not state:
        raise ValueError("a receipt without an id or a state")
    kind = _STATES.get(state)
    if kind is None:
        return []
    code = None if kind == "delivered" else _code(state, found.get("err"))
    at = _moment(found.get("done date"), zone)
    return [Report(None, message_id, kind, at=at, code=code, part=True)]


def _message_id(message: ShortMessage, written: str | None, ids: ReceiptIds) -> str | None:
    """The id; the TLV has it as the answer had it, whatever the text says."""
    tlv = message.tlvs.get(RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1")
    if tlv:
        return answer_id(tlv, ids)
    if ids == "same":
        return identifier(written)
    return identifier(canonical(written, 10 if ids == "decimal" else 16))


def _state(message: ShortMessage) -> str:
    number = int.from_bytes(message.tlvs.get(MESSAGE_STATE, b""), "big")
    if MESSAGE_STATE not in message.tlvs:
        return ""
    return _NUMBERS.get(number, "ENROUTE")


def _code(state: str, error: str | None) -> str:
    """The state, and the network's error where there is one."""
    is_error = error is not None and short_code(error) is not None and error.strip("0")
    return f"{state}.{error}" if is_error else state


def _moment(written: str | None, zone: tzinfo | None) -> datetime | None:
    if zone is None or written is None or not (written.isascii() and written.isdecimal()):
        return None
    form = _DATES.get(len(written))
    try:
        found = datetime.strptime(written, form) if form else None  # noqa: DTZ007
        return found and found.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
