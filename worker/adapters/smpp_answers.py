"""Messages of people: what a deliver_sm is that is no receipt (section 4.6). Pure."""

from __future__ import annotations

from worker.adapters.inbound import message
from worker.adapters.receiving import Inbound
from worker.adapters.smpp_pdu import MESSAGE_PAYLOAD, Command, ShortMessage, decode
from worker.adapters.smpp_receipts import is_of_person
from worker.adapters.smpp_text import UDHI, Alphabet, read_gsm

#: data_coding (section 5.2.19): the SMSC's own alphabet, and those that say what they are.
_OWN = 0x00
_CODINGS = {0x01: "ascii", 0x03: "latin-1", 0x08: "utf-16-be"}

#: Which part of a long message it is: sar_segment_seqnum (section 5.3.2.24), and elements of the
#: user data header (3GPP TS 23.040, section 9.2.3.24) with how long they are.
_SEGMENT = 0x020F
_CONCATENATED = {0x00: 3, 0x08: 4}


def read(unit: bytes, alphabet: Alphabet) -> list[Inbound]:
    """The message in a whole deliver_sm; none where it is no text, or not the first part of one.

    The parts of a long message come one by one, and its first word is in the first one.

    Raises:
        ValueError: it is no message of a person.
    """
    pdu = decode(unit)
    found = ShortMessage.decode(pdu.body) if pdu.command == Command.DELIVER_SM else None
    if found is None or not is_of_person(found):
        raise ValueError("not a message of a person")
    content, part = _without_header(found)
    text = _text(content, found.data_coding, alphabet)
    if text is None or max(part, int.from_bytes(found.tlvs.get(_SEGMENT, b""), "big")) > 1:
        return []
    return [message(found.source.value, found.destination.value, text)]


def _without_header(found: ShortMessage) -> tuple[bytes, int]:
    """What it says, and which part of a message it is."""
    content = found.content or found.tlvs.get(MESSAGE_PAYLOAD, b"")
    if not found.esm_class & UDHI:
        return content, 1
    if not content or len(content) <= content[0]:
        raise ValueError("a user data header that is longer than the message")
    header, at = content[1 : 1 + content[0]], 0
    while at + 1 < len(header):
        size = header[at + 1]
        value = header[at + 2 : at + 2 + size]
        if len(value) == size == _CONCATENATED.get(header[at]):
            return content[1 + content[0] :], value[-1]
        at += 2 + size
    return content[1 + content[0] :], 1


def _text(content: bytes, data_coding: int, alphabet: Alphabet) -> str | None:
    if data_coding == _OWN:
        return read_gsm(content) if alphabet == "gsm" else content.decode("latin-1")
    coding = _CODINGS.get(data_coding)
    return None if coding is None else content.decode(coding, "replace")
