"""What is special about SendGrid: texts that differ in one request, an id of the request, ECDSA."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Mail, Text
from tests.fakes.base import reference
from tests.fakes.mail import MAIL, naming, saying
from tests.fakes.sendgrid import API_KEY, PROFILE, PUBLIC_KEY, Fake, signed, told
from tests.support.vendor_schemas import problems
from worker.adapters.base import Accepted, ForgedReport, HttpRequest, Message, Outcome, Throttled


def encoded(messages: list[Message], **options: Any) -> Any:
    return json.loads(PROFILE.adapter(**options).encode(messages).body)


def sent(fake: Fake, messages: list[Message]) -> list[Outcome]:
    adapter = PROFILE.adapter()
    request = adapter.encode(messages)
    assert problems("sendgrid", "request", json.loads(request.body)) == []
    path = request.url.removeprefix(PROFILE.url)
    answer = fake.handle(HttpRequest(request.method, path, request.headers, request.body))
    return list(adapter.decode(messages, answer))


def test_equal_texts_stand_in_the_content() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages(2))
    assert request.url == "https://api.sendgrid.com/v3/mail/send"
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    headers = {
        "List-Unsubscribe": "<https://sluice.example.com/u/17>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    assert problems("sendgrid", "request", json.loads(request.body)) == []
    assert json.loads(request.body) == {
        "personalizations": [
            {
                "to": [{"email": f"mary{n}@example.com"}],
                "subject": "Your order, Mary",
                "custom_args": {"reference": reference(n)},
                "headers": headers,
            }
            for n in range(2)
        ],
        "from": {"email": "news@shop.example", "name": "Shop"},
        "reply_to": {"email": "help@shop.example"},
        "subject": "Your order, Mary",
        "content": [
            {"type": "text/plain", "value": MAIL.text},
            {"type": "text/html", "value": MAIL.html},
        ],
    }


def test_each_reads_a_text_of_their_own() -> None:
    fake = Fake()
    mails = naming("Mary", "[[sluice-tex]]", "Jürgen")
    outcomes = sent(fake, saying(PROFILE, *mails))
    assert outcomes == [Accepted(f"14c5d75ce01:{reference(n)}") for n in range(3)]
    for letter, mail in zip(fake.letters, mails, strict=True):
        assert letter["subject"] == mail.subject
        assert (letter["text/plain"], letter["text/html"]) == (mail.text, mail.html)
        assert letter["headers"]["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"


def test_what_was_taken_is_reported() -> None:
    fake = Fake()
    adapter = PROFILE.adapter()
    outcomes = sent(fake, saying(PROFILE, *naming("Mary", "Joe")))
    (call,) = fake.reports()
    adapter.verify_report(call)
    reports = adapter.parse_report(call)
    assert [report.reference for report in reports] == [reference(0), reference(1)]
    assert [Accepted(report.message_id) for report in reports] == outcomes


@pytest.mark.parametrize(
    "mails",
    [
        naming("Mary", "[[sluice-text]]"),
        naming("Mary", "[[sluice-html]]"),
        naming("Mary", "x" * 10_000),
        [MAIL, replace(MAIL, html=None)],
        [MAIL, replace(MAIL, reply_to=None)],
        [Mail("Hi"), Mail("Hi")],
    ],
    ids=["placeholder", "other placeholder", "long", "parts", "reply to", "empty"],
)
def test_what_does_not_fit_together_goes_alone(mails: list[Mail]) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode(saying(PROFILE, *mails))


@pytest.mark.parametrize("mail", naming("[[sluice-text]]", "x" * 20_000))
def test_alone_everything_fits(mail: Mail) -> None:
    content = encoded(saying(PROFILE, mail))
    assert content["content"][0]["value"] == mail.text
    assert "substitutions" not in content["personalizations"][0]


def test_an_address_twice_would_be_refused() -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode([*PROFILE.messages(), *PROFILE.messages()])


def test_only_mail_is_taken() -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode([replace(PROFILE.messages()[0], content=Text("text"))])


def test_a_subject_is_one_line() -> None:
    content = encoded(saying(PROFILE, replace(MAIL, subject="Mary\r\nBcc: x@y.example")))
    assert content["personalizations"][0]["subject"] == "Mary Bcc: x@y.example"


def test_the_whole_account_is_throttled() -> None:
    fake = Fake()
    fake.throttle = 1
    assert sent(fake, PROFILE.messages(2)) == [Throttled(7.0, "http_429")] * 2


def test_the_moment_is_signed() -> None:
    call = signed([told("delivered")])
    name = "x-twilio-email-event-webhook-timestamp"
    other = {**call.headers, name: str(int(call.headers[name]) - 1)}
    with pytest.raises(ForgedReport):
        PROFILE.adapter().verify_report(replace(call, headers=other))


def test_without_a_key_nothing_is_proven() -> None:
    adapter = PROFILE.adapter(webhook_public_key=None)
    assert adapter.capabilities.report_proof is None
    adapter.verify_report(HttpRequest("POST", "/", {}, b"[]"))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"webhook_public_key": "x"}, "webhook_public_key: must be the verification key"),
        ({"reports": False}, "webhook_public_key: proves reports"),
        ({"api_key": "a\nb"}, "api_key: must be visible ASCII"),
        ({"region": "eu"}, "region: is not a key of the adapter 'sendgrid'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{said}")
    assert PUBLIC_KEY not in str(caught.value)
