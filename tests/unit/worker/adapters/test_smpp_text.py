"""A text goes in as many parts as it was counted for, and comes together again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template.segments import BASIC, EXTENDED, Encoding, parts, segments, split
from tests.fakes.smpp_units import read_gsm
from worker.adapters.smpp_text import UDHI, contents, gsm

GSM_TEXTS = st.text(st.sampled_from(BASIC + EXTENDED), max_size=700)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


@given(GSM_TEXTS | TEXTS)
def test_there_are_as_many_pieces_as_segments_are_counted(text: str) -> None:
    pieces = split(text)
    assert len(pieces) == segments(text)
    assert "".join(pieces) == text
    encoding = parts(text).encoding
    most = encoding.alone if len(pieces) == 1 else encoding.concatenated
    for piece in pieces:
        is_wide = encoding is Encoding.UCS_2
        units = len(piece.encode("utf-16-be")) // 2 if is_wide else len(gsm(piece))
        assert units <= most


@given(GSM_TEXTS)
def test_every_character_of_the_gsm_alphabet_has_its_septets(text: str) -> None:
    assert read_gsm(gsm(text)) == text


@given(GSM_TEXTS | TEXTS, st.integers(0, 10**9))
def test_each_part_says_which_it_is(text: str, number: int) -> None:
    found = contents(text, "gsm", number)
    if len(found.parts) == 1:
        assert found.esm_class == 0
        return
    assert found.esm_class == UDHI
    for index, part in enumerate(found.parts, 1):
        assert part[:6] == bytes((5, 0, 3, number % 256, len(found.parts), index))
        assert len(part) <= (140 if found.data_coding == 8 else 159)


@pytest.mark.parametrize(
    ("text", "data_coding", "content"),
    [
        ("Hi @$€[", 0, b"Hi \0\2\x1be\x1b<"),
        ("Hi ё", 8, b"\0H\0i\0 \4\x51"),
        ("😀", 8, b"\xd8\x3d\xde\0"),
    ],
)
def test_the_alphabet(text: str, data_coding: int, content: bytes) -> None:
    assert contents(text, "gsm", 0) == (data_coding, 0, (content,))


def test_neither_an_escape_nor_a_surrogate_pair_is_cut_in_two() -> None:
    first, second = contents("a" * 152 + "€" + "b" * 20, "gsm", 0).parts
    assert (len(first), second[6:8]) == (6 + 152, b"\x1be")
    first, second = contents("ё" * 66 + "😀" + "ё" * 20, "gsm", 0).parts
    assert (len(first), second[6:10]) == (6 + 132, b"\xd8\x3d\xde\0")


def test_an_smsc_of_another_alphabet() -> None:
    """Latin-1 has no euro, so that such a text takes more parts than it was counted for."""
    assert contents("Grüße [x]", "latin1", 0) == (0, 0, ("Grüße [x]".encode("latin-1"),))
    found = contents("€" + "a" * 100, "latin1", 0)
    assert (found.data_coding, len(found.parts)) == (8, 2)


def test_a_text_of_too_many_parts_is_refused() -> None:
    assert len(contents("a" * 153 * 255, "gsm", 0).parts) == 255
    with pytest.raises(ValueError, match="more than 255 parts"):
        contents("a" * (153 * 255 + 1), "gsm", 0)
