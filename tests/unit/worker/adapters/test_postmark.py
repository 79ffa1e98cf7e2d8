"""What is special about Postmark: messages that share nothing, and an answer for each of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Mail, Text
from tests.fakes.base import reference
from tests.fakes.mail import MAIL, naming, saying
from tests.fakes.postmark import AUTHORIZATION, PROFILE, TOKEN, Fake
from worker.adapters.base import (
    Accepted,
    Blocked,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Throttled,
)


def sent(fake: Fake, messages: list[Message], **options: Any) -> list[Outcome]:
    adapter = PROFILE.adapter(**options)
    request = adapter.encode(messages)
    path = request.url.removeprefix(PROFILE.url)
    answer = fake.handle(HttpRequest(request.method, path, request.headers, request.body))
    return list(adapter.decode(messages, answer))


def test_the_request() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages())
    assert request.url == "https://api.postmarkapp.com/email/batch"
    assert request.headers["x-postmark-server-token"] == TOKEN
    assert json.loads(request.body) == [
        {
            "From": "Shop <news@shop.example>",
            "To": "mary0@example.com",
            "ReplyTo": "help@shop.example",
            "Subject": MAIL.subject,
            "TextBody": MAIL.text,
            "HtmlBody": MAIL.html,
            "Headers": [
                {"Name": "List-Unsubscribe", "Value": "<https://sluice.example.com/u/17>"},
                {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
            ],
            "Metadata": {"reference": reference()},
            "MessageStream": "broadcast",
        }
    ]


def test_messages_need_nothing_in_common() -> None:
    fake = Fake()
    mails = [*naming("Mary"), Mail("Hi", "text"), Mail("Ho", html="<p>x</p>")]
    messages = saying(PROFILE, *mails)
    messages[1] = replace(messages[1], sender="help@shop.example")
    assert all(isinstance(each, Accepted) for each in sent(fake, messages))
    assert [letter["Subject"] for letter in fake.letters] == ["Your order, Mary", "Hi", "Ho"]


def test_each_has_an_answer_of_its_own() -> None:
    messages = PROFILE.messages(3)
    messages[1] = replace(messages[1], address="inactive@example.com")
    messages[2] = replace(messages[2], sender="news@stranger.example")
    found = sent(Fake(), messages)
    assert found[1:] == [Rejected("error_406"), Rejected("error_400")]
    assert isinstance(found[0], Accepted)


def test_what_was_taken_is_reported() -> None:
    fake = Fake()
    adapter = PROFILE.adapter()
    outcomes = sent(fake, PROFILE.messages(2))
    for number, call in enumerate(fake.reports()):
        adapter.verify_report(call)
        (report,) = adapter.parse_report(call)
        assert report.reference == reference(number)
        assert outcomes[number] == Accepted(report.message_id)


def test_the_whole_account_is_throttled() -> None:
    fake = Fake()
    fake.throttle = 1
    assert sent(fake, PROFILE.messages(2)) == [Throttled(None, "error_429")] * 2


def test_a_stream_that_does_not_exist_holds_the_account() -> None:
    assert sent(Fake(), PROFILE.messages(), message_stream="x") == [Blocked("error_1235")]


@pytest.mark.parametrize(
    "content",
    [Mail("Hi"), Text("text"), replace(MAIL, reply_to="x")],
    ids=["empty", "text", "reply to"],
)
def test_what_is_no_mail_is_refused(content: Any) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode([replace(PROFILE.messages()[0], content=content)])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"message_stream": "Broad cast"}, "message_stream: "),
        ({"reports": False}, "report_authorization: proves reports"),
        ({"token": "x"}, "token: is not a key of the adapter 'postmark'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{said}")
    assert AUTHORIZATION not in str(caught.value)
