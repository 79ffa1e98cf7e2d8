"""What is foretold ends where the calendar of campaigns ends."""

from __future__ import annotations

from datetime import UTC, datetime

from campaigns.campaign.times import LATEST
from campaigns.schedule.active import ActiveTime
from campaigns.schedule.flow import Flow, Pace, Turn, flow
from campaigns.schedule.windows import FOREVER, Interval

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ENDLESS = Turn((ActiveTime((Interval(NOW, FOREVER),)),))
DAYS_LEFT = (LATEST - NOW).days


def told(messages: float, pace: Pace) -> Flow:
    return flow([messages], [ENDLESS], pace, NOW)


def test_what_would_take_thousands_of_years_is_left_at_the_end_of_the_calendar() -> None:
    """Three million at one a day would leave until the year 10243, which no date can tell."""
    found = told(3_000_000, Pace(False, 1 / 86_400))
    assert found.pieces[-1].end == LATEST
    assert round(found.left[0]) == 3_000_000 - DAYS_LEFT
    assert round(found.by(LATEST)) == DAYS_LEFT


def test_a_warm_up_that_does_not_grow_is_foretold_no_further_either() -> None:
    found = told(3_000_000, Pace(False, 50.0, lambda _: 1, began=NOW))
    assert found.pieces[-1].end <= LATEST
    assert round(found.left[0]) == 3_000_000 - DAYS_LEFT


def test_what_ends_before_is_foretold_to_its_end() -> None:
    found = told(100, Pace(False, 10.0))
    assert found.pieces[-1].end == datetime(2030, 1, 1, 0, 0, 10, tzinfo=UTC)
    assert found.left == (0.0,)
