"""The verdict: clean only if everybody got the right text once and at the right time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.windows import Interval
from cli.carrier.log import Arrival
from cli.demo.timeline import Timeline
from cli.demo.verdict import Hold, conclude, evenness, last_after_press

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


PLAN = Timeline(
    start=at(0),
    finish=at(60),
    expiry=at(80),
    pauses=(Interval(at(10), at(20)),),
    press_at=at(30),
    hold=timedelta(seconds=4),
)
HOLD = Hold(pressed=at(30), returned=at(30.1), resumed=at(34))


def arrival(number: int, seconds: float, **changes: object) -> Arrival:
    plain = Arrival(
        at(seconds).timestamp(), str(number), "Sluice", f"Hi {number}", None, "accepted"
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def good() -> list[Arrival]:
    """One message each, every tenth of a second in which messages may come."""
    moments = [n / 10 for n in range(600) if not 10 <= n / 10 < 20 and not 30 <= n / 10 < 34]
    return [arrival(number, moment) for number, moment in enumerate(moments)]


def expected() -> dict[str, str]:
    return {a.to or "": a.text or "" for a in good()}


def judged(arrivals: list[Arrival]):
    return conclude(arrivals, expected(), PLAN, (HOLD,))


def test_what_is_as_it_should_be_is_clean():
    found = judged(good())
    assert found.clean
    assert (found.expected, found.received) == (460, 460)
    assert found.spare == pytest.approx(0.1, abs=1e-6)
    assert found.silent_after == 0


@pytest.mark.parametrize(
    ("spoilt", "count"),
    [
        ([arrival(3, 41)], "doubled"),
        ([arrival(3, 41, outcome="lost")], "doubled"),
        ([arrival(9999, 41)], "unexpected"),
        ([arrival(3, 41, text="Hi 4")], "misread"),
        ([arrival(3, 10, outcome="throttled")], "in_pauses"),
        ([arrival(3, 19.999, outcome="throttled")], "in_pauses"),
        ([arrival(3, 30.4, outcome="throttled")], "while_held"),
        ([arrival(3, 33.999, outcome="throttled")], "while_held"),
        ([arrival(3, -0.001, outcome="throttled")], "outside_window"),
        ([arrival(3, 60, outcome="throttled")], "outside_window"),
    ],
)
def test_each_wrong_arrival_is_counted_and_makes_it_unclean(spoilt, count):
    found = judged(good() + spoilt)
    assert getattr(found, count) == 1
    assert not found.clean


def test_a_missing_message_makes_it_unclean():
    found = judged(good()[1:])
    assert found.missing == 1
    assert not found.clean


@pytest.mark.parametrize("seconds", [9.999, 20, 30.39, 34, 59.999])
def test_the_edges_of_the_closed_times_belong_to_the_open_ones(seconds):
    assert judged([*good(), arrival(3, seconds, outcome="throttled")]).clean


def test_the_silence_is_measured_from_the_press_to_the_last_request_before_the_resume():
    late = [arrival(1, 29.9), arrival(2, 30.05), arrival(3, 30.2), arrival(4, 34.1)]
    assert last_after_press(late, HOLD) == pytest.approx(0.2, abs=1e-6)


def test_an_even_flow_deviates_by_nothing_and_a_pause_by_hand_does_not_count_against_it():
    arrivals = good()
    # 460 messages in 50 s; what the hold kept back is spread over the time behind it.
    before = [arrival(n, n / 9.2) for n in range(92)]
    before += [arrival(92 + n, 20 + n / 9.2) for n in range(92)]
    after = [arrival(184 + n, 34 + n * 26 / 276) for n in range(276)]
    parts = evenness(before + after, len(arrivals), PLAN, (HOLD,))
    assert parts == pytest.approx([1.0] * len(parts), abs=0.02)
    assert len(parts) == 2 + 2 + 5


def test_a_burst_shows_as_a_deviation():
    burst = [arrival(n, 55 + n / 1000) for n in range(460)]
    assert max(evenness(burst, 460, PLAN, ())) > 5


@given(st.lists(st.floats(-10, 70), max_size=30))
def test_any_log_is_judged(moments):
    found = judged([arrival(n, moment) for n, moment in enumerate(moments)])
    assert found.missing == 460 - len(moments)
    assert not found.clean
    assert found.deviation >= 0
