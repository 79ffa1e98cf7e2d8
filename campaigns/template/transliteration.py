"""Writing a text in the GSM default alphabet, so that it takes fewer SMS segments.

One typographic quote puts a whole text in UCS-2, with 70 characters to a segment instead of 160.
What is replaced:

====================================================  ==========================================
quotation marks, primes and backtick ‘ ’ “ ” « ` ′    ``'`` and ``"``
dashes, hyphens and the minus sign – — ‐ −            ``-``
ellipsis …                                            ``...``
tabs and all blanks that do not break or are thin     a space
line and paragraph separators                         a line feed
what is not seen: zero-width, soft hyphen             nothing
Latin letters with accents that GSM lacks á ç ő ą     without them, or with fewer of them: ǘ is ü
letters joined together ﬁ œ ĳ ǆ                       apart
Latin letters of other kinds ł đ ħ ı þ ſ              the nearest one
====================================================  ==========================================

What is not: Greek, Cyrillic and all other scripts, symbols, emoji. A text with one of these needs
UCS-2 whatever happens to the rest, so it stays entirely as it is. So does a text that is in the GSM
alphabet already, and one that would take more segments than before: ``…`` makes three of one.

Pure, and imports nothing but the standard library and the counting of segments.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from campaigns.template.segments import BASIC, EXTENDED, is_gsm, segments

_ALPHABET = frozenset(BASIC + EXTENDED)

_SIGNS = {
    "'": "‘’‚‛‹›′`´ʹʼ",
    '"': "“”„‟«»″",
    "-": "‐‑‒–—―−",
    "...": "…",
    " ": "\t\u00a0\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))),
    "\n": "\v\x85\u2028\u2029",
    "": "\u00ad\u200b\u200c\u200d\u2060\ufeff",
}

#: Latin letters that no decomposition of Unicode leads to a letter of GSM.
_LETTERS = {
    "ð": "d", "Ð": "D", "đ": "d", "Đ": "D", "ħ": "h", "Ħ": "H", "ı": "i", "ĸ": "k", "ł": "l",
    "Ł": "L", "ŋ": "n", "Ŋ": "N", "þ": "th", "Þ": "Th", "ŧ": "t", "Ŧ": "T", "œ": "oe", "Œ": "OE",
    "ẞ": "SS", "ƒ": "f", "ə": "e", "Ə": "E", "ŉ": "'n",
}  # fmt: skip

#: Latin-1 Supplement to Latin Extended-B, Latin Extended Additional, and the ligatures of
#: Alphabetic Presentation Forms (Unicode's Blocks.txt).
_LATIN = (range(0x00C0, 0x0250), range(0x1E00, 0x1F00), range(0xFB00, 0xFB07))
#: Accents that follow their letter.
_MARKS = range(0x0300, 0x0370)


def transliterated(text: str) -> str:
    """``text``, or the same in the GSM alphabet where that takes no more segments."""
    if is_gsm(text):
        return text
    # Where a letter and its accent are two characters, they may be one of GSM together.
    found = unicodedata.normalize("NFC", text).translate(_TABLE)
    return found if is_gsm(found) and segments(found) <= segments(text) else text


def _replacements() -> Iterator[tuple[str, str]]:
    for replacement, signs in _SIGNS.items():
        for sign in signs:
            yield sign, replacement
    for code in _MARKS:
        yield chr(code), ""
    for codes in _LATIN:
        for character in map(chr, codes):
            if character not in _ALPHABET and (written := _written(character)) is not None:
                yield character, written
    yield from _LETTERS.items()


def _written(character: str) -> str | None:
    """What it comes to when it is taken apart and accents are left out, as few as need be."""
    letters = unicodedata.normalize("NFKD", character)
    if len(letters) > 1 and unicodedata.combining(letters[1]):
        for kept in range(len(letters), 0, -1):
            found = unicodedata.normalize("NFC", letters[:kept])
            if found in _ALPHABET:
                return found
    plain = "".join(one for one in letters if not unicodedata.combining(one))
    plain = "".join(_LETTERS.get(one, one) for one in plain)
    return plain if plain and set(plain) <= _ALPHABET else None


_TABLE: Mapping[int, str] = MappingProxyType(
    {ord(character): replacement for character, replacement in _replacements()}
)
