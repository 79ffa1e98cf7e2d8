"""What is special about Viber: equal messages as one, ids made of two, errors in 200."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, NamedTemplate, Suggestion, Text
from tests.fakes.base import SECRET
from tests.fakes.viber import ANN, JOHN, MARY, PROFILE, Fake, callback
from worker.adapters.base import (
    Accepted,
    AnyAdapter,
    Blocked,
    Failed,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Throttled,
)

PICTURE = "https://shop.example/sale.jpg"
CARD = Card(
    "Everything must go",
    PICTURE,
    (Suggestion("Shop now", "https://shop.example/"), Suggestion("No")),
    title="Sale",
)


def messages(content: Content, *addresses: str) -> list[Message]:
    return [
        Message(f"17-{index}-aaaaaaaaaaaaa", address, "Sluice", content)
        for index, address in enumerate(addresses)
    ]


def encoded(content: Content, *addresses: str, **more: Any) -> tuple[str, dict[str, Any]]:
    request = PROFILE.adapter(**more).encode(messages(content, *(addresses or (MARY,))))
    return request.url.removeprefix(PROFILE.url), json.loads(request.body)


def exchange(fake: Fake, batch: Sequence[Message], **more: Any) -> Sequence[Outcome]:
    adapter = PROFILE.adapter(**more)
    request = adapter.encode(batch)
    path = request.url.removeprefix(PROFILE.url)
    seen = HttpRequest("POST", path, request.headers, request.body)
    return adapter.decode(batch, fake.handle(seen))


def reported(fake: Fake, adapter: AnyAdapter) -> list[tuple[str | None, str]]:
    found = []
    for call in fake.reports():
        adapter.verify_report(call)
        found += [(each.message_id, each.kind) for each in adapter.parse_report(call)]
    return found


def test_a_text() -> None:
    assert encoded(Text("Grüße")) == (
        "/pa/send_message",
        {
            "receiver": MARY,
            "sender": {"name": "Sluice"},
            "type": "text",
            "text": "Grüße",
            "tracking_data": "17-0-aaaaaaaaaaaaa",
        },
    )


def test_the_endpoint_and_the_avatar() -> None:
    adapter = PROFILE.adapter(url="", avatar_url="https://shop.example/a.png")
    request = adapter.encode(messages(Text("Hi"), MARY))
    assert request.url == "https://chatapi.viber.com/pa/send_message"
    assert json.loads(request.body)["sender"]["avatar"] == "https://shop.example/a.png"


def test_a_card_is_a_picture_with_buttons_below() -> None:
    _, body = encoded(CARD)
    assert (body["type"], body["text"], body["media"]) == (
        "picture",
        "Sale\nEverything must go",
        PICTURE,
    )
    assert body["keyboard"] == {
        "Type": "keyboard",
        "Buttons": [
            {
                "Columns": 6,
                "Rows": 1,
                "Text": "Shop now",
                "ActionType": "open-url",
                "ActionBody": "https://shop.example/",
            },
            {
                "Columns": 6,
                "Rows": 1,
                "Text": "No",
                "ActionType": "reply",
                "ActionBody": "No",
            },
        ],
    }


def test_equal_messages_leave_in_one_broadcast() -> None:
    path, body = encoded(Text("Hello"), MARY, JOHN)
    assert path == "/pa/broadcast_message"
    assert body == {
        "broadcast_list": [MARY, JOHN],
        "sender": {"name": "Sluice"},
        "type": "text",
        "text": "Hello",
    }


def test_what_differs_does_not_leave_in_one_broadcast() -> None:
    """The engine then sends each by itself."""
    adapter = PROFILE.adapter()
    (first,) = messages(Text("Hello Mary"), MARY)
    (second,) = messages(Text("Hello John"), JOHN)
    other_sender = Message("17-1-aaaaaaaaaaaaa", JOHN, "Shop", first.content)
    for batch in ([first, second], [first, other_sender]):
        with pytest.raises(ValueError, match="the same to all"):
            adapter.encode(batch)
    with pytest.raises(ValueError, match="different recipients"):
        adapter.encode(messages(Text("Hello"), MARY, MARY))


def test_there_are_no_broadcasts_unless_they_are_asked_for() -> None:
    assert PROFILE.adapter(broadcast=False).capabilities.max_batch == 1
    with pytest.raises(ValueError, match="not to so many"):
        encoded(Text("Hello"), MARY, JOHN, broadcast=False)


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (Text("x" * 7001), "the text is longer than 7000"),
        (Card("x" * 769, PICTURE), "the text of a picture is longer than 768"),
        (Card("x" * 7001), "the text is longer than 7000"),
        (NamedTemplate("a", "en"), "texts and cards only"),
    ],
)
def test_what_viber_does_not_carry_is_refused(content: Content, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        encoded(content)


def test_a_sender_that_is_too_long_is_refused() -> None:
    message = Message("17-0-aaaaaaaaaaaaa", MARY, "x" * 29, Text("Hello"))
    with pytest.raises(ValueError, match="the sender is longer than 28"):
        PROFILE.adapter().encode([message])


def test_a_broadcast_that_is_too_large_is_refused() -> None:
    """Each of its messages alone is not."""
    link = Suggestion("Shop now", "https://shop.example/" + "x" * 5000)
    card = Card("語" * 7000, None, (link,))
    encoded(card)
    with pytest.raises(ValueError, match="larger than 30720 bytes"):
        encoded(card, *PROFILE.addresses[:300])


@pytest.mark.parametrize("content", [Text("Hello"), CARD, Card("Hello", None, CARD.suggestions)])
def test_the_bot_takes_what_is_encoded_and_reports_on_it(content: Content) -> None:
    fake = Fake()
    adapter = PROFILE.adapter()
    (single,) = exchange(fake, messages(content, ANN))
    both = exchange(fake, messages(content, MARY, JOHN))
    ids = [each.message_ids[0] for each in (single, *both) if isinstance(each, Accepted)]
    assert [address for address, _ in fake.taken] == [ANN, MARY, JOHN]
    assert len(set(ids)) == 3
    assert reported(fake, adapter) == [
        (message_id, kind) for message_id in ids for kind in ("opened", "delivered")
    ]


def test_a_broadcast_that_some_did_not_get() -> None:
    fake = Fake()
    fake.refusals.update({MARY: 5, JOHN: 12})
    fake.broken.add(ANN)
    first, second, third = exchange(fake, messages(Text("Hello"), MARY, JOHN, ANN))
    assert first == Rejected("receiverNotRegistered", gone=True)
    assert second == Failed("tooManyRequests")
    assert isinstance(third, Accepted)
    assert reported(fake, PROFILE.adapter()) == [(third.message_ids[0], "failed")]


def test_what_the_bot_may_not() -> None:
    fake = Fake()
    fake.too_many = 1
    batch = messages(Text("Hello"), MARY, JOHN)
    assert exchange(fake, batch) == [Throttled(None, "tooManyRequests")] * 2
    fake.may_broadcast = False
    assert exchange(fake, batch) == [Blocked("broadcastNotAllowed")] * 2
    assert exchange(fake, batch, auth_token="x") == [Blocked("invalidAuthToken")] * 2
    fake.refusals[MARY] = 12
    assert exchange(fake, batch[:1]) == [Failed("tooManyRequests")]


def test_callbacks_about_other_things_hold_no_report() -> None:
    for event in ("subscribed", "unsubscribed", "conversation_started", "message", "webhook"):
        call = callback({"event": event, "timestamp": 1893456000250, "message_token": 7})
        assert PROFILE.adapter().parse_report(call) == []


def test_a_known_signature() -> None:
    """HMAC-SHA256 of ``{}`` with the key ``key``, computed with openssl; in either case."""
    digest = "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"
    adapter = PROFILE.adapter(auth_token="key")
    for given in (digest, digest.upper()):
        header = {"x-viber-content-signature": given}
        adapter.verify_report(HttpRequest("POST", "/", header, b"{}"))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"auth_token": "a\nb"}, "providers.carrier.auth_token: must be visible ASCII"),
        ({"auth_token": "file:/no/such/file"}, "providers.carrier.auth_token: file:/no/such"),
        ({"avatar_url": "shop"}, "providers.carrier.avatar_url: must be an absolute URL"),
        ({"broadcast": "yes"}, "providers.carrier.broadcast: "),
        ({"token": "x"}, "providers.carrier.token: is not a key of the adapter 'viber'."),
    ],
)
def test_a_wrong_key_is_named(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(sentence)
    assert SECRET not in str(caught.value)
