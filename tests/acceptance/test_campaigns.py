"""A campaign from submission to report with real processes, judged by the carrier's own log."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime

import pytest
from redis import Redis

from campaigns.campaign import control
from cli.carrier.log import judge, per_interval, received
from tests.support import ledger
from tests.support.stack import at, group, numbers, soon, written
from tests.support.waiting import eventually


def test_three_overlapping_groups_minus_one_get_exactly_one_message_each(stack):
    """(a) 10,000 recipients: exactly the expected set, once each."""
    running = stack()
    included = [numbers(0, 4999), numbers(3000, 7999), numbers(7000, 10999)]
    excluded = numbers(10500, 12000) | numbers(0, 499)
    expected = set().union(*included) - excluded
    assert len(expected) == 10_000
    groups = [group(running.conn, f"in {n}", some) for n, some in enumerate(included)]
    out = group(running.conn, "out", excluded, kind="optout")
    running.start(sends=2)
    campaign = running.submit(
        included_contact_groups=[str(g) for g in groups], excluded_contact_groups=[str(out)]
    )
    run_id = running.finished(campaign)
    assert judge(running.carrier.log(), expected, []).counts() == {
        "expected": 10_000,
        "received": 10_000,
        "doubled": 0,
        "missing": 0,
        "unexpected": 0,
        "inside_closed": 0,
    }
    assert ledger.counters(running.conn, run_id) == {"accepted": 10_000}
    assert {arrival.text for arrival in running.carrier.log()} == {"Hello Ada"}


@pytest.mark.moments
def test_a_window_is_kept_and_shared_out_evenly_around_its_pauses(stack):
    """(b) 40 s with two pauses of 5 s: no arrival inside a pause or outside of the window, and
    every 5 s of active time within 5 % of its share."""
    running = stack()
    expected = numbers(0, 5999)
    members = group(running.conn, "all", expected)
    running.start()
    start = soon(4)
    pauses = [(10, 15), (25, 30)]
    campaign = running.submit(
        throttled=True,
        scheduled_send_date=written(start),
        scheduled_finish_date=written(at(start, 40)),
        pauses=[
            {"start_at": written(at(start, a)), "end_at": written(at(start, b))} for a, b in pauses
        ],
        included_contact_groups=[str(members)],
    )
    running.finished(campaign)
    zero = start.timestamp()
    closed = [(0.0, zero), *((zero + a, zero + b) for a, b in pauses), (zero + 40, zero + 1000)]
    arrivals = running.carrier.log()
    verdict = judge(arrivals, expected, closed)
    assert verdict.clean, verdict.counts()
    counts = per_interval(received(arrivals), [zero + 5 * n for n in range(9)])
    active = [counts[n] for n in (0, 1, 3, 4, 6, 7)]
    assert [counts[2], counts[5]] == [0, 0]
    assert all(950 <= count <= 1050 for count in active), active


@pytest.mark.moments
def test_a_pause_by_hand_silences_at_once_and_a_resume_completes_the_set(stack):
    """(c) after `pause` returned no arrival later than 300 ms; after `resume` all get theirs."""
    running = stack(rate="1000/s")
    expected = numbers(0, 3999)
    members = group(running.conn, "all", expected)
    running.start()
    campaign = running.submit(included_contact_groups=[str(members)])
    team = ledger.team_id(running.conn)
    silences = []
    for threshold in (800, 2000):
        running.received(at_least=threshold)
        control.pause(running.conn, team, campaign, now=datetime.now(UTC))
        pressed = datetime.now(UTC).timestamp()
        run_id = running.run_id(campaign)
        eventually(
            lambda: running.conn.execute("SELECT count(*) AS n FROM batches").fetchone()["n"] == 0,
            message="all batches have come back",
        )
        assert ledger.statuses(running.conn, run_id).get("sending", 0) == 0
        control.resume(running.conn, team, campaign, now=datetime.now(UTC))
        silences.append((pressed + 0.3, datetime.now(UTC).timestamp()))
    running.finished(campaign)
    verdict = judge(running.carrier.log(), expected, silences)
    assert verdict.clean, verdict.counts()


@pytest.mark.moments
def test_after_the_expiry_nothing_is_sent_and_the_rest_is_listed_as_expired(stack):
    """(d) after expiry none."""
    running = stack(rate="50/s")
    expected = numbers(0, 999)
    members = group(running.conn, "all", expected)
    running.start()
    start = soon(1)
    expiry = at(start, 5)
    campaign = running.submit(
        scheduled_send_date=written(start),
        expiry_date=written(expiry),
        included_contact_groups=[str(members)],
    )
    run_id = running.finished(campaign)
    arrivals = running.carrier.log()
    verdict = judge(arrivals, expected, [(expiry.timestamp(), expiry.timestamp() + 1000)])
    assert not verdict.inside_closed
    assert not verdict.doubled
    assert not verdict.unexpected
    counters = ledger.counters(running.conn, run_id)
    assert counters == {"accepted": len(received(arrivals)), "expired": len(verdict.missing)}
    assert counters["expired"] > 0


def test_a_killed_send_worker_loses_nobody_and_doubles_nobody(stack):
    """(e) kill -9 in the middle, restarted: each recipient once, or listed as unknown."""
    running = stack("--latency", "20", rate="600/s")
    expected = numbers(0, 4999)
    members = group(running.conn, "all", expected)
    running.start(sends=2)
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=1000)
    running.sends[0].kill()
    running.send_worker()
    run_id = running.finished(campaign)
    arrivals = running.carrier.log()
    verdict = judge(arrivals, expected, [])
    assert not verdict.doubled
    assert not verdict.unexpected
    unknown = {
        row["address"]
        for row in running.conn.execute(
            "SELECT address FROM deliveries WHERE run_id = %s AND status = 'unknown'", (run_id,)
        )
    }
    assert verdict.missing <= unknown
    counters = ledger.counters(running.conn, run_id)
    assert counters.get("unknown", 0) == len(unknown)
    assert counters["accepted"] + len(unknown) == 5000


def test_a_worker_that_stands_still_past_its_lease_doubles_nobody(stack):
    """Stopped in the middle, woken when others have done the rest: what it held is not sent."""
    running = stack("--latency", "20", rate="600/s")
    expected = numbers(0, 3999)
    members = group(running.conn, "all", expected)
    running.start(sends=2)
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=800)
    still = running.sends[0].pid
    os.kill(still, signal.SIGSTOP)
    run_id = running.finished(campaign)
    woken = datetime.now(UTC)
    os.kill(still, signal.SIGCONT)
    eventually(
        lambda: (
            running.conn.execute(
                "SELECT FROM heartbeats WHERE name LIKE %s AND seen_at > %s",
                (f"send@%:{still}", woken),
            ).rowcount
        ),
        message="the worker lives again",
    )
    verdict = judge(running.carrier.log(), expected, [])
    assert not verdict.doubled
    unknown = {
        row["address"]
        for row in running.conn.execute(
            "SELECT address FROM deliveries WHERE run_id = %s AND status = 'unknown'", (run_id,)
        )
    }
    assert verdict.missing <= unknown
    assert ledger.counters(running.conn, run_id) == ledger.statuses(running.conn, run_id)


def test_losing_all_of_redis_only_delays(stack):
    """(f) FLUSHALL in the middle: the run completes, none doubled, none missing."""
    running = stack(rate="800/s")
    expected = numbers(0, 4999)
    members = group(running.conn, "all", expected)
    running.start(sends=2)
    campaign = running.submit(included_contact_groups=[str(members)])
    for threshold in (1000, 2500):
        running.received(at_least=threshold)
        with Redis.from_url(running.env["SLUICE_REDIS_URL"]) as client:
            client.flushall()
    running.finished(campaign)
    verdict = judge(running.carrier.log(), expected, [])
    assert verdict.clean, verdict.counts()


def test_two_beats_double_nothing(stack):
    """(g) two beats running: none doubled, none missing."""
    running = stack(rate="500/s")
    expected = numbers(0, 2999)
    members = group(running.conn, "all", expected)
    running.start(sends=2, beats=2)
    campaigns = [running.submit(included_contact_groups=[str(members)]) for _ in range(2)]
    runs = [running.finished(campaign) for campaign in campaigns]
    arrivals = running.carrier.log()
    for run_id in runs:
        own = [a for a in arrivals if a.reference and a.reference.startswith(f"{run_id}-")]
        verdict = judge(own, expected, [])
        assert verdict.clean, verdict.counts()
