"""Processes that are told to end: nobody is lost or doubled, in a bounded time, without a gap."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from redis import Redis

from campaigns import settings
from campaigns.messaging import QUEUE_AUDIENCE
from cli.carrier.log import Arrival, judge
from tests.support import ledger
from tests.support.processes import Process
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually

#: What a process may take to end when nothing else is configured, in seconds.
DRAIN = settings.load({}).drain_seconds


def unacknowledged(running: Stack) -> int:
    """Messages that a worker took from the broker and neither did nor gave back."""
    with Redis.from_url(running.env["SLUICE_BROKER_URL"]) as client:
        return int(client.hlen("unacked"))


def batches(running: Stack, status: str) -> int:
    found = running.conn.execute("SELECT FROM batches WHERE status = %s", (status,))
    return found.rowcount


def seen(running: Stack, kind: str, process: Process) -> None:
    """Wait until a process says that it is alive."""
    eventually(
        lambda: (
            running.conn.execute(
                "SELECT FROM heartbeats WHERE kind = %s AND name LIKE %s",
                (kind, f"%:{process.pid}"),
            ).rowcount
        ),
        timeout=30,
        message=f"the new {kind} lives",
    )


def longest_gap(arrivals: Sequence[Arrival]) -> float:
    moments = sorted(arrival.t for arrival in arrivals)
    return max(later - earlier for earlier, later in pairwise(moments))


@pytest.mark.moments
def test_a_rolling_restart_under_load_leaves_no_gap(stack):
    """All processes are replaced one after the other, at 300/s."""
    running = stack("--latency", "100", rate="300/s")
    expected = numbers(1, 7000)
    members = group(running.conn, "all", expected)
    control, beat = running.control_worker(), running.beat()
    old = [running.send_worker(), running.send_worker()]
    for worker in old:
        worker.wait_for(r"ready\.", timeout=60)
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=300)
    for worker in old:
        assert worker.terminate(timeout=DRAIN) == 0
        running.send_worker().wait_for(r"ready\.", timeout=60)
    next_beat = running.beat()
    seen(running, "beat", next_beat)
    assert beat.terminate(timeout=DRAIN) == 0
    assert control.terminate(timeout=DRAIN) == 0
    running.control_worker().wait_for(r"ready\.", timeout=60)
    meanwhile = running.carrier.log()
    assert len(meanwhile) < len(expected), "it was over before all were replaced"
    assert longest_gap(meanwhile) <= 2.0
    run_id = running.finished(campaign)
    verdict = judge(running.carrier.log(), expected, [])
    assert verdict.clean, verdict.counts()
    assert ledger.counters(running.conn, run_id) == {"accepted": len(expected)}
    assert unacknowledged(running) == 0


@pytest.mark.parametrize(
    ("drain", "signals"),
    [("4", (signal.SIGTERM, signal.SIGTERM)), ("20", (signal.SIGINT, signal.SIGINT))],
    ids=["SIGTERM twice", "SIGINT twice"],
)
def test_a_provider_that_hangs_keeps_no_worker(stack, drain, signals):
    """What it did not answer is in doubt; the rest is handed back, and the account not blamed."""
    running = stack("--latency", "60000", max_in_flight=20)
    file = Path(running.env["SLUICE_PROVIDERS"])
    file.write_text(file.read_text("utf-8") + "timeout = 60\n", "utf-8")
    running.env["SLUICE_DRAIN_SECONDS"] = drain
    expected = numbers(1, 600)
    members = group(running.conn, "all", expected)
    running.start()
    campaign = running.submit(included_contact_groups=[str(members)])
    run_id = running.run_id(campaign)
    eventually(lambda: len(running.carrier.log()) == 20, timeout=20, message="20 are under way")
    (worker,) = running.sends
    os.kill(worker.pid, signals[0])
    worker.wait_for(r"Warm shutdown")
    os.kill(worker.pid, signals[1])
    assert worker.wait(timeout=DRAIN / 2) == 0
    in_doubt = running.conn.execute(
        "SELECT address, error_code FROM deliveries WHERE run_id = %s AND status = 'unknown'",
        (run_id,),
    ).fetchall()
    assert {row["error_code"] for row in in_doubt} == {"shutdown"}
    assert {row["address"] for row in in_doubt} == {a.to for a in running.carrier.log()}
    assert ledger.statuses(running.conn, run_id) == {"unknown": 20, "pending": 580}
    assert batches(running, "leased") == 0
    assert unacknowledged(running) == 0
    running.carrier.change(latency_ms=0)
    running.send_worker()
    running.finished(campaign)
    verdict = judge(running.carrier.log(), expected, [])
    assert verdict.clean, verdict.counts()


def test_a_resolve_under_way_is_finished_before_control_ends(stack, tmp_path):
    running = stack()
    reached = stalled(running, tmp_path, "resolve.before_commit=stall:1.5")
    control = running.control_worker()
    clear(running)
    members = group(running.conn, "all", numbers(1, 50))
    running.beat()
    campaign = running.submit(included_contact_groups=[str(members)])
    eventually(reached, timeout=30, message="the recipients are being written")
    assert control.terminate(timeout=DRAIN) == 0
    run_id = running.run_id(campaign)
    assert ledger.field(running.conn, "runs", run_id, "status") == "sending"
    assert ledger.statuses(running.conn, run_id) == {"pending": 50}


def test_a_resolve_that_takes_too_long_is_broken_off_whole(stack, tmp_path):
    running = stack()
    running.env["SLUICE_DRAIN_SECONDS"] = "1"
    reached = stalled(running, tmp_path, "resolve.before_commit=stall:60")
    control = running.control_worker()
    clear(running)
    members = group(running.conn, "all", numbers(1, 50))
    running.beat()
    campaign = running.submit(included_contact_groups=[str(members)])
    eventually(reached, timeout=30, message="the recipients are being written")
    assert control.terminate(timeout=DRAIN) == 1
    run_id = running.run_id(campaign)
    assert ledger.field(running.conn, "runs", run_id, "status") == "resolving"
    assert ledger.statuses(running.conn, run_id) == {}


def test_a_beat_ends_after_the_messages_of_its_tick(stack, tmp_path):
    """A batch that is committed as published and was not would stand still for seconds."""
    running = stack()
    members = group(running.conn, "all", numbers(1, 50))
    running.submit(included_contact_groups=[str(members)])
    reached = stalled(running, tmp_path, "publish.before=stall:1.5")
    beat = running.beat()
    eventually(reached, timeout=30, message="a tick is about to publish")
    assert beat.terminate(timeout=DRAIN) == 0
    with Redis.from_url(running.env["SLUICE_BROKER_URL"]) as client:
        assert client.llen(QUEUE_AUDIENCE) == 1


def stalled(running: Stack, folder: Path, failpoint: str):
    """Processes that are started from here on stall there; returns whether one does."""
    log = folder / "failpoints.log"
    running.env |= {"SLUICE_FAILPOINTS": failpoint, "SLUICE_FAILPOINT_LOG": str(log)}
    return lambda: log.exists() and log.read_text("utf-8")


def clear(running: Stack) -> None:
    """Processes that are started from here on do not stall."""
    del running.env["SLUICE_FAILPOINTS"]
