"""Writing texts in the GSM alphabet: what becomes of which characters, and what never happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template.segments import BASIC, EXTENDED, is_gsm, segments
from campaigns.template.transliteration import transliterated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Hi” – ‘it’s’ … «ok» ‹x›", "\"Hi\" - 'it's' ... \"ok\" 'x'"),
        ("a\u00a0b\u2009c\td", "a b c d"),
        ("soft\u00adhyphen\u200b\ufeff\u2060", "softhyphen"),
        ("one\u2028two\u2029", "one\ntwo\n"),
        ("á â ã ç ê í î ó ô õ ú û ý ÿ", "a a a c e i i o o o u u y y"),
        ("Á Ç È Ê Ó Ú", "A Ç E E O U"),
        ("ą ć ę ł ń ś ź ż Ł Ż", "a c e l n s z z L Z"),
        ("č ď ě ň ř š ť ů ž ő ű ğ ı İ ş ă ț ș đ ħ", "c d e n r s t u z o u g i I s a t s d h"),
        ("ǘ ǻ ḧ ệ ở", "ü å h e o"),
        ("ﬁ ﬂ ﬀ ﬃ ﬄ œ Œ ĳ ǆ ŉ", "fi fl ff ffi ffl oe OE ij dz 'n"),
        ("þ Þ ð Ð ſ ẞ", "th Th d D s SS"),
        ("e\u0301 a\u0302 c\u0327 n\u0303 x\u0323", "é a c ñ x"),
        ("`code` 5′ 6″ −1", "'code' 5' 6\" -1"),
    ],
)
def test_what_is_written_instead(text: str, expected: str) -> None:
    assert transliterated(text) == expected
    assert is_gsm(expected)


@pytest.mark.parametrize(
    "text",
    ["Привет – “мир”", "Καλημέρα…", "“你好”", "“ok” 😀", "½ – ¾", "été ✓ –", "\ud800–", "“%s” ™"],
)
def test_a_text_that_needs_ucs2_anyway_stays_entirely_as_it_is(text: str) -> None:
    assert transliterated(text) == text


def test_greek_capitals_of_the_gsm_alphabet_stay() -> None:
    assert transliterated("ΔΩ – π") == "ΔΩ – π"
    assert transliterated("ΔΩ –") == "ΔΩ -"


def test_a_text_that_would_become_longer_stays() -> None:
    """70 ellipses are one message in UCS-2 and 210 septets in GSM."""
    assert transliterated("…" * 70) == "…" * 70
    assert transliterated("…" * 53) == "." * 159
    assert transliterated("…" * 53 + "ab") == "…" * 53 + "ab"


def test_the_usual_quote_no_longer_doubles_the_price() -> None:
    text = "It’s on – up to 50% off today only, in all our shops and online. " * 2
    assert (segments(text), segments(transliterated(text))) == (2, 1)


gsm = st.text(st.sampled_from(BASIC + EXTENDED), max_size=200)
mixed = st.text(
    st.sampled_from(BASIC + EXTENDED + "…–“”’œﬃ\u00a0áçł") | st.characters(), max_size=200
)


@given(gsm)
def test_a_gsm_text_stays_exactly_as_it_is(text: str) -> None:
    assert transliterated(text) == text


@given(mixed)
def test_no_text_takes_more_segments_than_before(text: str) -> None:
    found = transliterated(text)
    assert segments(found) <= segments(text)
    assert found == text or is_gsm(found)
    assert transliterated(found) == found


@given(st.text(st.sampled_from("…–“ﬃa€œя"), max_size=200), st.text(max_size=40))
def test_more_text_never_takes_fewer_segments(head: str, tail: str) -> None:
    """What a campaign counts without its fields is the least that a message has."""
    assert segments(transliterated(head + tail)) >= segments(transliterated(head))
