"""What is special about Amazon SES: a template of placeholders, and reports that SNS signs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Mail, Text
from tests.fakes.amazon import KEY_ID, SECRET_KEY, published
from tests.fakes.base import reference
from tests.fakes.mail import MAIL, naming, saying
from tests.fakes.ses import PROFILE, Fake, told
from tests.support.clock import FakeClock
from tests.support.vendor_schemas import problems
from worker.adapters.base import (
    Accepted,
    Blocked,
    ForgedReport,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Throttled,
)


def sent(fake: Fake, messages: list[Message], **options: Any) -> list[Outcome]:
    adapter = PROFILE.adapter(**options)
    request = adapter.encode(messages)
    assert problems("ses", "request", json.loads(request.body)) == []
    path = request.url.removeprefix(PROFILE.url)
    answer = fake.handle(HttpRequest(request.method, path, request.headers, request.body))
    return list(adapter.decode(messages, answer))


def test_the_request() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages())
    assert request.url == "https://email.eu-west-1.amazonaws.com/v2/email/outbound-bulk-emails"
    assert f"Credential={KEY_ID}/20300101/eu-west-1/ses/" in request.headers["authorization"]
    content = json.loads(request.body)
    (entry,) = content.pop("BulkEmailEntries")
    data = entry.pop("ReplacementEmailContent")["ReplacementTemplate"]["ReplacementTemplateData"]
    assert json.loads(data) == {"subject": MAIL.subject, "text": MAIL.text, "html": MAIL.html}
    assert entry == {
        "Destination": {"ToAddresses": ["mary0@example.com"]},
        "ReplacementTags": [{"Name": "reference", "Value": reference()}],
        "ReplacementHeaders": [
            {"Name": "List-Unsubscribe", "Value": "<https://sluice.example.com/u/17>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ],
    }
    assert content == {
        "FromEmailAddress": "Shop <news@shop.example>",
        "ReplyToAddresses": ["help@shop.example"],
        "ConfigurationSetName": "sluice",
        "DefaultContent": {
            "Template": {
                "TemplateContent": {
                    "Subject": "{{subject}}",
                    "Text": "{{text}}",
                    "Html": "{{html}}",
                },
                "TemplateData": "{}",
            }
        },
    }


def test_each_reads_a_text_of_their_own() -> None:
    """Also one who is called like a placeholder."""
    fake = Fake()
    mails = naming("Mary", "{{html}}", "Jürgen", 'a"b\\')
    outcomes = sent(fake, saying(PROFILE, *mails))
    assert all(isinstance(each, Accepted) for each in outcomes)
    for letter, mail in zip(fake.letters, mails, strict=True):
        assert (letter["Subject"], letter["Text"], letter["Html"]) == (
            mail.subject,
            mail.text,
            mail.html,
        )
        assert letter["List-Unsubscribe"] == f"<{mail.unsubscribe_url}>"


def test_what_was_taken_is_reported() -> None:
    fake = Fake()
    adapter = PROFILE.adapter()
    outcomes = sent(fake, saying(PROFILE, *naming("Mary", "Joe")))
    for number, call in enumerate(fake.reports()):
        adapter.verify_report(call)
        (report,) = adapter.parse_report(call)
        assert (report.reference, report.kind) == (reference(number), "delivered")
        assert outcomes[number] == Accepted(report.message_id)


def test_a_name_beyond_ascii_is_encoded() -> None:
    messages = [replace(PROFILE.messages()[0], sender="Bücher, und mehr <news@shop.example>")]
    content = json.loads(PROFILE.adapter().encode(messages).body)
    assert content["FromEmailAddress"] == (
        "=?utf-8?b?QsO8Y2hlciwgdW5kIG1laHI=?= <news@shop.example>"
    )


@pytest.mark.parametrize(
    "mails",
    [
        [MAIL, replace(MAIL, text="")],
        [MAIL, replace(MAIL, reply_to=None)],
        [replace(MAIL, text="x" * 262_144)],
        [replace(MAIL, unsubscribe_url="https://sluice.example.com/" + "x" * 970)],
        [Mail("Hi")],
    ],
    ids=["parts", "reply to", "long", "long field", "empty"],
)
def test_what_does_not_fit_is_refused(mails: list[Mail]) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode(saying(PROFILE, *mails))


@pytest.mark.parametrize(
    "message",
    [
        replace(PROFILE.messages()[0], address="jürgen@example.com"),
        replace(PROFILE.messages()[0], content=Text("text")),
    ],
    ids=["address", "text"],
)
def test_what_ses_cannot_send_is_refused(message: Message) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode([message])


def test_the_credentials_have_to_be_right() -> None:
    found = sent(Fake(), PROFILE.messages(), secret_access_key="wrong")
    assert found == [Blocked("InvalidSignatureException")]
    assert sent(Fake(), PROFILE.messages(), configuration_set="other") == [
        Blocked("NotFoundException")
    ]


def test_the_whole_account_is_throttled() -> None:
    fake = Fake()
    fake.throttle = 1
    assert sent(fake, PROFILE.messages(2)) == [Throttled(None, "TooManyRequestsException")] * 2


def test_a_clock_that_is_off_is_the_accounts_fault() -> None:
    adapter = PROFILE.adapter(FakeClock(FakeClock().now() + timedelta(hours=1)))
    messages = PROFILE.messages()
    request = adapter.encode(messages)
    path = request.url.removeprefix(PROFILE.url)
    answer = Fake().handle(HttpRequest(request.method, path, request.headers, request.body))
    assert adapter.decode(messages, answer) == [Blocked("InvalidSignatureException")]


def test_without_a_certificate_nothing_is_proven() -> None:
    adapter = PROFILE.adapter(sns_certificate=None)
    assert adapter.capabilities.report_proof is None
    adapter.verify_report(HttpRequest("POST", "/", {}, b"{}"))


def test_without_a_topic_nobody_waits() -> None:
    assert not PROFILE.adapter(sns_certificate=None, topic_arn=None).capabilities.reports


def test_a_stranger_can_have_a_topic_too() -> None:
    """Whose messages are signed by the very same key."""
    arn = "arn:aws:sns:eu-west-1:666666666666:sluice"
    call = published(told("Delivery"), TopicArn=arn)
    PROFILE.adapter(topic_arn=arn).verify_report(call)
    with pytest.raises(ForgedReport):
        PROFILE.adapter().verify_report(call)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"region": "Ireland"}, "region: "),
        ({"topic_arn": None}, "sns_certificate: needs topic_arn"),
        ({"configuration_set": None}, "topic_arn: needs configuration_set"),
        ({"topic_arn": "sluice"}, "topic_arn: "),
        ({"sns_certificate": "x"}, "sns_certificate: must be a certificate in PEM"),
        ({"secret_access_key": "env:SLUICE_NO_SUCH_VARIABLE"}, "secret_access_key: "),
        ({"secret": "x"}, "secret: is not a key of the adapter 'ses'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{said}")
    assert SECRET_KEY not in str(caught.value)


def test_an_entry_that_ses_refuses_is_rejected_alone() -> None:
    fake = Fake()
    messages = PROFILE.messages(2)
    adapter = PROFILE.adapter()
    request = adapter.encode(messages)
    broken = request.body.replace(reference(1).encode(), b"not a tag")
    plain = HttpRequest(request.method, request.url, {"content-type": "application/json"}, broken)
    signed = adapter._signer.sign(plain, FakeClock().now())
    path = signed.url.removeprefix(PROFILE.url)
    answer = fake.handle(HttpRequest(signed.method, path, signed.headers, signed.body))
    found = adapter.decode(messages, answer)
    assert [type(each) for each in found] == [Accepted, Rejected]
