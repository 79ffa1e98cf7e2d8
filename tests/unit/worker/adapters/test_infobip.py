"""What is special about Infobip: our own ids, a status for each message, the unit of validity."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Text
from tests.fakes.base import answer, reference
from tests.fakes.infobip import PROFILE, Fake, answered, problem
from tests.support.clock import FakeClock
from tests.support.vendor_talk import content_of, exchanged
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    ForgedReport,
    Message,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
)


def encoded(*messages: Message, **options: Any) -> Any:
    return content_of(PROFILE, messages, **options)


def expiring(seconds: float) -> Message:
    return replace(PROFILE.messages()[0], expires_at=FakeClock().now() + timedelta(seconds=seconds))


def sent(fake: Fake, messages: list[Message]) -> list[Outcome]:
    return exchanged(PROFILE, fake, messages)


def test_a_request_of_two_as_the_vendor_describes_it() -> None:
    first, second = PROFILE.messages(2)
    content = encoded(first, replace(second, content=Text("Something else \N{SNOWMAN}")))
    assert content["messages"][0] == {
        "sender": "Sluice",
        "destinations": [{"to": "353861234567", "messageId": reference()}],
        "content": {"text": "Dear Mary, your code is 4711", "transliteration": "NONE"},
        "webhooks": {
            "callbackData": reference(),
            "delivery": {"url": PROFILE.options["report_url"]},
            "contentType": "application/json",
        },
    }
    assert content["messages"][1]["content"]["text"] == "Something else \N{SNOWMAN}"


@pytest.mark.parametrize(
    ("seconds", "amount"), [(-5, 1), (0.4, 1), (90.7, 90), (172_800, 172_800), (900_000, 172_800)]
)
def test_validity_is_in_seconds_and_at_most_two_days(seconds: float, amount: int) -> None:
    """Longer is cut by the vendor; shorter than one would mean none at all."""
    (message,) = encoded(expiring(seconds))["messages"]
    assert message["options"]["validityPeriod"] == {"amount": amount, "timeUnit": "SECONDS"}


def test_two_messages_with_one_id_do_not_share_a_request() -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode(PROFILE.messages() * 2)


def test_what_is_sent_again_is_known_and_not_sent_twice() -> None:
    fake, messages = Fake(), PROFILE.messages(3)
    taken = [Accepted(message.reference) for message in messages]
    assert sent(fake, messages) == taken
    assert sent(fake, [replace(message, in_doubt=True) for message in messages]) == taken
    assert len(fake.taken) == 3


def test_what_was_refused_under_its_id_is_not_called_accepted_when_that_is_seen_again() -> None:
    """Nobody would ever look for it, and it was never sent."""
    fake, messages = Fake(), PROFILE.messages()
    fake.flooded = {messages[0].address}
    assert isinstance(sent(fake, messages)[0], Failed)
    fake.flooded = set()
    assert sent(fake, messages) == [Unknown("REJECTED_DUPLICATE_MESSAGE_ID")]
    assert fake.taken == []


def test_each_message_gets_its_own_answer() -> None:
    fake, messages = Fake(), PROFILE.messages(3)
    fake.unknown, fake.credits = {messages[1].address}, 1
    assert sent(fake, messages) == [
        Accepted(messages[0].reference),
        Rejected("REJECTED_DESTINATION", gone=True),
        Blocked("REJECTED_NOT_ENOUGH_CREDITS"),
    ]


def test_throttling_passes_with_the_wait_that_is_named() -> None:
    fake, messages = Fake(), PROFILE.messages(2)
    fake.throttle = 1
    assert sent(fake, messages) == [Throttled(1.0, "TOO_MANY_REQUESTS")] * 2
    assert fake.taken == []


def test_one_wrong_message_does_not_take_its_neighbours_with_it() -> None:
    """The vendor refuses the request and names who is to blame."""
    first, second, third = PROFILE.messages(3)
    wrong = replace(second, sender="far too long for a sender")
    fake = Fake()
    assert sent(fake, [first, wrong, third]) == [Failed("E400"), Rejected("E400"), Failed("E400")]
    assert fake.taken == []
    assert sent(fake, [first, third]) == [Accepted(first.reference), Accepted(third.reference)]


@pytest.mark.parametrize("place", ["messages[9].sender", "options", "messages[99999999]", ""])
@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_refusal_that_blames_none_of_them_rejects_none_of_many(place: str, status: int) -> None:
    """They are asked for one by one next, and whoever is wrong is then known."""
    refusal = answer(status, problem("E400", (place, "is wrong")))
    assert PROFILE.adapter().decode(PROFILE.messages(2), refusal) == [Failed("E400")] * 2
    assert PROFILE.adapter().decode(PROFILE.messages(), refusal) == [Rejected("E400")]


def test_entries_are_told_apart_by_their_ids_and_not_by_their_places() -> None:
    content = json.loads(answered(26, 52).body)
    content["messages"].reverse()
    found = PROFILE.adapter().decode(PROFILE.messages(2), answer(200, content))
    assert found == [Accepted(reference()), Rejected("REJECTED_DESTINATION", gone=True)]


@pytest.mark.parametrize("status", [None, {}, {"groupId": True, "id": 1}, {"groupId": 7, "id": 1}])
def test_a_status_that_nobody_knows_leaves_it_open(status: Any) -> None:
    content = {"messages": [{"messageId": reference(), "status": status}]}
    (found,) = PROFILE.adapter().decode(PROFILE.messages(), answer(200, content))
    assert isinstance(found, Unknown)


def test_reports_come_back_for_what_was_taken() -> None:
    fake, messages = Fake(), PROFILE.messages(2)
    sent(fake, messages)
    (call,) = fake.reports()
    adapter = PROFILE.adapter()
    adapter.verify_report(call)
    assert [(report.reference, report.kind) for report in adapter.parse_report(call)] == [
        (message.reference, "delivered") for message in messages
    ]
    assert fake.reports() == []


def test_reports_may_have_to_carry_what_was_set_up_for_them() -> None:
    adapter = PROFILE.adapter(report_authorization="Basic c2x1aWNlOnMzY3JldA==")
    call = PROFILE.reports["delivered"].request
    for headers in ({}, {"authorization": "Basic x"}, {"authorization": "Basic \xe9"}):
        with pytest.raises(ForgedReport):
            adapter.verify_report(replace(call, headers=headers))
    adapter.verify_report(replace(call, headers={"authorization": "Basic c2x1aWNlOnMzY3JldA=="}))


def test_without_a_report_url_the_accounts_own_subscription_decides() -> None:
    config = PROFILE.config().model_copy(update={"name": "acme"})
    options = {key: value for key, value in config.options.items() if key != "report_url"}
    bare = replace(PROFILE, options=options)
    assert not bare.adapter().capabilities.reports
    assert bare.adapter(report_authorization="Bearer x").capabilities.reports
    assert "delivery" not in json.loads(bare.adapter().encode(bare.messages()).body)["messages"][0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": ""}, "providers.carrier.url: must be the account's own base URL"),
        ({"api_key": "two\nlines"}, "providers.carrier.api_key: must be visible ASCII"),
        ({"apikey": "x"}, "providers.carrier.apikey: is not a key of the adapter 'infobip'"),
        ({"report_url": "http://a.example.com/"}, "providers.carrier.report_url: must begin with"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(said)
