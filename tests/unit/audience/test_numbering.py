"""The shortcut through the numbering plans says what libphonenumber's general parser says."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from campaigns.audience import numbering

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
CODES = sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE)


def examples() -> list[str]:
    """E.164 digits of the example number of every type of every region."""
    found = []
    for region in REGIONS:
        for kind in PhoneNumberType.values():
            number = phonenumbers.example_number_for_type(region, kind)
            if number is not None:
                found.append(phonenumbers.format_number(number, PhoneNumberFormat.E164)[1:])
    return found


EXAMPLES = examples()

digits = st.text("0123456789", min_size=1, max_size=17)


@st.composite
def near_numbers(draw: st.DrawFn) -> str:
    """Digits as lists have them: real numbers whole, cut, prefixed or changed, and noise."""
    text = draw(
        st.sampled_from(EXAMPLES)
        | st.tuples(st.sampled_from(CODES), digits).map(lambda pair: f"{pair[0]}{pair[1]}")
        | digits
    )
    text = text[draw(st.sampled_from([0, 0, 0, 1, 2, 3])) :]
    text = draw(st.sampled_from(["", "", "", "0", "1", "8", "00", "119", "810"])) + text
    if text and draw(st.booleans()):
        place = draw(st.integers(0, len(text) - 1))
        text = text[:place] + draw(st.sampled_from("0123456789")) + text[place + 1 :]
    return text[: draw(st.sampled_from([17, 17, len(text) - 1]))] or "0"


@pytest.mark.parametrize("code", CODES)
def test_every_country_code_has_plans(code: int) -> None:
    assert numbering.international(f"{code}5550100") == numbering.by_parser(f"+{code}5550100", None)


def test_examples_of_all_regions_are_read_alike() -> None:
    for number in EXAMPLES:
        assert numbering.international(number) == numbering.by_parser("+" + number, None)


@settings(max_examples=500, deadline=None)
@given(text=near_numbers().filter(lambda text: not text.startswith("0")))
def test_international_reading_is_the_parsers(text: str) -> None:
    assert numbering.international(text) == numbering.by_parser("+" + text, None)


@settings(max_examples=500, deadline=None)
@given(text=near_numbers(), region=st.sampled_from(REGIONS))
def test_national_reading_is_the_parsers(text: str, region: str) -> None:
    assert numbering.national(text, region) == numbering.by_parser(text, region)


@settings(max_examples=500, deadline=None)
@given(data=st.data(), region=st.sampled_from(REGIONS))
def test_national_reading_of_a_regions_own_numbers_is_the_parsers(
    data: st.DataObject, region: str
) -> None:
    code = str(phonenumbers.country_code_for_region(region))
    own = [number for number in EXAMPLES if number.startswith(code)]
    number = data.draw(st.sampled_from(own))
    for text in (number, number[len(code) :]):
        assert numbering.national(text, region) == numbering.by_parser(text, region)
