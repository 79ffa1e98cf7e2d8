"""A few campaigns over a few hours: small enough to be understood when they go wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.simulation.accounts import ACCOUNTS, providers
from tests.simulation.evidence import by_run
from tests.simulation.generate import HOURS, QUIET, ZONES, Plan, campaign, plan
from tests.simulation.judge import verdicts
from tests.simulation.ledger import Row
from tests.simulation.running import play

#: The night in which the clocks of London go forward; those of Lord Howe go back a week later.
BEGIN = datetime(2026, 3, 28, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)

SECONDS = st.integers(0, 6 * 3600).map(lambda n: timedelta(seconds=n))
LENGTHS = st.integers(1, 4 * 3600).map(lambda n: timedelta(seconds=n))

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "provider": st.sampled_from(list(ACCOUNTS)),
    "timezone": st.sampled_from(ZONES),
    "pacing": st.sampled_from(("evenly", "asap")),
    "priority": st.sampled_from(("urgent", "normal", "bulk")),
    "weight": st.integers(1, 5),
    "segments": st.integers(1, 3),
    "rate": st.sampled_from(("2/min", "1/s", "3/s", "200/h")),
    "sending_hours": st.sampled_from(HOURS),
    "quiet_hours": st.sampled_from(QUIET),
    "warm_up": st.just({"first_day": 4, "factor": 3.0}),
}


@st.composite
def campaigns(draw: st.DrawFn, number: int) -> tuple[Row, list[tuple[str | None, int]]]:
    """A campaign, and how many recipients it has in which zones."""
    start = BEGIN + draw(SECONDS)
    row = campaign(UUID(int=number + 100), UUID(int=1), start, BEGIN)
    for name in draw(st.lists(st.sampled_from(list(FIELDS)), unique=True, max_size=4)):
        row[name] = draw(FIELDS[name])
    last = start
    if draw(st.booleans()):
        last += draw(LENGTHS)
        leftover = draw(st.sampled_from(("continue", "next_window", "expire")))
        row.update(throttled=True, scheduled_finish_date=last, leftover=leftover)
        pauses = draw(st.lists(st.tuples(SECONDS, LENGTHS), max_size=2))
        row["pauses"] = [(start + after, start + after + length) for after, length in pauses]
    if draw(st.booleans()):
        row.update(schedule_type="scheduled", schedule_rrule="FREQ=HOURLY;COUNT=3")
        row["overlap"] = draw(st.sampled_from(("skip", "queue", "allow")))
        row["catch_up"] = draw(st.sampled_from(("skip", "one", "all")))
    # Hours and pauses may leave nothing open.
    row["expiry_date"] = last + draw(LENGTHS)
    if draw(st.booleans()):
        return row, [(zone, draw(st.integers(1, 10))) for zone in draw(_ZONES)]
    return row, [(None, draw(st.integers(1, 80)))]


_ZONES = st.lists(st.sampled_from(ZONES), min_size=2, max_size=3, unique=True).map(sorted)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    found = Plan(draw(st.integers(0, 1000)), BEGIN, BEGIN + 6 * HOUR, providers())
    found.teams = plan(0, 0, BEGIN, BEGIN + HOUR).teams[:1]
    for number in range(draw(st.integers(1, 4))):
        row, audience = draw(campaigns(number))
        found.campaigns.append(row)
        found.audiences[row["id"]] = audience
        if draw(st.booleans()):
            at = row["scheduled_send_date"] + draw(SECONDS)
            change = draw(st.sampled_from(_CHANGES))
            found.changes.append((at, row["id"], change))
            if "manually_paused" in change:
                found.changes.append((at + draw(LENGTHS), row["id"], {"manually_paused": False}))
    return found


_CHANGES: tuple[Row, ...] = (
    {"manually_paused": True}, {"status": "stopped"}, {"rate": "30/min"}, {"rate": None},
    {"pacing": "asap"}, {"quiet_hours": QUIET[0]},
)  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(plans(), st.booleans())
def test_a_few_campaigns_over_a_few_hours(given_plan: Plan, calm: bool) -> None:
    assert not verdicts(play(given_plan, calm=calm))


@pytest.mark.parametrize("seed", range(3))
def test_leaving_out_ticks_that_find_nothing_changes_nothing(seed: int) -> None:
    """The year is only as good as this: what leaves is the same with all ticks."""
    begin = datetime(2026, 3, 4, 12, tzinfo=UTC)
    given_plan = plan(seed, 12, begin, begin + HOUR / 2)
    skipping, ticking = (
        play(given_plan, calm=True, every_tick=every, tail=HOUR) for every in (False, True)
    )
    assert ticking.happened["tick"] > 2 * skipping.happened["tick"]
    assert {run: [d.seq for d in left] for run, left in by_run(skipping).items()} == {
        run: [d.seq for d in left] for run, left in by_run(ticking).items()
    }
    # A meter that is read a few ticks before it is due may place a message a little earlier.
    for mine, theirs in zip(sorted(skipping.departures), sorted(ticking.departures), strict=True):
        assert abs(mine.at - theirs.at) < timedelta(seconds=1), (mine, theirs)
