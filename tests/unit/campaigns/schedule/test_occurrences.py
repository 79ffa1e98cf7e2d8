"""Every occurrence starts, is skipped, or is missed, once; each policy decides what it says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.schedule import occurrences, recurrence
from campaigns.schedule.occurrences import Due, Series, Single, due, starts_at

CAMPAIGN = UUID("00000000-0000-4000-8000-000000000001")
START = datetime(2026, 11, 25, 9, tzinfo=UTC)
LEAD = timedelta(seconds=30)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ONCE = Series(CAMPAIGN, Single(START))


def recurring(rule: str = "FREQ=HOURLY", **policies: object) -> Series:
    series = recurrence.parse(rule, zone="UTC", start=START)
    return replace(Series(CAMPAIGN, series), **policies)


def decide(
    series: Series, now: datetime, *, next_dt: datetime | None = START, open_runs: int = 0
) -> Due:
    return due(series, next_dt, now, open_runs=open_runs, lead=LEAD)


def started(found: Due) -> list[datetime]:
    return [start.occurrence for start in found.starts]


# --- when nothing is in the way


def test_an_occurrence_is_due_a_lead_before_its_start() -> None:
    early = decide(recurring(), START - LEAD - SECOND)
    assert (early.starts, early.next_dt, early.waiting) == ((), START, False)
    found = decide(recurring(), START - LEAD)
    assert started(found) == [START]
    assert found.next_dt == START + HOUR


def test_a_series_goes_on_where_its_rule_does() -> None:
    """``next_dt`` may lie between two occurrences, after its rule was changed."""
    between = decide(recurring(), START, next_dt=START + MINUTE)
    assert (between.starts, between.next_dt) == ((), START + HOUR)


def test_a_series_is_over_after_its_last_occurrence() -> None:
    found = decide(recurring("FREQ=HOURLY;COUNT=1"), START)
    assert (started(found), found.next_dt) == ([START], None)
    assert decide(recurring(), START, next_dt=None) == Due(
        (), occurrences.Dropped(), occurrences.Dropped(), None
    )


# --- single sends


@pytest.mark.parametrize("catch_up", ["skip", "one", "all"])
@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
def test_a_single_send_starts_however_late(catch_up: str, overlap: str) -> None:
    series = replace(ONCE, catch_up=catch_up, overlap=overlap)
    found = decide(series, START + timedelta(days=40), open_runs=1)
    assert (started(found), found.next_dt) == ([START], None)


def test_a_single_send_is_missed_only_by_its_deadline() -> None:
    series = replace(ONCE, start_deadline=HOUR)
    assert started(decide(series, START + HOUR)) == [START]
    late = decide(series, START + HOUR + SECOND)
    assert (late.starts, late.missed.latest, late.next_dt) == ((), (START,), None)


# --- the start deadline and catching up


def test_a_deadline_of_its_own_ends_each_occurrence() -> None:
    series = recurring(start_deadline=90 * MINUTE, catch_up="all")
    found = decide(series, START + 3 * HOUR + 10 * MINUTE)
    assert found.missed.latest == (START, START + HOUR)
    assert started(found)[0] == START + 2 * HOUR


@pytest.mark.parametrize("seconds", [60, 61])
def test_what_is_not_late_starts_without_catching_up(seconds: int) -> None:
    found = decide(recurring(catch_up="skip"), START + timedelta(seconds=seconds))
    assert started(found) == ([START] if seconds == 60 else [])
    assert found.missed.count == (0 if seconds == 60 else 1)


def test_catching_up_with_none() -> None:
    found = decide(recurring(catch_up="skip"), START + 3 * HOUR)
    assert found.missed.latest == (START, START + HOUR, START + 2 * HOUR)
    assert started(found) == [START + 3 * HOUR]


def test_catching_up_with_one_starts_the_latest() -> None:
    found = decide(recurring(catch_up="one"), START + 3 * HOUR + 10 * MINUTE)
    assert started(found) == [START + 3 * HOUR]
    assert found.missed.count == 3
    assert found.next_dt == START + 4 * HOUR


def test_catching_up_with_one_takes_the_one_that_is_not_late() -> None:
    """Else people would get two messages at once."""
    found = decide(recurring(catch_up="one", overlap="allow"), START + 3 * HOUR)
    assert started(found) == [START + 3 * HOUR]
    assert found.missed.count == 3


def test_catching_up_with_all_has_a_cap() -> None:
    series = recurring(catch_up="all", catch_up_cap=2, overlap="allow")
    found = decide(series, START + 4 * HOUR + 10 * MINUTE)
    assert started(found) == [START + 3 * HOUR, START + 4 * HOUR]
    assert found.missed.latest == (START, START + HOUR, START + 2 * HOUR)


EVERY_MINUTE = "FREQ=HOURLY;BYMINUTE=" + ",".join(map(str, range(60)))


@pytest.mark.parametrize(("catch_up", "starting"), [("skip", 0), ("one", 1), ("all", 7)])
def test_a_long_downtime_is_worked_off_in_bounded_steps(catch_up: str, starting: int) -> None:
    """Three days of minutes: the same ones start as if all had been looked at together."""
    now = START + timedelta(days=3) + 90 * SECOND
    series = recurring(
        EVERY_MINUTE + ";UNTIL=20261128T090000", catch_up=catch_up, catch_up_cap=7, overlap="allow"
    )
    next_dt, starts, missed, steps = START, [], 0, 0
    while next_dt is not None and next_dt <= now:
        found = decide(series, now, next_dt=next_dt)
        assert found.missed.count <= occurrences.MOST_DECIDED
        listed = series.times.between(next_dt, now, limit=found.missed.count)
        assert list(found.missed.latest) == listed[-occurrences.MOST_LISTED :]
        starts += started(found)
        missed += found.missed.count
        next_dt = found.next_dt
        steps += 1
    every = series.times.between(START, now, limit=10_000)
    assert starts == every[len(every) - starting :]
    assert missed == len(every) - starting
    assert steps == 3


# --- overlap


def test_an_overlapping_occurrence_is_skipped_at_its_time_not_before() -> None:
    """The open run may finish in the meantime."""
    series = recurring(overlap="skip")
    early = decide(series, START - SECOND, open_runs=1)
    assert (early.skipped.count, early.next_dt, early.waiting) == (0, START, True)
    assert started(decide(series, START - SECOND, open_runs=0)) == [START]
    found = decide(series, START, open_runs=1)
    assert (found.skipped.latest, found.starts, found.next_dt) == ((START,), (), START + HOUR)


def test_a_queued_occurrence_waits_for_all_open_runs() -> None:
    series = recurring(overlap="queue", catch_up="all")
    found = decide(series, START + MINUTE, open_runs=2)
    assert (found.starts, found.next_dt, found.waiting) == ((), START, True)
    assert started(decide(series, START + 50 * MINUTE)) == [START]


def test_queued_occurrences_start_one_at_a_time() -> None:
    series = recurring(overlap="queue", catch_up="all")
    found = decide(series, START + 2 * HOUR)
    assert (started(found), found.next_dt, found.waiting) == ([START], START + HOUR, True)


def test_a_queued_occurrence_keeps_its_deadline() -> None:
    series = recurring(overlap="queue", start_deadline=20 * MINUTE)
    assert decide(series, START + 20 * MINUTE, open_runs=1).next_dt == START
    found = decide(series, START + 20 * MINUTE + SECOND, open_runs=1)
    assert (found.missed.latest, found.next_dt) == ((START,), START + HOUR)


def test_how_many_may_wait_is_what_catching_up_says() -> None:
    """``one``: a newer occurrence takes the place of the one that waits."""
    series = recurring(overlap="queue", catch_up="one")
    found = decide(series, START + HOUR, open_runs=1)
    assert (found.missed.latest, found.next_dt) == ((START,), START + HOUR)


def test_occurrences_may_be_allowed_to_overlap() -> None:
    found = decide(recurring(overlap="allow"), START, open_runs=5)
    assert started(found) == [START]


def test_of_several_that_catch_up_one_runs_and_the_others_overlap_with_it() -> None:
    found = decide(recurring(overlap="skip", catch_up="all"), START + 2 * HOUR)
    assert started(found) == [START]
    assert found.skipped.latest == (START + HOUR, START + 2 * HOUR)


# --- jitter


@given(st.uuids(), st.integers(0, 10_000), st.integers(0, 3600))
def test_jitter_is_bounded_and_depends_on_campaign_and_occurrence_only(
    campaign: UUID, hours: int, seconds: int
) -> None:
    series = recurring(campaign=campaign, jitter=timedelta(seconds=seconds))
    occurrence = START + hours * HOUR
    planned = starts_at(series, occurrence)
    assert occurrence <= planned <= occurrence + seconds * SECOND
    assert planned.microsecond == 0
    assert planned == starts_at(replace(series, overlap="allow"), occurrence)


def test_campaigns_of_one_time_do_not_start_together() -> None:
    ids = [UUID(int=number) for number in range(50)]
    found = {starts_at(recurring(campaign=each, jitter=HOUR), START) for each in ids}
    assert len(found) > 45


def test_jitter_spreads_over_all_of_its_seconds() -> None:
    series = recurring(jitter=timedelta(seconds=9))
    found = {starts_at(series, START + n * HOUR) - START - n * HOUR for n in range(200)}
    assert found == {seconds * SECOND for seconds in range(10)}


def test_a_start_with_jitter_is_late_and_missed_by_its_own_time() -> None:
    series = recurring(jitter=HOUR, start_deadline=MINUTE, catch_up="skip")
    planned = starts_at(series, START)
    assert planned - START > 5 * MINUTE
    assert decide(series, planned - LEAD - SECOND).next_dt == START
    assert started(decide(series, planned)) == [START]
    assert decide(series, planned + 61 * SECOND).missed.latest == (START,)


def test_an_occurrence_is_not_held_up_by_the_jitter_of_the_one_before() -> None:
    """The earlier one is created earlier than it need be, so that they stay in their order."""
    series = recurring(EVERY_MINUTE, jitter=timedelta(minutes=30), overlap="allow")
    every = [START + n * MINUTE for n in range(30)]
    first = min(every, key=lambda each: starts_at(series, each))
    assert first != START
    found = decide(series, starts_at(series, first) - LEAD)
    assert started(found) == [each for each in every if each <= first]
    assert found.starts[-1].starts_at == starts_at(series, first)


# --- everything together


@dataclass
class Simulation:
    """A scheduler that ticks at any times, and runs that take ``duration``."""

    series: Series
    duration: timedelta
    next_dt: datetime | None = START
    runs: list[tuple[datetime, datetime]] = field(default_factory=list)
    dropped: list[datetime] = field(default_factory=list)
    dropped_count: int = 0

    def tick(self, now: datetime) -> Due:
        open_runs = sum(end > now for _, end in self.runs)
        found = due(self.series, self.next_dt, now, open_runs=open_runs, lead=LEAD)
        assert found == due(self.series, self.next_dt, now, open_runs=open_runs, lead=LEAD)
        self._check(found, now, open_runs)
        for start in found.starts:
            self.runs.append((start.occurrence, max(start.starts_at, now) + self.duration))
        for dropped in (found.skipped, found.missed):
            self.dropped += dropped.latest
            self.dropped_count += dropped.count
        self.next_dt = found.next_dt
        return found

    def _check(self, found: Due, now: datetime, open_runs: int) -> None:
        series = self.series
        deadline = series.start_deadline
        late = [each for each in found.starts if now - each.starts_at > occurrences.LATE]
        assert len(late) <= {"skip": 0, "one": 1, "all": series.catch_up_cap}[series.catch_up]
        assert all(deadline is None or now - each.starts_at <= deadline for each in found.starts)
        if series.overlap != "allow":
            assert len(found.starts) <= (0 if open_runs else 1)
        if found.skipped.count:
            assert series.overlap == "skip"
        if found.next_dt is not None and not found.waiting and not series.jitter:
            assert found.next_dt > now + LEAD


@settings(max_examples=200)
@given(
    rule=st.sampled_from(
        [
            "FREQ=HOURLY",
            "FREQ=HOURLY;BYMINUTE=0,1,2,7,30",
            "FREQ=DAILY;BYHOUR=9,10,22",
            "FREQ=HOURLY;COUNT=12",
        ]
    ),
    overlap=st.sampled_from(["skip", "queue", "allow"]),
    catch_up=st.sampled_from(["skip", "one", "all"]),
    cap=st.integers(1, 5),
    deadline=st.none() | st.integers(0, 3 * 3600).map(lambda each: timedelta(seconds=each)),
    jitter=st.sampled_from([0, 0, 45, 4000]),
    duration=st.integers(0, 4 * 3600),
    steps=st.lists(
        st.one_of(st.integers(1, 90), st.integers(1, 4000), st.integers(1, 60_000)),
        min_size=1,
        max_size=60,
    ),
)
def test_every_occurrence_ends_in_exactly_one_way_whatever_the_ticks(
    rule: str,
    overlap: str,
    catch_up: str,
    cap: int,
    deadline: timedelta | None,
    jitter: int,
    duration: int,
    steps: list[int],
) -> None:
    series = recurring(
        rule,
        overlap=overlap,
        catch_up=catch_up,
        catch_up_cap=cap,
        start_deadline=deadline,
        jitter=jitter * SECOND,
    )
    simulation = Simulation(series, duration * SECOND)
    now = START - MINUTE
    for step in steps:
        now += step * SECOND
        simulation.tick(now)
    end = simulation.next_dt or now + 2 * HOUR
    decided = series.times.between(START, end, limit=10_000)
    ended = [occurrence for occurrence, _ in simulation.runs] + simulation.dropped
    assert len(set(ended)) == len(ended)
    assert set(ended) <= set(decided)
    assert len(simulation.runs) + simulation.dropped_count == len(decided)
    if simulation.next_dt is not None:
        assert series.times.after(simulation.next_dt, inclusive=True) == simulation.next_dt
