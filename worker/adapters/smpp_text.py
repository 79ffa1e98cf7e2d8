"""A text as the contents of short messages: its alphabet, and the parts of a long one. Pure.

The alphabet and the cuts are those by which segments are counted (:mod:`campaigns.template.
segments`), so that what is sent is what was planned and paid for. The exception is an SMSC whose
own alphabet lacks a character that GSM has: such a text goes in UCS-2, in more parts.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from campaigns.template.segments import BASIC, EXTENDED, Encoding, parts, split

#: Which characters an SMSC has behind data_coding 0, its default alphabet (section 5.2.19).
Alphabet = Literal["gsm", "latin1"]

#: UCS-2, big endian, and the flag of a user data header (section 5.2.12).
_UCS2 = 0x08
UDHI = 0x40

#: Of a concatenated message (3GPP TS 23.040, section 9.2.3.24.1).
MOST_PARTS = 255

_ESCAPE = b"\x1b"
#: 3GPP TS 23.038, sections 6.2.1 and 6.2.1.1. The escape takes the place at 0x1B.
_GSM = {char: bytes([code if code < 0x1B else code + 1]) for code, char in enumerate(BASIC)}
_GSM |= {
    char: _ESCAPE + bytes([code])
    for char, code in zip(
        EXTENDED, (0x0A, 0x14, 0x28, 0x29, 0x2F, 0x3C, 0x3D, 0x3E, 0x40, 0x65), strict=True
    )
}


#: What stands behind an escape, and all else.
_READ_EXTENDED = {code[1]: char for char, code in _GSM.items() if len(code) == 2}
_READ = {code[0]: char for char, code in _GSM.items() if len(code) == 1}


class Contents(NamedTuple):
    """The parts of a text, with their headers, and how they are to be read."""

    data_coding: int
    esm_class: int
    parts: tuple[bytes, ...]


def contents(text: str, alphabet: Alphabet, number: int) -> Contents:
    """``text`` in as many parts as it has segments; ``number`` tells its parts from others'.

    Septets stand one in each octet; the SMSC packs them.

    Raises:
        ValueError: it has more parts than there can be.
    """
    data_coding, encoded = _encoded(text, alphabet)
    if len(encoded) > MOST_PARTS:
        raise ValueError(f"the text has more than {MOST_PARTS} parts")
    if len(encoded) == 1:
        return Contents(data_coding, 0, tuple(encoded))
    head = bytes((5, 0, 3, number & 0xFF, len(encoded)))
    return Contents(
        data_coding,
        UDHI,
        tuple(head + bytes([index]) + piece for index, piece in enumerate(encoded, 1)),
    )


def _encoded(text: str, alphabet: Alphabet) -> tuple[int, list[bytes]]:
    if parts(text).encoding is Encoding.GSM_7:
        if alphabet == "gsm":
            return 0, [gsm(piece) for piece in split(text)]
        try:
            return 0, [piece.encode("latin-1") for piece in split(text)]
        except UnicodeEncodeError:
            # A euro, say: this SMSC cannot be told in its own alphabet.
            pass
    pieces = split(text, Encoding.UCS_2)
    return _UCS2, [piece.encode("utf-16-be", "surrogatepass") for piece in pieces]


def gsm(text: str) -> bytes:
    """A text of the GSM 7 bit default alphabet, one septet in each octet."""
    return b"".join(map(_GSM.__getitem__, text))


def read_gsm(septets: bytes) -> str:
    """The text of such octets, whatever they are."""
    found: list[str] = []
    octets = iter(septets)
    for octet in octets:
        if octet == _ESCAPE[0]:
            # What stands behind it and is not there is shown as in the basic table: TS 23.038,
            # section 6.2.1.1.
            octet = next(octets, 0x20)
            found.append(_READ_EXTENDED.get(octet) or _READ.get(octet, "\ufffd"))
        else:
            found.append(_READ.get(octet, "\ufffd"))
    return "".join(found)
