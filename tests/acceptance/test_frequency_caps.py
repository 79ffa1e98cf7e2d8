"""Frequency caps with real processes: the carrier's log says who got how many."""

from __future__ import annotations

from campaigns.team import teams
from cli.carrier.log import judge
from tests.support import ledger
from tests.support.stack import group, numbers


def test_two_campaigns_at_once_reach_each_recipient_once_where_one_a_day_is_allowed(stack):
    """A carrier that refuses some for the moment: their retries are not suppressed."""
    running = stack("--errors", "unavailable=5%", rate="1000/s")
    everybody = numbers(0, 2999)
    members = group(running.conn, "all", everybody)
    teams.edit(running.conn, ledger.team_id(running.conn), {"frequency_cap_day": 1})
    running.start(sends=2)
    both = [running.submit(included_contact_groups=[str(members)]) for _ in range(2)]
    runs = [running.finished(campaign) for campaign in both]
    verdict = judge(running.carrier.log(), everybody, [])
    assert verdict.clean, verdict.counts()
    counters = [ledger.counters(running.conn, run_id) for run_id in runs]
    assert sum(count["accepted"] for count in counters) == len(everybody)
    assert sum(count["suppressed"] for count in counters) == len(everybody)
    assert all(min(count.values()) > 0 for count in counters)
