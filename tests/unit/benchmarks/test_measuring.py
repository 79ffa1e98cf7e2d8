"""The arithmetic behind the figures of pacing, held to answers that are known."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.pacing.measuring import Line, lags, mean_rate, percentile, rms, sliding_counts

#: A Unix time of these days: floats are coarse there.
NOW = 1_800_000_000.0

WINDOW = Line(100, ((0.0, 10.0), (20.0, 30.0)))


def test_a_second_is_half_open():
    """Arrivals exactly one second apart never share a second, at any size of the clock."""
    assert sliding_counts([NOW, NOW + 1, NOW + 2], 1.0) == [1, 1, 1]
    assert sliding_counts([NOW + 0.1, NOW + 1.1], 1.0) == [1, 1]
    assert sliding_counts([NOW + 0.1, NOW + 1.099999], 1.0) == [1, 2]
    assert set(sliding_counts([NOW + n / 10 for n in range(100)], 0.1)) == {1}


def test_the_busiest_second_may_begin_anywhere():
    """Two seconds of the clock hold 3 arrivals each, the second between them holds 4."""
    moments = [NOW + t for t in (0.1, 0.6, 0.7, 1.3, 1.5, 1.9)]
    assert max(sliding_counts(moments, 1.0)) == 4


def test_a_steady_stream_has_its_rate_in_every_second():
    counts = sliding_counts([NOW + n / 200 for n in range(1000)], 1.0)
    assert counts[:3] == [1, 2, 3]
    assert set(counts[199:]) == {200}


@given(st.lists(st.integers(0, 5_000_000), min_size=1, max_size=40), st.integers(1, 2_000_000))
def test_no_interval_holds_more_than_the_highest_count(moments, width):
    """Against counting the half-open interval that begins at each arrival."""
    seconds = [NOW + moment / 1e6 for moment in moments]
    most = max(sum(a <= b < a + width for b in moments) for a in moments)
    assert max(sliding_counts(seconds, width / 1e6)) == most


def test_the_mean_counts_a_half_open_stretch():
    assert mean_rate([0.0, 1.0, 1.5, 2.0, 4.0], 1.0, 3.0) == 1.0


@pytest.mark.parametrize(
    ("percent", "value"), [(50, 50), (99, 99), (99.5, 100), (100, 100), (0, 1), (1, 1), (1.1, 2)]
)
def test_percentiles_are_values_that_occurred(percent, value):
    """Nearest rank, of 1 to 100 in any order."""
    assert percentile(list(range(100, 0, -1)), percent) == value


def test_of_few_values_the_99th_percentile_is_the_largest():
    assert percentile([3.0, 1.0, 2.0], 99) == 3.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 99)


def test_the_root_mean_square_of_known_values():
    assert rms([3, -4]) == pytest.approx(math.sqrt(12.5))
    assert rms([]) == 0.0


def test_the_line_rests_between_its_stretches():
    assert [WINDOW.at(t) for t in (-1, 0, 5, 10, 15, 20, 25, 30, 31)] == [
        0, 0, 25, 50, 50, 50, 75, 100, 100,
    ]  # fmt: skip


def test_the_line_reaches_a_count_at_the_earliest_moment():
    assert [WINDOW.reaches(n) for n in (0, 25, 50, 75, 100)] == [0, 5, 10, 25, 30]


def test_a_staircase_on_the_line_deviates_by_no_more_than_half_a_step():
    """100 arrivals, each in the middle of its own step, are on the line; 2 s late, all are 10
    behind, but for those whom the pause hides."""
    exact = [0.1 + 0.2 * n + (10 if n >= 50 else 0) for n in range(100)]
    assert rms(WINDOW.deviations(exact)) == pytest.approx(0, abs=1e-9)
    late = [moment + 2 for moment in exact[:40]]
    assert WINDOW.deviations(late) == pytest.approx([-10] * 40)


def test_a_message_is_due_when_the_line_reaches_a_whole_one():
    """Four messages over 20 s are due at 5, 10, 15 and 20 s."""
    assert Line(4, ((0.0, 20.0),)).due() == [5, 10, 15, 20]
    assert WINDOW.due()[49:51] == pytest.approx([10, 20.2])


def test_lags_are_counted_in_the_order_of_arrival():
    """The second arrival is compared with the second that was due, whichever message it is."""
    assert lags([9.5, 5.0, 16.0], [5, 10, 15, 20]) == pytest.approx([0, -0.5, 1])
    with pytest.raises(ValueError, match="2 arrivals, and only 1"):
        lags([1.0, 2.0], [1.0])
