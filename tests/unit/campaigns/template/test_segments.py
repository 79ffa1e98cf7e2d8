"""SMS segments: the vectors of TS 23.038 and TS 23.040, and a second way to count."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template.segments import BASIC, EXTENDED, Encoding, Parts, parts, segments

EMOJI = "\U0001f600"
YA = "я"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("a" * 158 + "€", 1),
        ("a" * 159 + "€", 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("€" * 152, 2),
        ("€" * 153, 3),
        (YA * 70, 1),
        (YA * 71, 2),
        (YA * 134, 2),
        (YA * 135, 3),
        (EMOJI * 35, 1),
        (EMOJI * 36, 2),
        (YA * 66 + EMOJI + YA * 65, 2),
        (YA * 66 + EMOJI + YA * 66, 3),
    ],
)
def test_known_texts_take_their_segments(text: str, expected: int) -> None:
    assert segments(text) == expected


@pytest.mark.parametrize("character", ["`", "ç", "\t", "\u00a0", "\x1b", "’", "Á", EMOJI, "\ud800"])
def test_one_character_outside_the_alphabet_puts_all_in_ucs2(character: str) -> None:
    assert parts("a" * 60 + character).encoding is Encoding.UCS_2
    assert segments("a" * 70 + character) == 2


@pytest.mark.parametrize("character", [*BASIC, *EXTENDED])
def test_every_character_of_the_alphabet_stays_in_gsm7(character: str) -> None:
    assert parts(character) == Parts(Encoding.GSM_7, 2 if character in EXTENDED else 1, 1)


def test_the_alphabet_has_all_its_codes() -> None:
    assert len(set(BASIC)) == len(BASIC) == 127
    # Codes of TS 23.038 section 6.2.1; the escape at 0x1B is left out, what follows is one lower.
    codes = {"@": 0x00, "Ç": 0x09, "\n": 0x0A, "\r": 0x0D, "Δ": 0x10, "_": 0x11, "Ξ": 0x1A,
             "Æ": 0x1C, "É": 0x1F, " ": 0x20, "¤": 0x24, "?": 0x3F, "¡": 0x40, "§": 0x5F,
             "¿": 0x60, "à": 0x7F}  # fmt: skip
    for character, code in codes.items():
        assert BASIC.index(character) == code - (code > 0x1B)


def counted_by_parts(text: str) -> int:
    """The slow way: build every part, and never split what belongs together."""
    if all(character in BASIC + EXTENDED for character in text):
        pieces = ["x" * (1 + (character in EXTENDED)) for character in text]
        alone, room = 160, 153
    else:
        pieces = ["x" * (1 + (ord(character) > 0xFFFF)) for character in text]
        alone, room = 70, 67
    if sum(map(len, pieces)) <= alone:
        return 1
    filled = [""]
    for piece in pieces:
        if len(filled[-1]) + len(piece) > room:
            filled.append("")
        filled[-1] += piece
    return len(filled)


texts = st.one_of(
    st.text(st.sampled_from(BASIC + EXTENDED), max_size=500),
    st.text(st.sampled_from("aя" + EMOJI), max_size=250),
    st.text(max_size=250),
).flatmap(lambda text: st.integers(1, 4).map(lambda times: text * times))


@given(texts)
def test_counting_agrees_with_filling_parts_one_by_one(text: str) -> None:
    assert segments(text) == counted_by_parts(text)


@given(texts, texts)
def test_a_longer_text_never_takes_fewer_segments(head: str, tail: str) -> None:
    assert segments(head + tail) >= segments(head)


@given(texts)
def test_ucs2_units_are_those_of_utf16(text: str) -> None:
    found = parts(text)
    if found.encoding is Encoding.UCS_2:
        assert found.units == len(text.encode("utf-16-le", "surrogatepass")) // 2
