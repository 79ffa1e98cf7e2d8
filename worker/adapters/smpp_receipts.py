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

#: esm_class (section 5.2.12): the type of a message, that of any, and that of a receipt.
_TYPE, _ANY, _RECEIPT = 0x3C, 0x00, 0x04

#: data_coding (section 5.2.19).
_UCS2 = 0x08

#: Final states by their words (appendix B) and numbers (section 5.2.28); others are on the way.
_STATES: Mapping[str, ReportKind] = {
    "DELIVRD": "delivered",
    "EXPIRED": "failed",
    "DELETED": "failed",
    "UNDELIV": "failed",
    "UNKNOWN": "failed",
    "REJECTD": "failed",
}
_ON_THE_WAY = frozenset({"ENROUTE", "ACCEPTD"})
#: The words of section 5.2.28, which some write out where appendix B has seven letters.
_SHORTER = {
    "ACCEPTED": "ACCEPTD",
    "DELIVERED": "DELIVRD",
    "REJECTED": "REJECTD",
    "UNDELIVERABLE": "UNDELIV",
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
    if not _is_receipt(message):
        raise ValueError("not a receipt")
    content = message.content or message.tlvs.get(MESSAGE_PAYLOAD, b"")
    coding = "utf-16-be" if message.data_coding == _UCS2 else "latin-1"
    text = _TEXT.sub("", content.decode(coding, "replace"))
    found = {name: match[1] for name, field in _FIELDS.items() if (match := field.search(text))}
    message_id = _message_id(message, found.get("id"), ids)
    state = _state(message, found.get("stat", "").upper())
    if message_id is None or not state:
        raise ValueError("a receipt without an id or a state")
    kind = _STATES.get(state)
    if kind is None:
        return []
    code = None if kind == "delivered" else _code(state, found.get("err"))
    at = _moment(found.get("done date"), zone)
    return [Report(None, message_id, kind, at=at, code=code, part=True)]


def _is_receipt(message: ShortMessage) -> bool:
    """By its type; or by a parameter that only the SMSC can add, where it has none."""
    kind = message.esm_class & _TYPE
    return kind == _RECEIPT or (kind == _ANY and RECEIPTED_MESSAGE_ID in message.tlvs)


def is_of_person(message: ShortMessage) -> bool:
    """Whether it is a message like any other."""
    return message.esm_class & _TYPE == _ANY and not _is_receipt(message)


def _message_id(message: ShortMessage, written: str | None, ids: ReceiptIds) -> str | None:
    """The id; the TLV has it as the answer had it, whatever the text says."""
    tlv = message.tlvs.get(RECEIPTED_MESSAGE_ID, b"").rstrip(b"\0").decode("latin-1")
    if tlv:
        return answer_id(tlv, ids)
    if ids == "same":
        return identifier(written)
    return identifier(canonical(written, 10 if ids == "decimal" else 16))


def _state(message: ShortMessage, written: str) -> str:
    """The state in the text; where that is none that is known, the one in the TLV."""
    word = _SHORTER.get(written, written)
    if word in _STATES or word in _ON_THE_WAY or MESSAGE_STATE not in message.tlvs:
        return word
    return _NUMBERS.get(int.from_bytes(message.tlvs[MESSAGE_STATE], "big"), "ENROUTE")


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
