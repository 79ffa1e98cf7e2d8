"""Accounts that fail, are slowed down or have somebody to take over, with real processes.

Judged by the logs of the carriers: what arrived is what was sent.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from cli.carrier.log import judge, received
from tests.support import ledger
from tests.support.carrier import carrier
from tests.support.stack import Stack, group, numbers
from tests.support.waiting import eventually


@pytest.fixture
def fallback(tmp_path: Path) -> Callable[..., None]:
    """Adds an account ``second`` on a carrier at ``url``, which takes over for the first."""

    def add(running: Stack, url: str, *more: str) -> None:
        file = Path(running.env["SLUICE_PROVIDERS"])
        second = ["[providers.second]", 'adapter = "sandbox"', 'channel = "sms"', f'url = "{url}"']
        first = [file.read_text("utf-8").rstrip(), 'fallback = "second"', *more]
        file.write_text("\n".join([*first, *second]) + "\n", "utf-8")

    return add


def test_a_provider_that_comes_back_gets_one_message_first_and_no_attempt_was_burnt(
    stack, tmp_path
):
    """Its answers take a second each: whatever arrives before the first one was a second probe."""
    running = stack(rate="50/s")
    expected = numbers(0, 149)
    members = group(running.conn, "all", expected)
    port = urlsplit(running.carrier.url).port
    assert port is not None
    running.carrier.process.terminate()
    running.start(sends=2)
    campaign = running.submit(included_contact_groups=[str(members)])
    eventually(lambda: circuit(running) == "open", timeout=30, message="the circuit is open")
    with carrier(tmp_path, "--latency", "1000", port=port) as back:
        run_id = running.finished(campaign)
        arrivals = back.log()
    assert judge(arrivals, expected, []).clean
    moments = [arrival.t for arrival in arrivals]
    assert moments[1] - moments[0] > 0.95, "one probe at a time"
    assert circuit(running) == "closed"
    assert attempts(running, run_id) == {("carrier", "accepted", 1): 150}


def test_an_account_that_cannot_be_reached_is_taken_over_for(stack, tmp_path, fallback):
    """No message is lost, doubled, or charged an attempt for what never left."""
    running = stack()
    expected = numbers(0, 499)
    members = group(running.conn, "all", expected)
    folder = tmp_path / "second"
    folder.mkdir()
    with carrier(folder) as second:
        fallback(running, second.url)
        running.carrier.process.terminate()
        running.start(sends=2)
        campaign = running.submit(included_contact_groups=[str(members)])
        run_id = running.finished(campaign)
        assert judge(second.log(), expected, []).clean
    assert attempts(running, run_id) == {("second", "accepted", 1): 500}


def test_a_fallback_takes_over_what_was_not_accepted_and_never_what_is_unknown(
    stack, tmp_path, fallback
):
    """Nor what was rejected. Each account has its own attempts."""
    running = stack("--errors", "unavailable=40%,lost=10%,rejected=10%", "--seed", "1")
    expected = numbers(0, 299)
    members = group(running.conn, "all", expected)
    folder = tmp_path / "second"
    folder.mkdir()
    with carrier(folder) as second:
        fallback(running, second.url, "max_attempts = 1")
        running.start()
        run_id = running.finished(running.submit(included_contact_groups=[str(members)]))
        first, taken_over = running.carrier.log(), received(second.log())
    by_outcome: dict[str, set[str | None]] = {}
    for arrival in first:
        by_outcome.setdefault(arrival.outcome, set()).add(arrival.to)
    assert {arrival.to for arrival in taken_over} == by_outcome["unavailable"]
    assert len(taken_over) == len(by_outcome["unavailable"])
    assert len(first) == len(expected)
    assert ledger.counters(running.conn, run_id) == {
        "accepted": len(by_outcome["accepted"] | by_outcome["unavailable"]),
        "rejected": len(by_outcome["rejected"]),
        "unknown": len(by_outcome["lost"]),
    }


def circuit(running: Stack) -> str | None:
    row = running.conn.execute(
        "SELECT circuit FROM provider_states WHERE provider = 'carrier'"
    ).fetchone()
    return row["circuit"] if row else None


def attempts(running: Stack, run_id: int) -> dict[tuple[str, str, int], int]:
    """Rows of a run by the account they were last handed to, status and attempts."""
    found = running.conn.execute(
        "SELECT provider, status, attempts, count(*)::int AS n FROM deliveries "
        "WHERE run_id = %s GROUP BY provider, status, attempts",
        (run_id,),
    )
    return {(row["provider"], row["status"], row["attempts"]): row["n"] for row in found}


@pytest.mark.moments
def test_an_account_that_promises_too_much_settles_below_what_the_provider_takes(stack):
    """Its rate is given as 100/s and the provider takes 40/s: nothing is lost, nothing is charged,
    and the provider is not hammered."""
    running = stack("--rate", "40/s", rate="100/s")
    expected = numbers(0, 299)
    members = group(running.conn, "all", expected)
    running.start(sends=2)
    run_id = running.finished(running.submit(included_contact_groups=[str(members)]))
    arrivals = running.carrier.log()
    assert judge(arrivals, expected, []).clean
    assert attempts(running, run_id) == {("carrier", "accepted", 1): 300}
    throttled = len(arrivals) - len(received(arrivals))
    assert 0 < throttled < len(expected) / 10
