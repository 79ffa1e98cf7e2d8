"""What is special about Vonage's Messages API: three channels, tokens of both sides, bounds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, Push, Suggestion, Text
from tests.fakes.base import Profile
from tests.fakes.vonage_messages import (
    PROFILE,
    REPORT_URL,
    Fake,
    problem,
)
from tests.support.clock import FakeClock
from tests.support.vendor_schemas import problems
from worker.adapters.base import Accepted, HttpRequest, Message, Throttled

VIBER = replace(PROFILE, channel="viber")
RBM = replace(PROFILE, channel="rbm", sender="SluiceAgent")

OPEN = Suggestion("Open", "https://example.com/a")
YES = Suggestion("Yes")


def body(profile: Profile, content: Content, **options: Any) -> Any:
    message = replace(profile.messages()[0], content=content)
    return json.loads(profile.adapter(**options).encode([message]).body)


def expiring(profile: Profile, seconds: float) -> Message:
    return replace(profile.messages()[0], expires_at=FakeClock().now() + timedelta(seconds=seconds))


def sent(fake: Fake, request: HttpRequest) -> Any:
    return fake.handle(replace(request, url="/v1/messages"))


def test_an_sms() -> None:
    assert body(PROFILE, Text("Hello")) == {
        "channel": "sms",
        "message_type": "text",
        "to": "353861234567",
        "from": "Sluice",
        "text": "Hello",
        "client_ref": "17-0-aaaaaaaaaaaaa",
        "webhook_url": REPORT_URL,
        "webhook_version": "v1",
    }


def test_viber_messages() -> None:
    assert "viber_service" not in body(VIBER, Text("Hello"))
    assert body(VIBER, Text("Hello"), category="promotion")["viber_service"] == {
        "category": "promotion"
    }
    found = body(VIBER, Card("Hello", "https://example.com/a.png", (OPEN,), "Shoes"))
    assert found["message_type"] == "image"
    assert found["image"] == {"url": "https://example.com/a.png", "caption": "Shoes\nHello"}
    assert found["viber_service"] == {"action": {"url": "https://example.com/a", "text": "Open"}}
    found = body(VIBER, Card("Hello", suggestions=(OPEN,)))
    assert (found["message_type"], found["text"]) == ("text", "Hello")


def test_rcs_messages() -> None:
    assert body(RBM, Text("Hello"))["text"] == "Hello"
    card = Card("Hello", "https://example.com/a.png", (OPEN, YES), "Shoes")
    found = body(RBM, card)
    assert found["message_type"] == "custom"
    assert found["custom"]["contentMessage"] == {
        "richCard": {
            "standaloneCard": {
                "cardOrientation": "VERTICAL",
                "cardContent": {
                    "title": "Shoes",
                    "description": "Hello",
                    "media": {
                        "height": "MEDIUM",
                        "contentInfo": {"fileUrl": "https://example.com/a.png"},
                    },
                    "suggestions": [
                        {
                            "action": {
                                "text": "Open",
                                "postbackData": "Open",
                                "openUrlAction": {"url": "https://example.com/a"},
                            }
                        },
                        {"reply": {"text": "Yes", "postbackData": "Yes"}},
                    ],
                },
            }
        }
    }
    assert body(RBM, Card("Hello", suggestions=(YES,)))["custom"]["contentMessage"] == {
        "text": "Hello",
        "suggestions": [{"reply": {"text": "Yes", "postbackData": "Yes"}}],
    }


@pytest.mark.parametrize(
    ("profile", "content", "why"),
    [
        (PROFILE, Card("Hello"), "texts only"),
        (PROFILE, Text("x" * 1001), "longer than 1000"),
        (VIBER, Text("x" * 1001), "longer than 1000"),
        (VIBER, Card("x" * 1001, "https://example.com/a.png"), "longer than 1000"),
        (VIBER, Card("Hello", suggestions=(YES,)), "one button"),
        (VIBER, Card("Hello", suggestions=(OPEN, OPEN)), "one button"),
        (VIBER, Card("Hello", suggestions=(Suggestion("x" * 31, "https://a.example"),)), "than 30"),
        (VIBER, Push("Hello"), "texts and cards"),
        (RBM, Text("x" * 3073), "longer than 3072"),
        (RBM, Card("x" * 2001, title="Shoes"), "longer than 2000"),
        (RBM, Card("Hello", title="x" * 201), "longer than 200"),
        (RBM, Card("Hello", suggestions=(Suggestion("x" * 26),)), "longer than 25"),
        (RBM, Card("Hello", title="Shoes", suggestions=(YES,) * 5), "more than 4"),
        (RBM, Card("Hello", suggestions=(YES,) * 12), "more than 11"),
        (RBM, Push("Hello"), "texts and cards"),
    ],
)
def test_what_a_channel_has_no_form_for_is_refused(
    profile: Profile, content: Content, why: str
) -> None:
    with pytest.raises(ValueError, match=why):
        body(profile, content)


def test_a_viber_id_is_no_number() -> None:
    """Vonage reaches Viber users by phone, unlike a bot of Viber's own."""
    message = replace(VIBER.messages()[0], address="01234567890A=")
    with pytest.raises(ValueError, match="phone numbers") as caught:
        VIBER.adapter().encode([message])
    assert message.address not in str(caught.value)


@pytest.mark.parametrize(
    ("profile", "seconds", "expected"),
    [
        (PROFILE, 3, 20),
        (PROFILE, 90, 90),
        (PROFILE, 9e6, 604_800),
        (VIBER, 3, 30),
        (VIBER, 9e6, 259_200),
        (RBM, 3, 300),
        (RBM, 9e6, 259_200),
    ],
)
def test_the_validity_is_in_seconds_and_stays_in_the_channels_bounds(
    profile: Profile, seconds: float, expected: int
) -> None:
    content = json.loads(profile.adapter().encode([expiring(profile, seconds)]).body)
    place = content["viber_service"] if profile is VIBER else content
    assert place["ttl"] == expected


def test_requests_are_of_the_published_form() -> None:
    card = Card("Hello", "https://example.com/a.png", (OPEN,), "Shoes")
    for profile, channel in ((PROFILE, "sms"), (VIBER, "viber_service"), (RBM, "rcs")):
        contents = [Text("Hello")] if profile is PROFILE else [Text("Hello"), card]
        for content in contents:
            message = replace(expiring(profile, 9e6), content=content)
            encoded = json.loads(profile.adapter().encode([message]).body)
            assert problems("vonage_messages", channel, encoded) == []
        assert problems("vonage_messages", channel, {"channel": channel}) != []


def test_each_channel_says_what_it_carries() -> None:
    assert PROFILE.adapter().capabilities.contents == {Text}
    assert VIBER.adapter().capabilities.contents == {Text, Card}
    assert RBM.adapter().capabilities.contents == {Text, Card}
    with pytest.raises(ConfigurationError, match="channel"):
        replace(PROFILE, channel="whatsapp").adapter()


def test_without_a_report_url_none_is_asked_for() -> None:
    about_reports = ("report_url", "signature_secret")
    options = {key: each for key, each in PROFILE.options.items() if key not in about_reports}
    profile = replace(PROFILE, options=options)
    assert not profile.adapter().capabilities.reports
    assert b"webhook" not in profile.adapter().encode(profile.messages()).body


@pytest.mark.parametrize("profile", [PROFILE, VIBER, RBM], ids=lambda profile: profile.channel)
def test_a_whole_conversation_with_its_fake(profile: Profile) -> None:
    fake, adapter = Fake(), profile.adapter()
    messages = profile.messages(3)
    contents: list[Content] = [Text('Dear "Mary" €'), Text("x" * 400), Text("Zażółć")]
    if profile is not PROFILE:
        contents[2] = Card("Zażółć", "https://example.com/a.png", (OPEN,))
    for message, content in zip(messages, contents, strict=True):
        said = sent(fake, adapter.encode([replace(message, content=content)]))
        (outcome,) = adapter.decode([message], said)
        assert isinstance(outcome, Accepted)
        assert len(outcome.message_ids) == 1
    assert fake.taken == [(m.address, c.text) for m, c in zip(messages, contents, strict=True)]
    found = []
    for call in fake.reports():
        adapter.verify_report(call)
        found += adapter.parse_report(call)
    assert [(each.reference, each.kind) for each in found] == [
        (message.reference, "delivered") for message in messages
    ]


def test_the_fake_refuses_as_vonage_does() -> None:
    fake, adapter = Fake(), PROFILE.adapter()
    message = PROFILE.messages()[0]

    def code(request: HttpRequest) -> Any:
        (outcome,) = adapter.decode([message], sent(fake, request))
        return getattr(outcome, "code", None)

    assert code(PROFILE.adapter(api_secret="another").encode([message])) == "unauthorized"
    assert code(adapter.encode([replace(message, address="12")])) == "1150"
    assert code(adapter.encode([replace(message, sender="")])) == "1150"
    fake.next_problem = problem(429, "1000")
    (slow,) = adapter.decode([message], sent(fake, adapter.encode([message])))
    assert slow == Throttled(code="1000")
    assert fake.taken == []
    assert fake.reports() == []
