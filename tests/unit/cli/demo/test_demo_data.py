"""The made-up people: who is to get the message follows from the lists as they are written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.addresses import phone
from campaigns.errors import Invalid
from campaigns.template import render
from cli.demo import data


def read(listed: data.List) -> list[str]:
    """The numbers in a list, in stored form, as far as they are numbers."""
    found = []
    for line in listed.lines:
        try:
            found.append(phone(line[0], data.REGION))
        except Invalid:
            continue
    return found


@given(people=st.integers(1, 2000), seed=st.text(max_size=5))
def test_the_lists_hold_exactly_their_members_and_the_mistakes_they_claim(people, seed):
    made_up = data.generate(people, seed)
    for listed in (*made_up.lists, made_up.optouts):
        numbers = read(listed)
        assert set(numbers) == listed.members
        assert len(listed.lines) - len(numbers) == listed.invalid
        assert len(numbers) - len(set(numbers)) == listed.duplicates


@given(people=st.integers(1, 2000), seed=st.text(max_size=5))
def test_expected_is_the_union_of_the_lists_minus_those_who_opted_out(people, seed):
    made_up = data.generate(people, seed)
    everybody = frozenset().union(*(listed.members for listed in made_up.lists))
    assert len(everybody) == people
    assert made_up.people == everybody
    assert made_up.expected.keys() == everybody - made_up.optouts.members


def test_the_lists_overlap_and_some_who_opted_out_are_in_none():
    made_up = data.generate(2000)
    first, second, third = (listed.members for listed in made_up.lists)
    assert first & second & third
    assert first - second - third
    assert made_up.optouts.members - made_up.people
    assert made_up.optouts.members & made_up.people


def test_all_numbers_are_set_aside_for_fiction():
    made_up = data.generate(2000)
    assert all(number[4:9] == "55501" and len(number) == 11 for number in made_up.people)
    assert len(set(data.AREA_CODES)) == len(data.AREA_CODES)


def test_the_same_seed_gives_the_same_people():
    assert data.generate(300, "a") == data.generate(300, "a")
    assert data.generate(300, "a") != data.generate(300, "b")


def test_the_expected_text_is_what_the_template_says():
    ann = data.Person("12015550100", "Ann", "Lee", "Ames")
    template = render.compile(data.TEMPLATE)
    assert ann.text() == template.render({"first_name": "Ann"}, data.VARIABLES)


@pytest.mark.parametrize("people", [0, 28_000])
def test_more_people_than_there_are_numbers_are_refused(people):
    with pytest.raises(ValueError, match="between 1 and"):
        data.generate(people)
