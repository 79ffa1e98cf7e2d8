"""Rates, shares and calendars with real processes, judged by the carrier's own log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from campaigns import providers
from campaigns.campaign import service
from cli.carrier.log import Arrival, judge, peak_in_sliding_window, received
from tests.support import ledger
from tests.support.stack import Stack, at, group, numbers, soon, written
from tests.support.waiting import eventually


def to_each(arrivals: Sequence[Arrival], *audiences: set[str]) -> list[list[Arrival]]:
    """What reached each of these audiences, in the order of arrival."""
    return [[a for a in received(arrivals) if a.to in audience] for audience in audiences]


def edit(running: Stack, campaign: UUID, **body: Any) -> datetime:
    """Edit a campaign as the command line does; the moment at which that returned."""
    service.edit(
        running.conn,
        ledger.team_id(running.conn),
        campaign,
        body,
        providers=providers.load(Path(running.env["SLUICE_PROVIDERS"])),
        now=datetime.now(UTC),
    )
    return datetime.now(UTC)


@pytest.mark.moments
def test_shares_follow_class_and_weight(stack):
    """Of an account of 200/s an urgent campaign takes all it wants, and two normal ones share the
    rest as 1 to 3; a bulk campaign waits until they are done."""
    running = stack(rate="200/s")
    light, heavy = numbers(0, 1999), numbers(2000, 3999)
    urgent, bulk = numbers(4000, 4299), numbers(5000, 5099)
    groups = {
        name: str(group(running.conn, name, some))
        for name, some in {"l": light, "h": heavy, "u": urgent, "b": bulk}.items()
    }
    running.start()
    start = soon(5)
    common = {"scheduled_send_date": written(start)}
    done = [
        running.submit(included_contact_groups=[groups["l"]], weight=1, **common),
        running.submit(included_contact_groups=[groups["h"]], weight=3, **common),
        running.submit(included_contact_groups=[groups["b"]], priority="bulk", **common),
    ]
    running.received(at_least=1200)
    quick = running.submit(included_contact_groups=[groups["u"]], priority="urgent")
    running.finished(quick)
    running.received(at_least=2200)
    arrivals = running.carrier.log()
    slow, fast, first, last = to_each(arrivals, light, heavy, urgent, bulk)
    # What was handed out while only one of the two had its recipients is left out: two quanta.
    everything = received(arrivals)
    both = max(everything.index(slow[0]), everything.index(fast[0])) + 400
    steady = {a.to for a in everything[both : both + 600]}
    shares = [sum(a.to in steady for a in some) for some in (slow, fast)]
    assert 2.4 <= shares[1] / shares[0] <= 3.6, shares
    # Nothing in the way of the urgent ones but what was handed out before, two quanta, and what is
    # left of the quantum that holds the last of them. By weight alone it would be six.
    between = [a for a in received(arrivals) if first[0].t < a.t < first[-1].t]
    assert len(between) - len(first) <= 3 * 200
    assert not last or last[0].t > fast[-1].t
    for campaign in done:
        edit(running, campaign, weight=1)


@pytest.mark.moments
def test_a_campaign_keeps_to_its_own_rate_and_to_a_new_one_within_two_seconds(stack):
    """Beside another one that takes all that the account has left."""
    running = stack(rate="300/s")
    few, many = numbers(0, 1999), numbers(2000, 8999)
    slow_group, other_group = group(running.conn, "few", few), group(running.conn, "many", many)
    running.start(sends=2)
    running.submit(included_contact_groups=[str(other_group)])
    running.received(at_least=300)
    campaign = running.submit(included_contact_groups=[str(slow_group)], rate="20/s")

    def reached(count: int) -> None:
        eventually(
            lambda: sum(a.to in few for a in received(running.carrier.log())) >= count,
            timeout=60,
            message=f"{count} of the slow campaign have arrived",
        )

    reached(120)
    edited = edit(running, campaign, rate="3600/min").timestamp()
    reached(400)
    (arrivals,) = to_each(running.carrier.log(), few)
    slow = [a for a in arrivals if a.t <= edited]
    settled = [a for a in arrivals if a.t > edited + 2]
    assert peak_in_sliding_window(slow, 1.0) <= 21
    assert 16 <= (len(slow) - 1) / (slow[-1].t - slow[0].t) <= 21
    assert peak_in_sliding_window(settled, 1.0) <= 61
    assert 45 <= (len(settled) - 1) / (settled[-1].t - settled[0].t) <= 61


@pytest.mark.moments
def test_a_window_and_its_pauses_can_be_changed_while_it_sends(stack):
    """A pause that is put in now silences at once; a later finish stretches the line."""
    running = stack()
    expected = numbers(0, 2999)
    members = group(running.conn, "all", expected)
    running.start()
    start = soon(4)
    campaign = running.submit(
        throttled=True,
        scheduled_send_date=written(start),
        scheduled_finish_date=written(at(start, 12)),
        included_contact_groups=[str(members)],
    )
    running.received(at_least=700)
    pause = (at(soon(0), 0), at(soon(0), 6))
    edited = edit(
        running,
        campaign,
        scheduled_finish_date=written(at(start, 24)),
        pauses=[{"start_at": written(pause[0]), "end_at": written(pause[1])}],
    )
    running.finished(campaign)
    arrivals = received(running.carrier.log())
    closed = [
        (edited.timestamp() + 0.3, pause[1].timestamp()),
        (start.timestamp() + 24, start.timestamp() + 1000),
    ]
    verdict = judge(arrivals, expected, closed)
    assert verdict.clean, verdict.counts()
    assert arrivals[-1].t > start.timestamp() + 22


@pytest.mark.moments
def test_a_recurring_campaign_sends_each_of_its_occurrences_once(stack):
    """Window and pauses move along with the occurrences."""
    running = stack()
    expected = numbers(0, 199)
    members = group(running.conn, "all", expected)
    running.start()
    start = soon(5)
    second = start + timedelta(seconds=9)
    campaign = running.submit(
        schedule_type="scheduled",
        schedule_rrule="FREQ=YEARLY;COUNT=1",
        schedule_rdates=[f"{second:%Y-%m-%dT%H:%M:%S}Z"],
        scheduled_send_date=written(start),
        scheduled_finish_date=written(at(start, 6)),
        throttled=True,
        pauses=[{"start_at": written(at(start, 2)), "end_at": written(at(start, 4))}],
        included_contact_groups=[str(members)],
    )
    running.received(at_least=400)
    arrivals = received(running.carrier.log())
    zero = start.timestamp()
    open_times = [(0, 2), (4, 6), (9, 11), (13, 15)]
    edges = [zero + moment for pair in open_times for moment in pair]
    closed = list(zip([0.0, *edges[1::2]], [*edges[0::2], zero + 1000], strict=True))
    assert not judge(arrivals, expected, closed).inside_closed
    for occurrence in (0, 9):
        here = [a.to for a in arrivals if zero + occurrence <= a.t < zero + occurrence + 9]
        assert sorted(here) == sorted(expected)
    finished = running.conn.execute(
        "SELECT count(*) AS n FROM runs WHERE campaign_id = %s", (campaign,)
    ).fetchone()
    assert finished["n"] == 2
