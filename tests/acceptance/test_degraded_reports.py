"""A full disk, as PostgreSQL tells of it: nothing is lost, and it goes on once there is room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from celery import Celery

from campaigns.messaging import QUEUE_CONTROL
from cli.carrier.log import judge
from tests.support import ledger
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually

#: What PostgreSQL raises when a table cannot grow (documentation, appendix A: disk_full).
_DISK_FULL = """
CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100';
END $$;
CREATE TRIGGER disk_full BEFORE UPDATE ON deliveries
FOR EACH STATEMENT EXECUTE FUNCTION disk_full();
"""


@contextmanager
def disk_full(running: Stack) -> Iterator[None]:
    running.conn.execute(_DISK_FULL)
    try:
        yield
    finally:
        running.conn.execute("DROP FUNCTION disk_full CASCADE")


def test_outcomes_and_reports_wait_for_room_on_the_disk(stack):
    """What was under way is recorded afterwards, a report that came meanwhile counts."""
    running = stack("--latency", "300", rate="200/s")
    expected = numbers(1, 1200)
    members = group(running.conn, "all", expected)
    control, worker = running.control_worker(), running.send_worker()
    running.beat()
    for process in (control, worker):
        process.wait_for(r"ready\.", timeout=60)
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=100)
    with disk_full(running):
        eventually(
            lambda: (
                running.conn.execute("SELECT FROM deliveries WHERE status = 'accepted'").rowcount
            ),
            message="somebody got theirs before",
        )
        first = min(running.carrier.log(), key=lambda arrival: arrival.t)
        body = [{"reference": first.reference, "state": "delivered"}]
        with Celery(broker=running.env["SLUICE_BROKER_URL"], set_as_current=False) as client:
            client.send_task("deliveries.report", args=[body], queue=QUEUE_CONTROL)
        control.wait_for(r"the database is not ready \(DiskFull\)")
        worker.wait_for(r"nothing can be claimed \(DiskFull\)")
    run_id = running.finished(campaign)
    verdict = judge(running.carrier.log(), expected, [])
    assert verdict.clean, verdict.counts()
    assert ledger.counters(running.conn, run_id) == {"accepted": len(expected)}
    eventually(
        lambda: (
            running.conn.execute(
                "SELECT FROM deliveries WHERE run_id = %s AND report = 'delivered'", (run_id,)
            ).rowcount
        ),
        message="the report counts",
    )
