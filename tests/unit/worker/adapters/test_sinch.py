"""What is special about Sinch: texts that differ in one batch, one id for it, signed calls."""

from __future__ import annotations

import hmac
import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.template.content import Text
from tests.fakes.sinch import ADDRESSES, API_TOKEN, HMAC_SECRET, PROFILE, Fake
from tests.support.clock import FakeClock
from tests.support.vendor_talk import content_of, exchanged
from worker.adapters.base import (
    Accepted,
    Failed,
    ForgedReport,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Throttled,
)
from worker.adapters.sinch_reports import check_signature


def saying(*texts: str) -> list[Message]:
    return [
        replace(message, content=Text(text))
        for message, text in zip(PROFILE.messages(len(texts)), texts, strict=True)
    ]


def encoded(messages: list[Message], **options: Any) -> Any:
    return content_of(PROFILE, messages, **options)


def sent(fake: Fake, messages: list[Message]) -> list[Outcome]:
    return exchanged(PROFILE, fake, messages)


def test_a_batch_with_one_text() -> None:
    request = PROFILE.adapter().encode(PROFILE.messages(2))
    assert request.url.endswith("/xms/v1/a1b2c3d4e5f60718293a4b5c6d7e8f90/batches")
    assert request.headers["authorization"] == f"Bearer {API_TOKEN}"
    assert encoded(PROFILE.messages(2)) == {
        "type": "mt_text",
        "from": "Sluice",
        "to": ["353861000000", "353861000001"],
        "body": "Dear Mary, your code is 4711",
        "delivery_report": "per_recipient_final",
        "callback_url": "https://sluice.example.com/reports/sinch",
    }


def test_a_batch_with_texts_that_differ() -> None:
    assert encoded(saying("Dear Mary", "Dear Joe")) == {
        "type": "mt_text",
        "from": "Sluice",
        "to": ["353861000000", "353861000001"],
        "body": "${t0}",
        "parameters": {"t0": {"353861000000": "Dear Mary", "353861000001": "Dear Joe"}},
        "delivery_report": "per_recipient_final",
        "callback_url": "https://sluice.example.com/reports/sinch",
    }


TEXTS = st.lists(st.text(min_size=10, max_size=1600), min_size=1, max_size=5)


@given(texts=TEXTS)
def test_everybody_gets_the_text_meant_for_them(texts: list[str]) -> None:
    """However long they are, whatever they consist of, and whatever the others get."""
    fake, messages = Fake(), saying(*texts)
    assert all(isinstance(outcome, Accepted) for outcome in sent(fake, messages))
    assert fake.taken == [(message.address, message.text) for message in messages]


@pytest.mark.parametrize("text", ["Say ${name}", "${t0}", "$${t0}", "a" * 150 + "${t1}" + "b" * 50])
def test_what_looks_like_a_parameter_is_text(text: str) -> None:
    fake = Fake()
    sent(fake, saying(text))
    sent(fake, saying(text, "Something else for somebody else"))
    assert fake.taken[0][1] == fake.taken[1][1] == text


def test_a_long_text_is_cut_evenly() -> None:
    """So that no value is empty, not that of the short one either."""
    values = encoded(saying("a" * 161, "short"))["parameters"]
    assert [len(value[ADDRESSES[0]]) for value in values.values()] == [80, 81]
    assert [value[ADDRESSES[1]] for value in values.values()] == ["sh", "ort"]


def test_values_are_measured_as_utf_16() -> None:
    values = encoded(saying("\N{GRINNING FACE}" * 100, "some other text"))["parameters"]
    assert len(values) == 2


def test_a_text_that_cannot_be_cut_goes_alone() -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().encode(saying("a" * 1600, "short"))
    assert encoded(saying("short"))["body"] == "short"


@pytest.mark.parametrize(
    "other",
    [
        {"sender": "Other"},
        {"expires_at": FakeClock().now() + timedelta(hours=1)},
        {"address": ADDRESSES[0]},
    ],
)
def test_what_does_not_fit_in_one_batch_is_refused(other: dict[str, Any]) -> None:
    first, second = PROFILE.messages(2)
    with pytest.raises(ValueError):
        PROFILE.adapter().encode([first, replace(second, **other)])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (3600, "2030-01-01T01:00:00.000Z"),
        (-5, "2030-01-01T00:00:01.000Z"),
        (30 * 86_400, "2030-01-03T23:59:00.000Z"),
    ],
)
def test_the_expiry_is_a_moment_within_three_days(seconds: float, expected: str) -> None:
    until = FakeClock().now() + timedelta(seconds=seconds)
    (message,) = PROFILE.messages()
    assert encoded([replace(message, expires_at=until)])["expire_at"] == expected


def test_the_ids_of_answer_and_reports_are_the_same() -> None:
    fake, messages = Fake(), PROFILE.messages(3)
    ids = [outcome.message_ids for outcome in sent(fake, messages)]
    adapter = PROFILE.adapter()
    calls = fake.reports()
    for call in calls:
        adapter.verify_report(call)
    reports = [report for call in calls for report in adapter.parse_report(call)]
    assert [(report.message_id,) for report in reports] == ids
    assert {report.kind for report in reports} == {"delivered"}


def test_a_batch_without_reports() -> None:
    options = {name: PROFILE.options[name] for name in ("service_plan_id", "api_token")}
    bare = replace(PROFILE, options=options).adapter()
    assert not bare.capabilities.reports
    assert json.loads(bare.encode(PROFILE.messages()).body)["delivery_report"] == "none"


def test_one_wrong_number_does_not_take_its_neighbours_with_it() -> None:
    first, second, third = PROFILE.messages(3)
    wrong, code = replace(second, address="12"), "syntax_invalid_parameter_format"
    fake = Fake()
    assert sent(fake, [first, wrong, third]) == [Failed(code), Rejected(code), Failed(code)]
    assert fake.taken == []


def test_throttling_passes() -> None:
    fake = Fake()
    fake.throttle = 1
    assert sent(fake, PROFILE.messages()) == [Throttled(None, "too_many_requests")]
    assert isinstance(sent(fake, PROFILE.messages())[0], Accepted)


VECTOR = (
    b'{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":'
    b'"e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":'
    b'"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":'
    b'"48123456789","app_id":""}],"display_name":"New Test Contact","email":'
    b'"new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},'
    b'"message_metadata":""}'
)


def test_the_vendors_own_example_of_a_signature() -> None:
    """Of the tests of https://github.com/sinch/sinch-sdk-dotnet."""
    headers = {
        "x-sinch-webhook-signature": "6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE=",
        "x-sinch-webhook-signature-nonce": "01FJA8B4A7BM43YGWSG9GBV067",
        "x-sinch-webhook-signature-timestamp": "1634579353",
    }
    request = HttpRequest("POST", "/", headers, VECTOR)
    now = datetime(2021, 10, 18, 17, 49, 14, tzinfo=UTC)
    check_signature("foo_secret1234", request, now)
    with pytest.raises(ForgedReport):
        check_signature("foo_secret1235", request, now)


@pytest.mark.parametrize("algorithm", ["HmacSHA512", "HmacSHA1"])
def test_the_hash_is_the_one_that_the_call_names(algorithm: str) -> None:
    call = PROFILE.reports["delivered"].request
    name = "x-sinch-webhook-signature"
    tail = f".{call.headers[f'{name}-nonce']}.{call.headers[f'{name}-timestamp']}".encode()
    digest = hmac.digest(HMAC_SECRET.encode(), call.body + tail, algorithm[4:].lower())
    signature = b64encode(digest).decode()
    headers = {**call.headers, f"{name}-algorithm": algorithm, name: signature}
    named = replace(call, headers=headers)
    if algorithm == "HmacSHA1":
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(named)
    else:
        PROFILE.adapter().verify_report(named)


@pytest.mark.parametrize("part", ["nonce", "timestamp"])
def test_nonce_and_timestamp_are_signed(part: str) -> None:
    call = PROFILE.reports["delivered"].request
    name = f"x-sinch-webhook-signature-{part}"
    for value in (call.headers[name] + "1", "", "x", "\xb2"):
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(replace(call, headers={**call.headers, name: value}))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"service_plan_id": "a/b"}, "providers.carrier.service_plan_id: "),
        ({"region": "eu"}, "providers.carrier.region: is not a key of the adapter 'sinch'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(said)


def test_the_vendors_endpoint_is_the_default() -> None:
    assert (
        PROFILE.adapter(url="")
        .encode(PROFILE.messages())
        .url.startswith("https://us.sms.api.sinch.com/xms/v1/")
    )
