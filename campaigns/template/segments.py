"""How many SMS segments a text takes: what networks carry, providers charge and limits count.

Sources: 3GPP TS 23.038, sections 6.2.1 and 6.2.1.1 (GSM 7 bit default alphabet and its extension
table) and 6.2.3 (UCS-2); 3GPP TS 23.040, section 9.2.3.24.1 (concatenated short messages, whose
header of six octets takes the room of seven septets or three UCS-2 units from every part).

A text of the default alphabet is sent in septets; a single character outside of it puts the whole
text in UCS-2, which in practice is UTF-16. What belongs together is not split between parts: an
escape and the character that it extends, the two halves of a surrogate pair. So parts are filled
in order and may end one unit short.

National language shift tables are not counted with: gateways use them only when asked to.

Pure, and imports nothing but the standard library.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

#: The default alphabet in the order of its codes, without the escape at 0x1B.
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)

#: The default extension table: each of these takes an escape and a septet.
EXTENDED = "\f^{}\\[~]|€"

_GSM = re.compile(f"[{re.escape(BASIC + EXTENDED)}]*")
_EXTENDED = re.compile(f"[{re.escape(EXTENDED)}]")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


class Encoding(Enum):
    """How a text is sent: its name, and the units that one message and one part of many hold."""

    GSM_7 = ("GSM-7", 160, 153)
    UCS_2 = ("UCS-2", 70, 67)

    def __init__(self, label: str, alone: int, concatenated: int) -> None:
        self.label = label
        self.alone = alone
        self.concatenated = concatenated


@dataclass(frozen=True, slots=True)
class Parts:
    """What a text comes to; ``units`` are septets in GSM-7, UTF-16 code units in UCS-2."""

    encoding: Encoding
    units: int
    segments: int


def is_gsm(text: str) -> bool:
    """Whether ``text`` is in the default alphabet and its extension."""
    return _GSM.fullmatch(text) is not None


def parts(text: str) -> Parts:
    """The encoding of ``text``, its length in that, and its segments. An empty text takes one."""
    if _GSM.fullmatch(text):
        encoding, double = Encoding.GSM_7, _EXTENDED
    else:
        encoding, double = Encoding.UCS_2, _ASTRAL
    doubled = len(double.findall(text))
    units = len(text) + doubled
    if units <= encoding.alone:
        return Parts(encoding, units, 1)
    if not doubled:
        return Parts(encoding, units, -(-units // encoding.concatenated))
    lengths = (2 if double.match(character) else 1 for character in text)
    return Parts(encoding, units, _packed(lengths, encoding.concatenated))


def segments(text: str) -> int:
    """How many segments ``text`` takes; at least one."""
    return parts(text).segments


def split(text: str, encoding: Encoding | None = None) -> list[str]:
    """The pieces of ``text`` that its segments hold, in order; as many as :func:`segments` says.

    ``encoding`` is for whoever cannot send the text in its own.
    """
    encoding = encoding or parts(text).encoding
    double = _EXTENDED if encoding is Encoding.GSM_7 else _ASTRAL
    if len(text) + len(double.findall(text)) <= encoding.alone:
        return [text]
    pieces, start, left = [], 0, encoding.concatenated
    for index, character in enumerate(text):
        length = 2 if double.match(character) else 1
        if length > left:
            pieces.append(text[start:index])
            start, left = index, encoding.concatenated
        left -= length
    return [*pieces, text[start:]]


def _packed(lengths: Iterable[int], room: int) -> int:
    """How many parts of ``room`` units hold pieces that are kept whole and in order."""
    count, left = 1, room
    for length in lengths:
        if length > left:
            count, left = count + 1, room
        left -= length
    return count
