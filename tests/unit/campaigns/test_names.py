"""Names: what nothing can be called finds nothing, and what may be an address is told apart."""

from __future__ import annotations

from uuid import UUID

import pytest

from campaigns.names import as_name, may_be_address


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "\x1b[31m", "a\nb", "\u202e"])
def test_what_nothing_can_be_called_is_no_name(text):
    assert as_name(text) is None


def test_everything_printable_is_a_name_to_look_for():
    assert as_name("Zürich \N{BUS} [b]") == "Zürich \N{BUS} [b]"
    assert as_name(UUID(int=7)) == str(UUID(int=7))


@pytest.mark.parametrize("text", ["anna@example.com", "+44 7911 123456", "07911"])
def test_an_address_in_the_place_of_a_name_is_recognised(text):
    assert may_be_address(text)


@pytest.mark.parametrize("text", ["first_name", "line_2", "2026", ""])
def test_a_name_with_a_few_digits_is_no_address(text):
    assert not may_be_address(text)
