"""What is special about Telegram: cards, chats that are gone, and what a proxy may not decide."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, NamedTemplate, Suggestion, Text
from tests.fakes.base import SECRET, answer
from tests.fakes.telegram import PROFILE, TOKEN, Fake, refusal
from worker.adapters.base import Accepted, Blocked, HttpRequest, Message, Outcome, Rejected

CARD = Card(
    "Everything must go",
    "https://shop.example/sale.jpg",
    (Suggestion("Shop now", "https://shop.example/"), Suggestion("Not interested")),
    title="Sale 😀",
)


def message(content: Content, address: str = "5551001") -> Message:
    return Message("17-0-aaaaaaaaaaaaa", address, "Sluice", content)


def encoded(content: Content, **options: Any) -> tuple[str, dict[str, Any]]:
    request = PROFILE.adapter(**options).encode([message(content)])
    return request.url.rsplit("/", 1)[1], json.loads(request.body)


def exchange(fake: Fake, content: Content, address: str = "5551001", **options: Any) -> Outcome:
    adapter = PROFILE.adapter(**options)
    messages = [message(content, address)]
    request = adapter.encode(messages)
    path = HttpRequest("POST", request.url.removeprefix(PROFILE.url), {}, request.body)
    (found,) = adapter.decode(messages, fake.handle(path))
    return found


def test_a_text() -> None:
    assert encoded(Text("Hello *you*")) == (
        "sendMessage",
        {"chat_id": "5551001", "text": "Hello *you*"},
    )


def test_the_token_is_in_the_path_and_the_vendors_endpoint_is_the_default() -> None:
    request = PROFILE.adapter(url="").encode([message(Text("Hello"))])
    assert request.url == f"https://api.telegram.org/bot{TOKEN}/sendMessage"


def test_a_card_is_a_photo_with_a_caption_and_buttons() -> None:
    method, body = encoded(CARD)
    assert method == "sendPhoto"
    assert body == {
        "chat_id": "5551001",
        "photo": "https://shop.example/sale.jpg",
        "caption": "Sale 😀\nEverything must go",
        # An emoji outside of the basic plane counts as two.
        "caption_entities": [{"type": "bold", "offset": 0, "length": 7}],
        "reply_markup": {
            "inline_keyboard": [
                [{"text": "Shop now", "url": "https://shop.example/"}],
                [{"text": "Not interested", "callback_data": "Not interested"}],
            ]
        },
    }


def test_a_card_without_a_picture_is_a_text_with_buttons() -> None:
    method, body = encoded(Card("Hello", None, (Suggestion("Go", "https://shop.example/"),)))
    assert method == "sendMessage"
    assert body["text"] == "Hello"
    assert "reply_markup" in body


def test_a_card_too_long_for_a_caption_shows_its_picture_above_the_text() -> None:
    assert encoded(Card("x" * 1024, "https://shop.example/a.jpg"))[0] == "sendPhoto"
    method, body = encoded(Card("x" * 1025, "https://shop.example/a.jpg"))
    assert method == "sendMessage"
    assert body["link_preview_options"] == {
        "url": "https://shop.example/a.jpg",
        "prefer_large_media": True,
        "show_above_text": True,
    }


@pytest.mark.parametrize("content", [Text("x" * 4097), Card("😀" * 2049), NamedTemplate("a", "en")])
def test_what_telegram_does_not_carry_is_refused(content: Content) -> None:
    with pytest.raises(ValueError, match=r"longer than 4096|texts and cards only"):
        encoded(content)


def test_the_data_of_a_reply_ends_at_a_whole_character() -> None:
    _, body = encoded(Card("Hello", None, (Suggestion("я" * 33),)))
    ((button,),) = body["reply_markup"]["inline_keyboard"]
    assert button == {"text": "я" * 33, "callback_data": "я" * 32}
    _, body = encoded(Card("Hello", None, (Suggestion("x" + "я" * 33),)))
    ((button,),) = body["reply_markup"]["inline_keyboard"]
    assert button["callback_data"] == "x" + "я" * 31


def test_options_of_delivery() -> None:
    _, body = encoded(Text("Hello"), silent=True, protected=True, link_previews=False)
    assert body["disable_notification"] is True
    assert body["protect_content"] is True
    assert body["link_preview_options"] == {"is_disabled": True}


def test_the_bot_takes_what_is_encoded() -> None:
    fake = Fake()
    assert exchange(fake, Text("Hello")) == Accepted("1")
    assert exchange(fake, CARD, "-1001234567890") == Accepted("2")
    assert fake.taken == [
        ("5551001", "Hello"),
        ("-1001234567890", "Sale 😀\nEverything must go"),
    ]


def test_who_blocked_the_bot_may_start_it_again_and_who_has_left_telegram_may_not() -> None:
    """The list of dead addresses is of the team, which may well have another bot."""
    fake = Fake()
    fake.refusals["5551001"] = refusal(403, "Forbidden: bot was blocked by the user")
    assert exchange(fake, Text("Hello")) == Rejected("blocked_by_user")
    fake.refusals["5551001"] = refusal(403, "Forbidden: user is deactivated")
    assert exchange(fake, Text("Hello")) == Rejected("user_deactivated", gone=True)


def test_another_bots_token_blocks_the_account() -> None:
    assert exchange(Fake(), Text("Hello"), token="1:x") == Blocked("unauthorized")


@pytest.mark.parametrize("status", [400, 403])
def test_nobody_but_telegram_declares_a_chat_dead(status: int) -> None:
    """A proxy that forbids everything would have a whole audience struck out."""
    adapter = PROFILE.adapter()
    (found,) = adapter.decode(PROFILE.messages(), answer(status, {"error": "chat not found"}))
    assert not getattr(found, "gone", False)


def test_a_sentence_never_becomes_a_code() -> None:
    reply = refusal(400, "Bad Request: 5551001 Dear Mary")
    (found,) = PROFILE.adapter().decode(PROFILE.messages(), reply)
    assert found == Rejected("bad_request")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"token": "env:SLUICE_NO_SUCH_TOKEN"}, "providers.carrier.token: env:SLUICE_NO_SUCH"),
        ({"token": f"{SECRET}/sendMessage"}, "providers.carrier.token: must be a bot's token"),
        ({"tokens": "x"}, "providers.carrier.tokens: is not a key of the adapter 'telegram'."),
        ({"silent": "yes"}, "providers.carrier.silent: "),
        ({"channel": "viber"}, "providers.carrier.channel: the adapter 'telegram' does not carry"),
    ],
)
def test_a_wrong_key_is_named(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(sentence)
    assert SECRET not in str(caught.value)
