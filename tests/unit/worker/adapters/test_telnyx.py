"""What is special about Telnyx: codes that outrank the status, references in URLs, Ed25519."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from campaigns.errors import ConfigurationError
from tests.fakes.base import answer, reference
from tests.fakes.telnyx import CALLED, IDENT, PROFILE, PUBLIC_KEY, Fake, errors, event, signed
from tests.support.clock import FakeClock
from tests.support.vendor_talk import content_of, exchanged
from worker.adapters.base import (
    Accepted,
    Blocked,
    ForgedReport,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
)
from worker.adapters.telnyx_signature import check_signature, public_key


def encoded(message: Message, **options: Any) -> Any:
    return content_of(PROFILE, [message], **options)


def sent(fake: Fake, message: Message) -> Outcome:
    (found,) = exchanged(PROFILE, fake, [message])
    return found


def test_a_request_as_the_vendor_describes_it() -> None:
    (message,) = PROFILE.messages()
    assert encoded(message) == {
        "from": "Sluice",
        "to": "+353861234567",
        "text": "Dear Mary, your code is 4711",
        "type": "SMS",
        "messaging_profile_id": "74dd3cdb-1f6c-4f36-a6a4-7d3f8d4f3c11",
        "webhook_url": CALLED,
    }


@pytest.mark.parametrize(
    ("sender", "written"),
    [("15550001111", "+15550001111"), ("12345", "12345"), ("Sluice", "Sluice")],
)
def test_a_sender_that_is_a_number_gets_a_plus(sender: str, written: str) -> None:
    (message,) = PROFILE.messages()
    assert encoded(replace(message, sender=sender))["from"] == written


def test_a_report_url_keeps_the_query_that_it_has() -> None:
    (message,) = PROFILE.messages()
    url = encoded(message, report_url="https://sluice.example.com/r?account=7&x=")["webhook_url"]
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert query == {"account": ["7"], "x": [""], "reference": [reference()]}


def test_what_is_sent_is_reported_on_with_its_reference() -> None:
    fake = Fake()
    messages = PROFILE.messages(2)
    found = [sent(fake, message) for message in messages]
    adapter = PROFILE.adapter()
    reports = []
    for call in fake.reports():
        adapter.verify_report(call)
        reports += adapter.parse_report(call)
    assert [(report.reference, Accepted(report.message_id)) for report in reports] == [
        (message.reference, outcome) for message, outcome in zip(messages, found, strict=True)
    ]


def test_refusals_of_the_vendor() -> None:
    fake, (message,) = Fake(), PROFILE.messages()
    fake.stopped, fake.throttle = {message.address}, 1
    assert sent(fake, message) == Throttled(None, "10011")
    assert sent(fake, message) == Rejected("40300")
    assert sent(fake, replace(message, address="12")) == Rejected("10016", gone=True)
    assert fake.taken == []


@pytest.mark.parametrize("status", [400, 403, 422, 429])
def test_a_limit_on_spending_is_no_throttling_whatever_the_status(status: int) -> None:
    """It comes with 429, and would be asked again within seconds until midnight."""
    found = PROFILE.adapter().decode(PROFILE.messages(), answer(status, errors("40333")))
    assert found == [Blocked("40333")]


@pytest.mark.parametrize("code", [10002, "10002"])
def test_a_code_may_be_a_number(code: Any) -> None:
    answered = answer(422, errors(code, pointer="/to"))
    found = PROFILE.adapter().decode(PROFILE.messages(), answered)
    assert found == [Rejected("10002", gone=True)]


@pytest.mark.parametrize("pointer", ["/from", "", "/tone", "to\n", 7, {"to": 1}])
def test_a_wrong_sender_makes_no_address_dead(pointer: Any) -> None:
    """One mistake in a campaign would have all of its recipients left out for ever."""
    for code in ("10002", "10016"):
        refusal = answer(422, errors(code, pointer=pointer))
        assert PROFILE.adapter().decode(PROFILE.messages(), refusal) == [Rejected(code)]


def test_a_report_without_a_reference_still_names_the_message() -> None:
    """Such as one to the webhook of the messaging profile."""
    call = signed(event("delivered"), "https://sluice.example.com/reports/telnyx")
    (found,) = PROFILE.adapter().parse_report(call)
    assert found == Report(None, IDENT, "delivered", found.at)


def test_the_time_is_signed() -> None:
    call = PROFILE.reports["delivered"].request
    for timestamp in ("1893456001", "", "x", "-1", "1893456000 ", "\u0661"):
        headers = {**call.headers, "telnyx-timestamp": timestamp}
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(replace(call, headers=headers))


@pytest.mark.parametrize("signature", ["", "x", "\xe9", "AAAA", PUBLIC_KEY])
def test_what_is_no_signature_proves_nothing(signature: str) -> None:
    call = PROFILE.reports["delivered"].request
    headers = {**call.headers, "telnyx-signature-ed25519": signature}
    with pytest.raises(ForgedReport):
        PROFILE.adapter().verify_report(replace(call, headers=headers))


def test_a_signature_is_checked_with_the_accounts_key() -> None:
    call = PROFILE.reports["delivered"].request
    check_signature(public_key(PUBLIC_KEY), call, FakeClock().now())
    other = public_key("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    with pytest.raises(ForgedReport):
        check_signature(other, call, FakeClock().now())


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"public_key": "AAAA"}, "providers.carrier.public_key: must be a public key of 32 bytes"),
        ({"public_key": "\xe9"}, "providers.carrier.public_key: must be a public key of 32 bytes"),
        ({"messaging_profile_id": "a b"}, "providers.carrier.messaging_profile_id: "),
        ({"token": "x"}, "providers.carrier.token: is not a key of the adapter 'telnyx'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(said)


def test_the_vendors_endpoint_is_the_default() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages())
    assert request.url == "https://api.telnyx.com/v2/messages"
