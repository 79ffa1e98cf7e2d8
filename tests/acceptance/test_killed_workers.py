"""Send workers that are killed: what had left is in doubt, and nothing else is late or lost."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from cli.carrier.log import judge, received
from tests.support import ledger
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually


def unknown(running: Stack, run_id: int) -> set[str]:
    """Whom the run holds as unknown."""
    found = running.conn.execute(
        "SELECT address FROM deliveries WHERE run_id = %s AND status = 'unknown'", (run_id,)
    )
    return {row["address"] for row in found}


def test_a_killed_worker_leaves_in_doubt_only_what_had_left(stack):
    """The other one takes over what it knows to have stayed, long before any lease runs out."""
    running = stack("--latency", "400", rate="200/s", max_in_flight=200)
    expected = numbers(0, 2499)
    members = group(running.conn, "all", expected)
    running.start(sends=2)
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=500)
    # Whoever has the work: it need not be shared out evenly.
    idle, busy = sorted(running.sends, key=lambda worker: worker.output().count("received"))
    busy.kill()
    run_id = running.finished(campaign)
    in_doubt = unknown(running, run_id)
    arrivals = running.carrier.log()
    verdict = judge(arrivals, expected, [])
    assert not verdict.doubled
    assert not verdict.unexpected
    assert in_doubt
    # A request counts as departed a moment before its first byte does.
    assert len(in_doubt - {arrival.to for arrival in received(arrivals)}) <= 1
    assert verdict.missing <= in_doubt
    counters = ledger.counters(running.conn, run_id)
    assert counters == {"accepted": 2500 - len(in_doubt), "unknown": len(in_doubt)}
    # Adopted, and not taken back after 15 s.
    assert "of a worker that is gone" in idle.output()
    beats = [log.read_text("utf-8") for log in _logs(running, "beat")]
    assert beats
    assert not any("took back" in text for text in beats)


@pytest.mark.moments
def test_the_only_worker_adopts_what_it_left_when_it_is_back(stack):
    """Another process, the same machine: the journal outlives the one that wrote it."""
    running = stack("--latency", "100", rate="200/s")
    expected = numbers(0, 999)
    members = group(running.conn, "all", expected)
    running.start()
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=300)
    running.sends[0].kill()
    running.send_worker()
    run_id = running.finished(campaign)
    in_doubt = unknown(running, run_id)
    verdict = judge(running.carrier.log(), expected, [])
    assert not verdict.doubled
    arrived = {arrival.to for arrival in received(running.carrier.log())}
    assert len(in_doubt - arrived) <= 1
    assert verdict.missing <= in_doubt
    home = Path(running.env["SLUICE_HOME"]) / "departures"
    running.sends[1].terminate()
    assert not list(home.iterdir()), "nothing is left of either"


def test_a_recipient_that_kills_its_worker_is_found_and_fails_alone(stack, tmp_path):
    """Of 300, 299 get their message once; the workers come back as a supervisor brings them."""
    running = stack("--idempotent")
    with (tmp_path / "providers.toml").open("a", encoding="utf-8") as file:
        # What was under way when a worker died is sent again, and recognised.
        file.write('in_doubt = "resend"\nidempotent = true\n')
    expected = numbers(0, 299)
    poisoned = str(447700000000 + 171)
    running.env["POISONED_ADDRESS"] = poisoned
    members = group(running.conn, "all", expected)
    running.start(sends=0)
    campaign = running.submit(included_contact_groups=[str(members)])
    run_id = finished_by_mortals(running, campaign)
    verdict = judge(running.carrier.log(), expected, [])
    assert verdict.counts() | {"missing": 1} == verdict.counts()
    assert verdict.missing == {poisoned}
    assert not verdict.doubled
    assert ledger.counters(running.conn, run_id) == {"accepted": 299, "failed": 1}
    assert ledger.statuses(running.conn, run_id) == {"accepted": 299, "failed": 1}
    row = running.conn.execute(
        "SELECT error_class, error_code FROM deliveries WHERE address = %s", (poisoned,)
    ).fetchone()
    assert row == {"error_class": "poisoned", "error_code": "poisoned"}


def test_a_template_that_kills_whoever_reads_it_ends_with_its_own_run(stack):
    """Before anything is claimed, and for every recipient; another campaign is sent to the end."""
    running = stack()
    running.env["POISONED_TEMPLATE"] = "Farewell"
    expected = numbers(0, 99)
    members = group(running.conn, "all", expected)
    running.start(sends=0)
    bad = running.submit(included_contact_groups=[str(members)], template="Farewell @first_name")
    good = running.submit(included_contact_groups=[str(members)])
    run_id = finished_by_mortals(running, bad)
    assert ledger.counters(running.conn, run_id) == {"failed": 100}
    assert ledger.field(running.conn, "runs", run_id, "reason") == "poisoned"
    run_id = finished_by_mortals(running, good)
    assert ledger.counters(running.conn, run_id) == {"accepted": 100}
    assert judge(running.carrier.log(), expected, []).clean


def finished_by_mortals(running: Stack, campaign: UUID) -> int:
    """Wait until a campaign's run is finished by workers that are started again when they die."""
    run_id = running.run_id(campaign)

    def over() -> bool:
        alive = [worker for worker in running.sends if worker.returncode is None]
        for _ in range(2 - len(alive)):
            running.send_worker(app="tests.support.poisoned")
        return ledger.field(running.conn, "runs", run_id, "status") == "finished"

    eventually(over, timeout=150, message="the run is finished")
    return run_id


def _logs(running: Stack, name: str) -> list[Path]:
    return sorted(running.sends[0].log.parent.glob(f"*-{name}.log"))
