"""The body of ``deliveries.report``: whose report it is, what it says, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from campaigns.errors import Invalid
from campaigns.run.events import REPORTED
from worker.reference import sign
from worker.tasks.reports import read

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
KEY = b"k" * 32
OURS = sign(7, 3, KEY)


def one(**body: Any) -> Any:
    [found] = read([{"reference": OURS, "state": "delivered"} | body], [KEY], NOW)
    return found


def refusal(**body: Any) -> str:
    with pytest.raises(Invalid) as refused:
        read([body], [KEY], NOW)
    return str(refused.value)


def test_a_reference_tells_whose_it_is_and_the_time_is_now_if_nobody_says() -> None:
    found = one(code="absent")
    assert (found.run_id, found.seq, found.at, found.code) == (7, 3, NOW, "absent")
    assert one(at="2029-12-31 23:59:59").at == datetime(2029, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_everything_that_a_provider_can_say_can_be_said() -> None:
    assert one(state="undelivered").kind == "failed"
    assert [one(state=kind).kind for kind in REPORTED] == list(REPORTED)


def test_a_dead_address_is_named_as_one() -> None:
    assert one(state="bounced", gone=True).gone
    assert not one(state="bounced").gone


def test_a_message_id_of_an_account_tells_whose_it_is_as_well() -> None:
    [found] = read([{"provider": "acme", "message_id": "m-1", "state": "bounced"}], [KEY], NOW)
    assert (found.run_id, found.seq) == (None, None)
    assert (found.provider, found.message_id, found.kind) == ("acme", "m-1", "bounced")


def test_parts_openings_and_clicks_are_told_apart() -> None:
    assert one(part=True, message_id="p1").key != one(part=True, message_id="p2").key
    assert one(part=True, message_id="p1").key != one(message_id="p1").key
    assert one(state="clicked", event_id="a").key != one(state="clicked", event_id="b").key
    assert one(state="clicked", event_id="a").key == one(state="clicked", event_id="a").key


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"state": "delivered"}, "reports[0].reference: or provider and message_id are required."),
        (
            {"state": "delivered", "message_id": "m-1"},
            "reports[0].reference: or provider and message_id are required.",
        ),
        (
            {"state": "delivered", "reference": OURS, "part": True},
            "reports[0].message_id: is required in a report on a part.",
        ),
        (
            {"state": "delivered", "reference": "7-3"},
            "reports[0].reference: must be exactly as it went out with the message.",
        ),
        (
            # Right ids do not make up for a wrong signature.
            {"state": "delivered", "reference": "7-3", "provider": "acme", "message_id": "m-1"},
            "reports[0].reference: must be exactly as it went out with the message.",
        ),
    ],
)
def test_what_is_refused_is_told_in_one_sentence(body: dict[str, Any], sentence: str) -> None:
    assert refusal(**body) == sentence


def test_unknown_states_and_fields_are_refused() -> None:
    assert refusal(reference=OURS, state="asleep").startswith("reports[0].state: ")
    assert refusal(reference=OURS, state="delivered", colour="red").startswith("reports[0].colour")


def test_no_refusal_shows_a_reference() -> None:
    """Whoever reads the log must not be able to report with what stands there."""
    changed = OURS[:-1] + ("b" if OURS.endswith("a") else "a")
    assert OURS[:10] not in refusal(reference=changed, state="delivered")
