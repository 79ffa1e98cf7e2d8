"""What is special about WhatsApp: its contents, and codes instead of statuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, Mail, NamedTemplate, Suggestion, Text
from tests.fakes.base import SECRET
from tests.fakes.whatsapp import APP_SECRET, NUMBER, PROFILE, Fake, refusal, signed, webhook
from tests.support.vendor_schemas import problems
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    ForgedReport,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Throttled,
)

REFERENCE = "17-0-aaaaaaaaaaaaa"
PICTURE = "https://shop.example/sale.jpg"
SHOP = Suggestion("Shop now", "https://shop.example/")
EVERYTHING = {
    "header_image": PICTURE,
    "button_0": "orders/7",
    "button_1_payload": "stop",
    "button_2_code": "SAVE10",
}


def message(content: Content, address: str = "353861234567") -> Message:
    return Message(REFERENCE, address, "Sluice", content)


def encoded(content: Content) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(PROFILE.adapter().encode([message(content)]).body)
    return found


def exchange(fake: Fake, content: Content, address: str = "353861234567", **more: Any) -> Outcome:
    adapter = PROFILE.adapter(**more)
    messages = [message(content, address)]
    request = adapter.encode(messages)
    path = request.url.removeprefix(PROFILE.url)
    seen = HttpRequest("POST", path, request.headers, request.body)
    (found,) = adapter.decode(messages, fake.handle(seen))
    return found


def test_a_text() -> None:
    assert encoded(Text("Hello")) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "353861234567",
        "type": "text",
        "text": {"body": "Hello"},
        "biz_opaque_callback_data": REFERENCE,
    }


def test_the_endpoint() -> None:
    request = PROFILE.adapter(url="", api_version="v24.0").encode([message(Text("Hello"))])
    assert request.url == f"https://graph.facebook.com/v24.0/{NUMBER}/messages"


def test_a_template_with_everything() -> None:
    body = encoded(NamedTemplate("order_ready", "en_US", ("Mary", "7"), EVERYTHING))
    assert body["type"] == "template"
    assert body["template"] == {
        "name": "order_ready",
        "language": {"code": "en_US"},
        "components": [
            {
                "type": "button",
                "sub_type": "url",
                "index": "0",
                "parameters": [{"type": "text", "text": "orders/7"}],
            },
            {
                "type": "button",
                "sub_type": "quick_reply",
                "index": "1",
                "parameters": [{"type": "payload", "payload": "stop"}],
            },
            {
                "type": "button",
                "sub_type": "copy_code",
                "index": "2",
                "parameters": [{"type": "coupon_code", "coupon_code": "SAVE10"}],
            },
            {"type": "header", "parameters": [{"type": "image", "image": {"link": PICTURE}}]},
            {
                "type": "body",
                "parameters": [{"type": "text", "text": "Mary"}, {"type": "text", "text": "7"}],
            },
        ],
    }


def test_a_template_without_parameters_has_no_components() -> None:
    template = encoded(NamedTemplate("hello", "en"))["template"]
    assert template == {"name": "hello", "language": {"code": "en"}}


def test_a_template_with_a_text_in_its_header() -> None:
    template = encoded(NamedTemplate("hello", "en", (), {"header": "Mary"}))["template"]
    header = {"type": "header", "parameters": [{"type": "text", "text": "Mary"}]}
    assert template["components"] == [header]


def test_a_card_with_a_picture_is_an_image_with_a_caption() -> None:
    body = encoded(Card("Everything must go", PICTURE, title="Sale"))
    assert body["type"] == "image"
    assert body["image"] == {"link": PICTURE, "caption": "*Sale*\nEverything must go"}


def test_a_card_with_a_link_is_a_button_message() -> None:
    body = encoded(Card("Everything must go", PICTURE, (SHOP,)))
    assert body["interactive"] == {
        "type": "cta_url",
        "header": {"type": "image", "image": {"link": PICTURE}},
        "body": {"text": "Everything must go"},
        "action": {
            "name": "cta_url",
            "parameters": {"display_text": "Shop now", "url": "https://shop.example/"},
        },
    }


def test_a_card_with_replies_is_a_button_message() -> None:
    body = encoded(Card("Coming?", None, (Suggestion("Yes"), Suggestion("No"))))
    assert body["interactive"] == {
        "type": "button",
        "body": {"text": "Coming?"},
        "action": {
            "buttons": [
                {"type": "reply", "reply": {"id": "0", "title": "Yes"}},
                {"type": "reply", "reply": {"id": "1", "title": "No"}},
            ]
        },
    }


def test_a_card_with_nothing_else_is_a_text() -> None:
    assert encoded(Card("Hello"))["text"] == {"body": "Hello"}


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (Text("x" * 4097), "the text is longer than 4096"),
        (Card("x" * 1025, PICTURE), "the caption is longer than 1024"),
        (Card("x" * 1025, None, (SHOP,)), "the text of the card is longer than 1024"),
        (Card("Hi", None, (Suggestion("x" * 21),)), "the text of a button is longer than 20"),
        (Card("Hi", None, (SHOP, SHOP)), "one link, or up to three replies"),
        (Card("Hi", None, (SHOP, Suggestion("No"))), "one link, or up to three replies"),
        (Card("Hi", None, (Suggestion("a"),) * 4), "one link, or up to three replies"),
        (NamedTemplate("a", "en", (), {"footer": "x"}), "must be header, header_image, button_0"),
        (Mail("Hello"), "texts, templates and cards only"),
    ],
)
def test_what_whatsapp_has_no_words_for_is_refused(content: Content, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        encoded(content)


CONTENTS = [
    Text("Hello"),
    NamedTemplate("order_ready", "en_US", ("Mary", "7"), EVERYTHING),
    NamedTemplate("order_ready", "en_US", ("Mary", "7"), {"header": "Mary"}),
    Card("Everything must go", PICTURE, title="Sale"),
    Card("Everything must go", PICTURE, (SHOP,)),
    Card("Coming?", None, (Suggestion("Yes"), Suggestion("No"))),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_encoded_is_in_metas_form(content: Content) -> None:
    assert problems("whatsapp", "request", encoded(content)) == []


@pytest.mark.parametrize("content", CONTENTS)
def test_the_vendor_takes_what_is_encoded_and_reports_on_it(content: Content) -> None:
    fake = Fake()
    outcome = exchange(fake, content)
    assert isinstance(outcome, Accepted)
    adapter = PROFILE.adapter()
    found = []
    for call in fake.reports():
        adapter.verify_report(call)
        found += adapter.parse_report(call)
    assert [report.kind for report in found] == ["delivered", "opened"]
    assert {report.reference for report in found} == {REFERENCE}
    assert {report.message_id for report in found} == set(outcome.message_ids)


def test_outside_of_the_window_a_text_fails_later_and_a_template_does_not() -> None:
    fake = Fake()
    fake.outside_window.add("353861234567")
    exchange(fake, Text("Hello"))
    exchange(fake, NamedTemplate("order_ready", "en_US", ("Mary", "7")))
    adapter = PROFILE.adapter()
    found = [report for call in fake.reports() for report in adapter.parse_report(call)]
    assert [(each.kind, each.code) for each in found] == [
        ("failed", "131047"),
        ("delivered", None),
        ("opened", None),
    ]


def test_what_the_vendor_refuses() -> None:
    fake = Fake()
    fake.refusals["353861234568"] = refusal(131056)
    fake.too_many = 1
    assert exchange(fake, Text("Hello")) == Throttled(None, "130429")
    assert exchange(fake, Text("Hello"), "353861234568") == Failed("131056", 6.0)
    assert exchange(fake, NamedTemplate("order_ready", "en_US")) == Rejected("132000")
    assert exchange(fake, NamedTemplate("order_ready", "de")) == Rejected("132001")
    assert exchange(fake, Text("Hello"), access_token="x") == Blocked("190")
    assert exchange(fake, Text("Hello"), phone_number_id="1") == Blocked("100")
    assert fake.taken == []


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_the_code_decides_and_not_the_status(status: int) -> None:
    adapter = PROFILE.adapter()
    for code, outcome in ((131026, Rejected("131026")), (190, Blocked("190"))):
        assert adapter.decode(PROFILE.messages(), refusal(code, status)) == [outcome]


def test_other_webhooks_hold_no_reports() -> None:
    entry = {"id": "1", "changes": [{"field": "message_template_status_update", "value": {}}]}
    incoming = {"field": "messages", "value": {"messages": [{"from": "353861234567"}]}}
    for changes in (entry, {"id": "1", "changes": [incoming]}):
        call = signed({"object": "whatsapp_business_account", "entry": [changes]})
        assert PROFILE.adapter().parse_report(call) == []


def test_a_known_signature() -> None:
    """HMAC-SHA256 of ``{}`` with the key ``key``, computed with openssl."""
    digest = "a777724d943eb48dc69bca8a4a6d57a04db3f9ec7e1de4e581e860265bdf3032"
    adapter = PROFILE.adapter(app_secret="key")
    call = HttpRequest("POST", "/", {"x-hub-signature-256": f"sha256={digest}"}, b"{}")
    adapter.verify_report(call)


def test_without_the_apps_secret_there_are_no_reports() -> None:
    adapter = PROFILE.adapter(app_secret=None)
    assert not adapter.capabilities.reports
    with pytest.raises(ForgedReport):
        adapter.verify_report(webhook(secret=""))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"phone_number_id": "+15550783881"}, "providers.carrier.phone_number_id: "),
        ({"phone_number_id": 1}, "providers.carrier.phone_number_id: "),
        ({"access_token": "a\nb"}, "providers.carrier.access_token: must be visible ASCII"),
        ({"access_token": "env:SLUICE_NO_SUCH"}, "providers.carrier.access_token: env:SLUICE_NO"),
        ({"api_version": "25"}, "providers.carrier.api_version: "),
        ({"token": "x"}, "providers.carrier.token: is not a key of the adapter 'whatsapp'."),
    ],
)
def test_a_wrong_key_is_named(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(sentence)
    assert SECRET not in str(caught.value)
    assert APP_SECRET not in str(caught.value)
