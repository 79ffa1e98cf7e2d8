"""What the header of a CSV file means."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from campaigns.audience.csv_columns import DELIMITERS, Columns, sniff_delimiter, understand
from campaigns.errors import Invalid


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [
        ("phone,name", ","),
        ("phone;name,first", ";"),
        ("name|e-mail|a,b,c,d", "|"),
        ("phone", ","),
        ("a\tb\tc", "\t"),
        ('"phone;x",name', ","),
        ("", ","),
    ],
)
def test_delimiter_is_the_one_that_shows_an_address_then_the_most_columns(
    header: str, delimiter: str
) -> None:
    assert sniff_delimiter(header) == delimiter


@pytest.mark.parametrize(
    "name", ["phone", "Phone Number", "MOBILE", "msisdn", "Number", "tel", " Mobile-No "]
)
def test_usual_names_of_a_phone_column_are_recognised(name: str) -> None:
    assert understand([name], None, ",").addresses == ((0, "phone"),)


@pytest.mark.parametrize("name", ["email", "E-Mail", "Email Address", "mail"])
def test_usual_names_of_an_email_column_are_recognised(name: str) -> None:
    assert understand([name], None, ",").addresses == ((0, "email"),)


def test_column_without_a_name_is_left_out() -> None:
    assert understand(["phone", "", "City"], None, ",") == Columns(
        width=3, addresses=((0, "phone"),), fields=((2, "city"),)
    )


def test_mapping_resolves_two_columns_of_one_kind() -> None:
    found = understand(["Home phone", "Mobile", "tel"], {"tel": "landline"}, ",")
    assert found.addresses == ((1, "phone"),)
    assert found.fields == ((0, "home_phone"), (2, "landline"))


def test_mapping_to_a_seeds_name_of_an_address() -> None:
    assert understand(["Handset"], {"Handset": "phone_number"}, ",").addresses == ((0, "phone"),)


@given(header=st.lists(st.text(max_size=12), min_size=1, max_size=6))
@example(header=["\n0"])
def test_any_header_is_understood_or_refused(header: list[str]) -> None:
    for delimiter in DELIMITERS:
        try:
            found = understand(header, None, delimiter)
        except Invalid:
            continue
        assert found.addresses
