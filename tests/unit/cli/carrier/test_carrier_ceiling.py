"""The rate ceiling admits what it promises, and never more."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cli.carrier.ceiling import Ceiling

SECOND = 1_000_000_000

ceilings = st.builds(
    Ceiling.of,
    st.floats(min_value=0.01, max_value=20_000, allow_nan=False),
    st.integers(min_value=1, max_value=50),
)
gaps = st.lists(st.integers(min_value=0, max_value=2 * SECOND), min_size=1, max_size=200)


def admitted(ceiling: Ceiling, moments: list[int]) -> list[int]:
    tat, passed = 0, []
    for now in moments:
        tat, wait = ceiling.admit(tat, now)
        if wait == 0:
            passed.append(now)
    return passed


def moments_of(gaps: list[int]) -> list[int]:
    now, moments = 10**18, []
    for gap in gaps:
        now += gap
        moments.append(now)
    return moments


@given(ceilings, gaps)
def test_no_sliding_interval_holds_more_than_rate_and_burst(
    ceiling: Ceiling, gaps: list[int]
) -> None:
    passed = admitted(ceiling, moments_of(gaps))
    burst = ceiling.tolerance // ceiling.interval + 1

    for size in range(burst + 1, len(passed) + 1):
        for first, last in zip(passed, passed[size - 1 :], strict=False):
            assert last - first >= (size - burst) * ceiling.interval


@given(st.floats(min_value=0.01, max_value=20_000))
def test_the_interval_is_rounded_in_favour_of_the_ceiling(rate: float) -> None:
    assert 0 <= Ceiling.of(rate, 1).interval - SECOND / rate <= 1


@given(ceilings, st.integers(min_value=1, max_value=300))
def test_requests_that_come_exactly_at_the_rate_all_pass(ceiling: Ceiling, count: int) -> None:
    moments = moments_of([ceiling.interval] * count)
    assert admitted(ceiling, moments) == moments


@given(ceilings, gaps)
def test_a_request_that_waits_as_long_as_told_passes_and_not_a_moment_sooner(
    ceiling: Ceiling, gaps: list[int]
) -> None:
    tat = 0
    for now in moments_of(gaps):
        tat, wait = ceiling.admit(tat, now)
        if wait:
            assert ceiling.admit(tat, now + wait)[1] == 0
            assert ceiling.admit(tat, now + wait - 1)[1] == 1


@given(ceilings)
def test_after_a_quiet_time_exactly_the_burst_passes_at_once(ceiling: Ceiling) -> None:
    burst = ceiling.tolerance // ceiling.interval + 1
    assert len(admitted(ceiling, [10**18] * (burst + 10))) == burst


@given(ceilings, st.integers(min_value=0, max_value=10**18))
def test_a_clock_that_is_set_back_shuts_it_for_one_interval_at_most(
    ceiling: Ceiling, step: int
) -> None:
    tat = 0
    for _ in range(60):
        tat, _ = ceiling.admit(tat, 10**18)
    assert ceiling.admit(tat, 10**18 - step)[1] <= ceiling.interval
