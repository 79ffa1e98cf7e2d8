"""What outcomes mean for a row: the five of the adapters, and our own."""

from __future__ import annotations

from uuid import uuid4

import pytest

from worker.adapters.base import Accepted, Blocked, Failed, Rejected, Throttled, Unknown
from worker.outcomes import (
    DEFAULT_COOLING,
    LONGEST_COOLING,
    LONGEST_RETRY,
    NotSent,
    Unsendable,
    cooling,
    record_parameters,
    settle,
)


@pytest.mark.parametrize(
    ("outcome", "attempts", "status", "charged"),
    [
        (Accepted("id"), 1, "accepted", True),
        (Throttled(3.0), 5, "pending", False),
        (NotSent("too_late"), 5, "pending", False),
        (Blocked("invalid_key"), 5, "pending", False),
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


@pytest.mark.parametrize(
    ("outcome", "error_class"),
    [
        (Accepted("id"), None),
        (Throttled(), None),
        (Blocked("invalid_key"), None),
        (NotSent("too_late"), None),
        (Rejected("400"), "permanent"),
        (Unsendable("render_error"), "content"),
        (Failed("503"), "transient"),
        (Unknown("closed"), "in_doubt"),
    ],
)
def test_every_end_has_its_class(outcome, error_class):
    for attempts in (1, 5):
        assert settle(7, 3, attempts, outcome, max_attempts=5).error_class == error_class


def test_the_ids_of_all_parts_are_kept_apart_whatever_they_hold():
    """They are handed over as one text, a line for each."""
    found = settle(7, 3, 1, Accepted("a", None, "b\nc", "\x00"), max_attempts=5)
    assert found.message_ids == ("a", "b c")
    none = settle(7, 4, 1, Accepted(None), max_attempts=5)
    parameters = record_parameters(uuid4(), [found, none], awaits_report=True)
    assert parameters["message_ids"] == '{"a\nb c",NULL}'


def test_unknown_is_never_sent_again_however_many_attempts_are_left():
    assert settle(1, 1, 1, Unknown("closed"), max_attempts=50).status == "unknown"


def test_cooling_follows_the_provider_within_bounds():
    assert cooling(Throttled(None)) == DEFAULT_COOLING
    assert cooling(Throttled(7.5)) == 7.5
    assert cooling(Throttled(0.0)) > 0
    assert cooling(Throttled(10**9)) == LONGEST_COOLING


@pytest.mark.parametrize(
    ("said", "kept"),
    [(None, None), (6.0, 6.0), (-1.0, 0.0), (1e12, LONGEST_RETRY), (float("nan"), LONGEST_RETRY)],
)
def test_a_recipient_is_kept_waiting_within_bounds(said, kept):
    assert settle(1, 1, 1, Failed("pair_rate", said), max_attempts=5).wait == kept


def test_only_an_address_that_is_dead_is_gone():
    assert settle(1, 1, 1, Rejected("410", gone=True), max_attempts=5).gone
    assert not settle(1, 1, 1, Rejected("410"), max_attempts=5).gone
