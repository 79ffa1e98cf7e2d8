"""Messages whose answer was lost on the way: held for a person, or sent again where that is safe.

Judged by the carrier's log, which knows who got a message although the sender never heard of it.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from cli.carrier.log import Arrival, judge
from tests.support import ledger
from tests.support.stack import Stack, group, numbers

#: The shares of requests that arrive and are not answered, or refused for the moment.
LOST = ("--errors", "lost=4%,unavailable=3%")

PEOPLE = numbers(0, 399)


def policy(running: Stack, *lines: str) -> None:
    """Add lines to the account's table."""
    file = Path(running.env["SLUICE_PROVIDERS"])
    file.write_text("\n".join([file.read_text("utf-8").rstrip(), *lines]) + "\n", "utf-8")


def by_outcome(arrivals: list[Arrival]) -> Counter[str]:
    return Counter(arrival.outcome for arrival in arrivals)


def test_what_is_in_doubt_is_held_and_it_is_exactly_what_got_no_answer(stack):
    running = stack(*LOST, rate="200/s")
    members = group(running.conn, "all", PEOPLE)
    running.start(sends=2)
    run_id = running.finished(running.submit(included_contact_groups=[str(members)]))
    arrivals = running.carrier.log()
    lost = {arrival.to for arrival in arrivals if arrival.outcome == "lost"}
    assert lost
    rows = running.conn.execute(
        "SELECT address, error_class FROM deliveries WHERE run_id = %s AND status = 'unknown'",
        (run_id,),
    ).fetchall()
    assert {row["address"] for row in rows} == lost
    assert {row["error_class"] for row in rows} == {"in_doubt"}
    assert judge(arrivals, PEOPLE, []).clean, "nobody got it twice"


def test_what_is_in_doubt_is_sent_again_where_the_carrier_knows_it_again(stack):
    """Two workers, one of which is killed in the middle: nothing is left for a person to decide."""
    running = stack(*LOST, "--idempotent", "--latency", "20", rate="100/s")
    policy(running, "idempotent = true", 'in_doubt = "resend"', "max_attempts = 20")
    members = group(running.conn, "all", PEOPLE)
    running.start(sends=2)
    campaign = running.submit(included_contact_groups=[str(members)])
    running.received(at_least=60)
    running.sends[0].kill()
    run_id = running.finished(campaign, timeout=120)
    arrivals = running.carrier.log()
    assert judge(arrivals, PEOPLE, []).clean, "everybody got it once"
    outcomes = by_outcome(arrivals)
    assert outcomes["lost"] > 0
    assert outcomes["repeated"] > 0
    assert ledger.statuses(running.conn, run_id) == {"accepted": len(PEOPLE)}
    assert ledger.counters(running.conn, run_id) == {"accepted": len(PEOPLE)}
    asked = Counter(arrival.reference for arrival in arrivals)
    assert len(asked) == len(PEOPLE), "a repetition has the reference of the first attempt"


def test_an_account_that_may_not_send_again_is_refused_at_the_start_of_a_worker(stack):
    running = stack()
    policy(running, 'in_doubt = "resend"')
    rule = (
        "providers.carrier.in_doubt: 'resend' needs a provider that recognises a repeated message"
    )
    worker = running.send_worker()
    worker.wait_for(rule.replace(".", r"\."), timeout=60)
    assert worker.wait(timeout=20) == 1, "a worker that cannot send must not seem alive"
    checked = running.processes.python(
        "-m", "cli.main", "--json", "providers", "check", name="check", env=running.env
    )
    checked.wait_for(rule.replace(".", r"\."), timeout=60)
