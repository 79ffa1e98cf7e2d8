"""A few trials with real processes that die one after the other; ``make chaos`` plays many more."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import table
from tests.chaos.games import Games
from tests.chaos.plan_faults import TRIED
from tests.chaos.plan_short import short


@pytest.mark.timeout(500)
def test_whoever_is_killed_wherever_nobody_is_lost_or_doubled_or_sent_to_at_the_wrong_time(
    tmp_path: Path,
) -> None:
    games = Games(short(), tmp_path)
    games.play(lanes=3)
    assert not games.broken
    wrong = {result.trial.seed: dict(result.verdict.violations) for result in games.results
             if not result.verdict.clean}  # fmt: skip
    assert not wrong
    armed = {one.point for trial in short() for one in trial.armed}
    assert set(table.killed(games.results)) == armed
    assert armed == {point for point in TRIED if not point.startswith("reclaim.")}
