"""What is special about MessageBird: numbered errors, reports in queries, tokens that sign URLs."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Text
from tests.fakes.base import answer, reference
from tests.fakes.messagebird import (
    AT,
    IDENT,
    INTERNAL,
    PROFILE,
    REPORT_URL,
    Fake,
    errors,
    signed,
    status_url,
)
from tests.support.clock import FakeClock
from tests.support.vendor_talk import content_of, exchanged
from worker.adapters.base import (
    Accepted,
    Blocked,
    ForgedReport,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.messagebird_signature import check_signature


def encoded(message: Message, **options: Any) -> Any:
    return content_of(PROFILE, [message], **options)


def sent(fake: Fake, message: Message) -> Outcome:
    (found,) = exchanged(PROFILE, fake, [message])
    return found


def test_a_request_as_the_vendor_describes_it() -> None:
    (message,) = PROFILE.messages()
    until = FakeClock().now() + timedelta(hours=1)
    assert encoded(replace(message, expires_at=until)) == {
        "originator": "Sluice",
        "recipients": ["353861234567"],
        "body": "Dear Mary, your code is 4711",
        "datacoding": "auto",
        "reference": reference(),
        "validity": 3600,
        "reportUrl": REPORT_URL,
    }


def test_no_character_is_replaced() -> None:
    fake, (message,) = Fake(), PROFILE.messages()
    sent(fake, replace(message, content=Text("Grüße \N{SNOWMAN}")))
    assert fake.taken == [(message.address, "Grüße \N{SNOWMAN}")]


@pytest.mark.parametrize("seconds", [-5, 0.5])
def test_a_validity_is_never_none(seconds: float) -> None:
    (message,) = PROFILE.messages()
    until = FakeClock().now() + timedelta(seconds=seconds)
    assert encoded(replace(message, expires_at=until))["validity"] == 1


def test_what_is_sent_is_reported_on_with_its_reference() -> None:
    fake, messages = Fake(), PROFILE.messages(2)
    found = [sent(fake, message) for message in messages]
    adapter = PROFILE.adapter()
    reports: list[Report] = []
    for call in fake.reports():
        adapter.verify_report(call)
        reports += adapter.parse_report(call)
    assert [(report.reference, Accepted(report.message_id)) for report in reports] == [
        (message.reference, outcome) for message, outcome in zip(messages, found, strict=True)
    ]


def test_refusals_of_the_vendor() -> None:
    fake, (message,) = Fake(), PROFILE.messages()
    fake.balance, fake.throttle = 0, 1
    assert sent(fake, message) == Throttled(None, "http_429")
    assert sent(fake, message) == Blocked("25")
    assert sent(fake, replace(message, address="12")) == Rejected("9", gone=True)
    assert sent(fake, replace(message, sender="far too long a name")) == Rejected("10")
    assert fake.taken == []


@pytest.mark.parametrize("status", [400, 422])
def test_an_account_that_is_refused_is_not_a_message_that_is(status: int) -> None:
    for code in (2, 25):
        refusal = answer(status, errors(code, "Request not allowed"))
        assert PROFILE.adapter().decode(PROFILE.messages(), refusal) == [Blocked(str(code))]


def test_an_internal_error_counts_only_with_the_status_of_one() -> None:
    """The vendor calls a repetition safe after 5xx; anything else with that code is a riddle."""
    found = PROFILE.adapter().decode(PROFILE.messages(), answer(409, INTERNAL))
    assert found == [Unknown("99")]


@pytest.mark.parametrize("code", [True, "9", -1, 10**9, 9.5, None])
def test_a_code_is_a_small_number(code: Any) -> None:
    found = PROFILE.adapter().decode(PROFILE.messages(), answer(422, errors(code, "x", "body")))
    assert found == [Rejected("http_422")]


def test_the_url_is_signed_as_the_vendor_was_given_it() -> None:
    """What arrives behind a proxy has another scheme, host and path."""
    call = PROFILE.reports["delivered"].request
    behind = call.url.replace("https://sluice.example.com/reports", "/inner")
    PROFILE.adapter().verify_report(replace(call, url=behind))
    for changed in (behind.replace("delivered", "expired"), behind + "&more=1", "/inner", ""):
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(replace(call, url=changed))


def test_the_body_is_signed_where_there_is_one() -> None:
    url = status_url("delivered")
    with_body, without = signed(url, body=b"x=1"), signed(url)
    PROFILE.adapter().verify_report(with_body)
    for request in (
        replace(with_body, body=b""),
        replace(with_body, body=b"x=2"),
        replace(without, body=b"x=1"),
    ):
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(request)


VECTORS = json.loads((Path(__file__).parents[3] / "fakes/vectors/messagebird.json").read_text())


@pytest.mark.parametrize("case", VECTORS["tokens"], ids=lambda case: case["is"])
def test_the_vendors_own_examples_of_tokens(case: Any) -> None:
    headers = {"messagebird-signature-jwt": case["token"]}
    request = HttpRequest("GET", case["url"], headers, case["body"].encode())
    now = datetime(2021, 7, 5, 10, tzinfo=UTC)
    if case["good"]:
        check_signature(VECTORS["key"], case["url"], request, now)
    else:
        with pytest.raises(ForgedReport):
            check_signature(VECTORS["key"], case["url"], request, now)


@pytest.mark.parametrize("token", ["", "x", "..", "\xe9", "e30.e30.", "W1tb" * 5000 + ".e30.x"])
def test_what_is_no_token_proves_nothing(token: str) -> None:
    call = PROFILE.reports["delivered"].request
    with pytest.raises(ForgedReport):
        PROFILE.adapter().verify_report(replace(call, headers={"messagebird-signature-jwt": token}))


def test_a_plus_that_was_not_escaped_is_read() -> None:
    url = status_url("delivered").replace("%2B", "+")
    (found,) = PROFILE.adapter().parse_report(signed(url))
    assert found == Report(reference(), IDENT, "delivered", AT)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"report_url": None}, "providers.carrier.signing_key: proves reports"),
        (
            {"signing_key": None, "inbound_url": "https://sluice.example.com/inbound/x"},
            "providers.carrier.inbound_url: needs signing_key",
        ),
        ({"api_key": "x"}, "providers.carrier.api_key: is not a key of the adapter 'messagebird'"),
        ({"access_key": "\n"}, "providers.carrier.access_key: must be visible ASCII"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(said)


def test_the_vendors_endpoint_is_the_default() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages())
    assert request.url == "https://rest.messagebird.com/messages"
