"""The plans of trials: the same seed is the same trial, and many seeds leave nothing out."""

from __future__ import annotations

import pytest

from campaigns import failpoints
from tests.chaos import plan, plan_faults
from tests.chaos.plan import draw
from tests.chaos.table import KILLS_EACH
from tests.support.environment import REPOSITORY

SEEDS = range(200)


def test_the_same_seed_is_the_same_trial() -> None:
    assert [draw(seed) for seed in SEEDS] == [draw(seed) for seed in SEEDS]
    assert len({repr(draw(seed)) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.parametrize("first", [0, 17, 1000])
def test_200_seeds_in_a_row_kill_at_every_failpoint_more_often_than_is_asked(first: int) -> None:
    kills = plan.kills([draw(seed) for seed in range(first, first + 200)])
    assert set(kills) == set(plan_faults.TRIED)
    assert min(kills.values()) >= 2 * KILLS_EACH, kills


def test_every_failpoint_belongs_to_a_process_of_the_trials_or_is_killed_at_elsewhere() -> None:
    families = {point.partition(".")[0] for point in failpoints.POINTS}
    assert families == set(plan_faults.ROLES) | set(plan_faults.ELSEWHERE)
    for point in set(failpoints.POINTS) - set(plan_faults.TRIED):
        test = REPOSITORY / plan_faults.ELSEWHERE[point.partition(".")[0]]
        assert point in test.read_text("utf-8")


def test_what_is_armed_can_be_armed() -> None:
    for seed in SEEDS:
        for role in set(plan_faults.ROLES.values()):
            for life in (0, 1):
                armed = [
                    one
                    for one in draw(seed).armed
                    if one.role == role and (one.life == life or (one.lasting and one.life < life))
                ]
                spec = ",".join(one.spec() for one in armed)
                assert set(failpoints.parse(spec)) == {one.point for one in armed}


def test_campaigns_differ_in_every_way_that_matters() -> None:
    campaigns = [campaign for seed in SEEDS for campaign in draw(seed).campaigns]
    assert min(campaign.size for campaign in campaigns) < 60
    assert max(campaign.size for campaign in campaigns) > 1700
    for wanted in (
        lambda c: c.window and c.pauses,
        lambda c: c.leftover == "expire",
        lambda c: c.expiry,
        lambda c: c.rate,
        lambda c: c.hold,
        lambda c: c.stop_at,
        lambda c: c.opt_outs,
        lambda c: c.excluded,
        lambda c: len(c.groups) == 3,
        lambda c: c.queued,
        lambda c: c.reports,
    ):
        assert sum(map(bool, map(wanted, campaigns))) >= 10
    trials = [draw(seed) for seed in SEEDS]
    assert {trial.chain for trial in trials} == {"none", "dead", "shared"}
    assert {trial.beats for trial in trials} == {1, 2}
    blows = {blow.kind for trial in trials for blow in trial.blows}
    assert set(plan_faults.SERVER_FAULTS) < blows
    assert {"kill", "terminate", "halt", "repeat_messages", "lose_messages"} < blows


def test_groups_cover_their_campaign_and_overlap() -> None:
    overlaps = 0
    for seed in SEEDS:
        for campaign in draw(seed).campaigns:
            numbers = [n for low, high in campaign.groups for n in range(low, high + 1)]
            assert len(set(numbers)) == campaign.size
            overlaps += len(numbers) > campaign.size
    assert overlaps > 20


def test_nothing_stalls_behind_the_last_look_at_what_forbids_it() -> None:
    """A request that counts as departed cannot be called back: no limit could hold for it."""
    for seed in range(2000):
        trial = draw(seed)
        if any(campaign.has_limits for campaign in trial.campaigns):
            stalls = [one.point for one in trial.armed if one.action.startswith("stall")]
            assert "send.departed" not in stalls
