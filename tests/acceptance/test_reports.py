"""Delivery reports from the carrier to the last word about each recipient, with real processes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from celery import Celery

from campaigns import messaging
from tests.support import ledger
from tests.support.command_line import CommandLine
from tests.support.report_receiver import receiving
from tests.support.stack import Stack, group, numbers, soon, written
from tests.support.waiting import eventually

TOTAL = 300

#: Told before the expiry; the others are late.
IN_TIME = 200


def test_what_is_never_reported_fails_at_the_expiry_and_a_late_report_still_counts(
    stack: Callable[..., Stack], tmp_path: Path
) -> None:
    """From the carrier's own words by way of the queue: in time, not at all, and late."""
    with receiving() as receiver:
        running = stack("--reports", receiver.url, "--report-delay", "0", "--undelivered", "20%")
        providers = Path(running.env["SLUICE_PROVIDERS"])
        providers.write_text(providers.read_text("utf-8") + "reports = true\n", "utf-8")
        members = group(running.conn, "all", numbers(0, TOTAL - 1))
        running.start()
        campaign = running.submit(
            included_contact_groups=[str(members)], expiry_date=written(soon(3600))
        )
        run_id = running.finished(campaign)
        eventually(lambda: len(receiver.reports) == TOTAL, message="all are reported")
        said = [_forwarded(report) for report in receiver.reports]
    in_time, late = said[:IN_TIME], said[IN_TIME:]
    command = CommandLine(running.env, tmp_path)

    def told() -> dict[str, Any]:
        found = command.json("status", run_id)
        return {name: found[name] for name in _COUNTS}

    def expect(message: str, **counts: int) -> None:
        expected = dict.fromkeys(_COUNTS, 0) | counts
        eventually(lambda: told() == expected, message=f"{message}: {expected}")

    # A forgery refuses everything that comes with it, and repetitions say nothing new.
    forged = {
        **late[0],
        "reference": late[0]["reference"][:-1] + "a1"[late[0]["reference"][-1] == "a"],
    }
    _report(running, [late[1], forged])
    _report(running, in_time)
    _report(running, in_time)
    arrived, lost = _states(in_time)
    expect("in time", accepted=TOTAL, delivered=arrived, undelivered=lost)

    # The expiry and the grace pass.
    running.conn.execute("UPDATE runs SET expires_at = now() - interval '1 hour'")
    expect(
        "settled",
        accepted=IN_TIME,
        failed=len(late),
        unreported=len(late),
        delivered=arrived,
        undelivered=lost,
    )
    assert ledger.field(running.conn, "runs", run_id, "reports_closed_at") is not None
    assert "100 messages never reported on" in command.succeed("status", run_id)

    _report(running, late)
    arrived, lost = _states(said)
    expect("late", accepted=TOTAL, delivered=arrived, undelivered=lost, late=len(late))
    table = list(csv.DictReader(command.succeed("report", run_id, "--csv").splitlines()))
    assert {row["status"] for row in table} == {"accepted"}
    assert sum(row["late"] == "yes" for row in table) == len(late)


_COUNTS = ("accepted", "failed", "delivered", "undelivered", "late", "unreported")


def _forwarded(report: dict[str, Any]) -> dict[str, Any]:
    """What the carrier said, as the queue takes it."""
    return {name: report[name] for name in ("reference", "state", "at", "code")}


def _states(reports: Iterable[dict[str, Any]]) -> tuple[int, int]:
    states = [report["state"] for report in reports]
    return states.count("delivered"), states.count("undelivered")


def _report(running: Stack, reports: list[dict[str, Any]]) -> None:
    with Celery(broker=running.env["SLUICE_BROKER_URL"], set_as_current=False) as client:
        client.send_task("deliveries.report", args=[reports], queue=messaging.QUEUE_CONTROL)
