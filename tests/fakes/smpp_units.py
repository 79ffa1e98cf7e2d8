"""What an SMSC reads and writes, by the specification and not by the code under test."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from worker.adapters.smpp_pdu import Address, Command, Pdu, ShortMessage

#: 3GPP TS 23.038, by the places of the characters.
GSM = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip

RECEIPT = (
    "id:{ident} sub:001 dlvrd:001 submit date:2912312350 done date:291231235958 stat:{stat} "
    "err:{err} text:Dear id:7 stat:DELIVRD"
)


def read_gsm(septets: bytes) -> str:
    """A text of one septet in each octet."""
    characters = iter(septets)
    return "".join(EXTENSION[next(characters)] if c == 0x1B else GSM[c] for c in characters)


def receipt(
    stat: str = "DELIVRD",
    ident: str = "43981",
    err: str = "000",
    *,
    tlvs: Mapping[int, bytes] | None = None,
    text: str = RECEIPT,
    esm_class: int = 0x04,
    sequence: int = 1,
) -> bytes:
    """A whole deliver_sm."""
    content = text.format(ident=ident, stat=stat, err=err).encode("latin-1")
    to, sender = Address(5, 0, "Sluice"), Address(1, 1, "353861234567")
    message = ShortMessage(sender, to, content, esm_class=esm_class, tlvs=tlvs or {})
    return Pdu(Command.DELIVER_SM, sequence, 0, message.encode()).encode()


def written(sender: str, recipient: str, text: bytes, **more: Any) -> bytes:
    """A whole deliver_sm of a person."""
    found = ShortMessage(Address(1, 1, sender), Address(1, 1, recipient), text, **more)
    return Pdu(Command.DELIVER_SM, 7, 0, found.encode()).encode()
