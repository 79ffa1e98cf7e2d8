"""What is special about Mailgun: recipient variables, which also keep recipients apart."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Mail
from tests.fakes.base import reference
from tests.fakes.mail import MAIL, naming, saying
from tests.fakes.mailgun import PROFILE, SIGNING_KEY, Fake, signed, told
from worker.adapters.base import Accepted, ForgedReport, HttpRequest, Message, Outcome, Throttled


def sent(fake: Fake, messages: list[Message]) -> list[Outcome]:
    adapter = PROFILE.adapter()
    request = adapter.encode(messages)
    path = request.url.removeprefix(PROFILE.url)
    answer = fake.handle(HttpRequest(request.method, path, request.headers, request.body))
    return list(adapter.decode(messages, answer))


def test_the_request() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages())
    assert request.url == "https://api.mailgun.net/v3/mg.shop.example/messages"
    form = dict(parse_qsl(request.body.decode()))
    assert json.loads(form.pop("recipient-variables")) == {
        "mary0@example.com": {
            "subject": MAIL.subject,
            "reference": reference(),
            "List-Unsubscribe": "<https://sluice.example.com/u/17>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "text": MAIL.text,
            "html": MAIL.html,
        }
    }
    assert form == {
        "from": "Shop <news@shop.example>",
        "to": "mary0@example.com",
        "h:Reply-To": "help@shop.example",
        "subject": "%recipient.subject%",
        "text": "%recipient.text%",
        "html": "%recipient.html%",
        "v:reference": "%recipient.reference%",
        "h:List-Unsubscribe": "%recipient.List-Unsubscribe%",
        "h:List-Unsubscribe-Post": "%recipient.List-Unsubscribe-Post%",
    }


def test_each_reads_a_text_of_their_own() -> None:
    fake = Fake()
    mails = naming("Mary", "Jürgen", "100%")
    outcomes = sent(fake, saying(PROFILE, *mails))
    assert all(isinstance(each, Accepted) for each in outcomes)
    for letter, mail in zip(fake.letters, mails, strict=True):
        assert (letter["subject"], letter["text"], letter["html"]) == (
            mail.subject,
            mail.text,
            mail.html,
        )
        assert letter["h:List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"


@pytest.mark.parametrize("count", [1, 3])
def test_nobody_sees_who_else_got_it(count: int) -> None:
    """Also where all texts are equal: without variables all addresses would stand in To."""
    fake = Fake()
    sent(fake, PROFILE.messages(count))
    assert [letter["to"] for letter in fake.letters] == [
        [f"mary{n}@example.com"] for n in range(count)
    ]


def test_what_was_taken_is_reported() -> None:
    """The id of the batch is written in two ways."""
    fake = Fake()
    adapter = PROFILE.adapter()
    outcomes = sent(fake, PROFILE.messages(2))
    for number, call in enumerate(fake.reports()):
        adapter.verify_report(call)
        (report,) = adapter.parse_report(call)
        assert report.reference == reference(number)
        assert outcomes[number] == Accepted(report.message_id)


@pytest.mark.parametrize(
    "mails",
    [
        naming("%recipient.html%"),
        [MAIL, replace(MAIL, unsubscribe_url=None)],
        [MAIL, replace(MAIL, html=None)],
        [Mail("Hi")],
    ],
    ids=["variable", "unsubscribe", "parts", "empty"],
)
def test_what_does_not_fit_is_refused(mails: list[Mail]) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode(saying(PROFILE, *mails))


def test_the_whole_account_is_throttled() -> None:
    fake = Fake()
    fake.throttle = 1
    assert sent(fake, PROFILE.messages(2)) == [Throttled(3.0, "http_429")] * 2


@pytest.mark.parametrize("name", ["timestamp", "token", "signature"])
def test_moment_and_token_are_signed(name: str) -> None:
    call = signed(told("delivered"))
    content = json.loads(call.body)
    for value in (content["signature"][name] + "1", "", None, 3, "\udc80"):
        content["signature"][name] = value
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(replace(call, body=json.dumps(content).encode()))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"domain": "shop.example/x"}, "domain: "),
        ({"reports": False}, "webhook_signing_key: proves reports"),
        ({"region": "eu"}, "region: is not a key of the adapter 'mailgun'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{said}")
    assert SIGNING_KEY not in str(caught.value)
