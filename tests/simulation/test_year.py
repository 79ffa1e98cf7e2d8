"""One year of a thousand campaigns, with everything that goes wrong in a year."""

from __future__ import annotations

import pytest

from tests.simulation.evidence import happened
from tests.simulation.generate import year
from tests.simulation.judge import verdicts
from tests.simulation.running import play

#: Each of these has to happen, or the year would prove less than it says.
EXPECTED = (
    "Accepted", "Failed", "Rejected", "Unknown", "Throttled", "taken over", "taken back",
    "limiter lost", "circuit open", "circuit closed", "run completed", "run expired",
    "run stopped", "run skipped", "run missed", "lanes", "next window", "jitter",
    "change of manually_paused", "change of status", "change of rate", "change of pauses",
    "change of quiet_hours", "change of scheduled_finish_date", "change of pacing",
)  # fmt: skip


@pytest.mark.timeout(600)
def test_a_year_of_a_thousand_campaigns() -> None:
    """Invariants 6 and 7, one message for everybody, back-pressure, fair shares, and an end."""
    seed = 1
    world = play(year(seed))
    faults = verdicts(world)
    assert not faults, "\n".join([f"again: python -m tests.simulation {seed}", *faults])
    counts = happened(world)
    assert not [name for name in EXPECTED if not counts[name]], counts
