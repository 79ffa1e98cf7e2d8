"""Which events go out together: each of them once, none too late, never too many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from campaigns.callbacks.windows import MOST, packs

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
WINDOW = timedelta(seconds=60)

#: How long ago events were noted, in the order of the queue, which need not be that of time.
AGES = st.lists(st.integers(0, 120), max_size=60)
MOSTS = st.integers(1, 20)


def noted(ages: list[int]) -> list[datetime]:
    return [NOW - timedelta(seconds=age) for age in ages]


@given(AGES, MOSTS)
def test_no_event_goes_out_twice_or_with_too_many(ages: list[int], most: int) -> None:
    found = packs(noted(ages), NOW, WINDOW, most)
    seen = [place for lo, hi in found for place in range(lo, hi)]
    assert len(seen) == len(set(seen))
    assert all(0 <= lo < hi <= len(ages) and hi - lo <= most for lo, hi in found)


@given(AGES, MOSTS)
def test_what_has_waited_for_the_window_goes_out(ages: list[int], most: int) -> None:
    found = packs(noted(ages), NOW, WINDOW, most)
    out = {place for lo, hi in found for place in range(lo, hi)}
    assert {place for place, age in enumerate(ages) if age >= 60} <= out


@given(AGES, MOSTS)
def test_what_goes_out_is_full_or_old(ages: list[int], most: int) -> None:
    for lo, hi in packs(noted(ages), NOW, WINDOW, most):
        assert hi - lo == most or max(ages[lo:hi]) >= 60


@given(AGES, MOSTS)
def test_less_than_one_callback_is_left_waiting(ages: list[int], most: int) -> None:
    young = [min(age, 59) for age in ages]
    found = packs(noted(young), NOW, WINDOW, most)
    assert len(young) - sum(hi - lo for lo, hi in found) == len(young) % most


def test_a_full_callback_does_not_wait_for_the_window() -> None:
    assert packs(noted([0] * (MOST + 1)), NOW, WINDOW) == [(0, MOST)]
