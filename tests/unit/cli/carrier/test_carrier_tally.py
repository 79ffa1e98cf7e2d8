"""What the statistics say, and that their memory is bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.carrier.tally import Fingerprints, Tally

NOW_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


@given(st.lists(st.text(max_size=2)))
def test_fingerprints_tell_new_texts_from_known_ones(texts: list[str]) -> None:
    known: set[str] = set()
    fingerprints = Fingerprints()
    for text in texts:
        assert fingerprints.add(text) == (text not in known)
        known.add(text)
    assert len(fingerprints) == len(known)


def test_repeated_references_and_addresses_are_counted_once_each() -> None:
    tally = Tally(100)
    tally.add("accepted", "1-1", "491700001", NOW_US)
    tally.add("lost", "1-1", "+491700001", NOW_US + 1)
    tally.add("accepted", "1-1", "491700001", NOW_US + 2)
    tally.add("accepted", "1-2", "491700001", NOW_US + 3)
    tally.add("accepted", "1-3", "491700002", NOW_US + 4)
    tally.add("throttled", "1-3", "491700002", NOW_US + 5)

    assert tally.statistics(NOW_US) == {
        "accepted": 4,
        "throttled": 1,
        "rejected": 0,
        "unavailable": 0,
        "lost": 1,
        "invalid": 0,
        "repeated": 0,
        "arrivals": 6,
        "distinct_references": 3,
        "distinct_addresses": 2,
        "doubled_references": 1,
        "doubled_addresses": 1,
        "first_arrival": NOW_US / SECOND_US,
        "last_arrival": (NOW_US + 5) / SECOND_US,
        "rate": 5,
        "complete": True,
    }


def test_an_empty_tally_has_no_first_and_no_last_arrival() -> None:
    statistics = Tally(1).statistics(NOW_US)
    assert statistics["first_arrival"] is None
    assert statistics["last_arrival"] is None


def test_the_rate_is_that_of_the_last_second_of_received_messages() -> None:
    tally = Tally(100)
    for number in range(10):
        tally.add("accepted", f"1-{number}", "491700001", NOW_US + number * 200_000)
        tally.add("throttled", f"1-{number}", "491700001", NOW_US + number * 200_000)

    assert tally.statistics(NOW_US + 1_800_000)["rate"] == 5
    assert tally.statistics(NOW_US + 2_799_999)["rate"] == 1
    assert tally.statistics(NOW_US + 2_800_000)["rate"] == 0


def test_beyond_the_limit_arrivals_are_counted_but_not_remembered() -> None:
    tally = Tally(3)
    for number in range(3):
        tally.add("accepted", f"1-{number}", "491700001", NOW_US)
    assert tally.statistics(NOW_US)["complete"] is True

    tally.add("accepted", "1-3", "491700002", NOW_US)
    statistics = tally.statistics(NOW_US)
    assert statistics["complete"] is False
    assert statistics["accepted"] == 4
    assert statistics["distinct_references"] == 3
