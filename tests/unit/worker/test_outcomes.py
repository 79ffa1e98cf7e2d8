"""What outcomes mean for a row: the five of the adapters, and our own."""

from __future__ import annotations

import pytest

from worker.adapters.base import Accepted, Failed, Rejected, Throttled, Unknown
from worker.outcomes import DEFAULT_COOLING, LONGEST_COOLING, NotSent, cooling, settle


@pytest.mark.parametrize(
    ("outcome", "attempts", "status", "charged"),
    [
        (Accepted("id"), 1, "accepted", True),
        (Throttled(3.0), 5, "pending", False),
        (NotSent("too_late"), 5, "pending", False),
        (Rejected("400"), 1, "rejected", True),
        (Failed("503"), 4, "pending", True),
        (Failed("503"), 5, "failed", True),
        (Unknown("read_timeout"), 1, "unknown", True),
    ],
)
def test_a_row_settles_as_its_outcome_says(outcome, attempts, status, charged):
    settlement = settle(7, 3, attempts, outcome, max_attempts=5)
    assert (settlement.status, settlement.charged) == (status, charged)
    assert (settlement.run_id, settlement.seq) == (7, 3)


def test_unknown_is_never_sent_again_however_many_attempts_are_left():
    assert settle(1, 1, 1, Unknown("closed"), max_attempts=50).status == "unknown"


def test_cooling_follows_the_provider_within_bounds():
    assert cooling(Throttled(None)) == DEFAULT_COOLING
    assert cooling(Throttled(7.5)) == 7.5
    assert cooling(Throttled(0.0)) > 0
    assert cooling(Throttled(10**9)) == LONGEST_COOLING
