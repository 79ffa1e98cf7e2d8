"""What is special about Vonage's SMS API: segments with ids of their own, and signed receipts."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.run.events import Event, fold, report_key
from campaigns.template.content import Text
from tests.fakes.base import reference
from tests.fakes.vonage import (
    DELIVERED,
    MESSAGE_ID,
    NOW,
    PROFILE,
    SIGNATURE_SECRET,
    Fake,
    as_form,
    as_json,
    as_query,
    receipt,
)
from tests.support.clock import FakeClock
from tests.support.vendor_schemas import form_problems, problems
from worker.adapters.base import Accepted, ForgedReport, HttpRequest, Message, Report, Throttled
from worker.adapters.reply import parse_form
from worker.adapters.vonage_signature import Method, is_signed, sign


def form(message: Message | None = None, **options: Any) -> dict[str, str]:
    request = PROFILE.adapter(**options).encode([message or PROFILE.messages()[0]])
    return dict(parse_form(request.body))


def sent(fake: Fake, request: HttpRequest) -> Any:
    return fake.handle(replace(request, url="/sms/json"))


FIELDS = {"b": "1&2=3", "a": "x", "sig": "ignored", "c": ""}
SIGNED = b"&a=x&b=1_2_3&c="


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("md5hash", hashlib.md5(SIGNED + b"key").hexdigest()),
        ("md5", hmac.new(b"key", SIGNED, "md5").hexdigest()),
        ("sha1", hmac.new(b"key", SIGNED, "sha1").hexdigest()),
        ("sha256", hmac.new(b"key", SIGNED, "sha256").hexdigest()),
        ("sha512", hmac.new(b"key", SIGNED, "sha512").hexdigest()),
    ],
)
def test_what_is_signed_and_how(method: Method, expected: str) -> None:
    assert sign("key", method, FIELDS) == expected
    assert is_signed("key", method, {**FIELDS, "sig": expected.upper()})
    assert not is_signed("key", method, {**FIELDS, "sig": ""})
    assert not is_signed("other", method, {**FIELDS, "sig": expected})


@pytest.mark.parametrize("method", ["md5hash", "md5", "sha1", "sha512"])
def test_the_account_says_how_its_receipts_are_signed(method: Method) -> None:
    adapter = PROFILE.adapter(signature_method=method)
    fields = {name: value for name, value in DELIVERED.items() if name != "sig"}
    adapter.verify_report(as_json({**fields, "sig": sign(SIGNATURE_SECRET, method, fields)}))
    with pytest.raises(ForgedReport):
        adapter.verify_report(as_json(DELIVERED))


@pytest.mark.parametrize("call", [as_json, as_form, as_query])
def test_receipts_come_as_json_as_a_form_or_in_the_query(
    call: Callable[[dict[str, str]], HttpRequest],
) -> None:
    adapter = PROFILE.adapter()
    adapter.verify_report(call(DELIVERED))
    found = adapter.parse_report(call(DELIVERED))
    assert list(found) == [Report(reference(), MESSAGE_ID, "delivered", NOW, part=True)]


def test_numbers_in_json_are_signed_as_their_texts() -> None:
    fields: dict[str, Any] = {**DELIVERED, "timestamp": int(DELIVERED["timestamp"])}
    PROFILE.adapter().verify_report(as_json(fields))


def test_a_receipt_from_a_little_ahead_of_our_clock_is_good() -> None:
    PROFILE.adapter().verify_report(as_json(receipt(NOW + timedelta(seconds=200))))
    with pytest.raises(ForgedReport):
        PROFILE.adapter().verify_report(as_json(receipt(NOW + timedelta(seconds=400))))


def test_a_receipt_that_was_repeated_for_a_day_is_good() -> None:
    """That is for how long Vonage repeats a call that we did not answer."""
    PROFILE.adapter().verify_report(as_json(receipt(NOW - timedelta(hours=24))))


def test_without_a_signature_secret_nothing_is_proven_and_nothing_refused() -> None:
    options = {k: v for k, v in PROFILE.options.items() if k != "signature_secret"}
    adapter = replace(PROFILE, options=options).adapter()
    assert adapter.capabilities.report_proof is None
    adapter.verify_report(as_json({**DELIVERED, "sig": "no"}))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("delivered", "delivered"),
        *((each, "failed") for each in ("expired", "failed", "rejected", "deleted", "unknown")),
        ("accepted", None),
        ("buffered", None),
    ],
)
def test_only_final_states_are_reported(status: str, kind: str | None) -> None:
    found = PROFILE.adapter().parse_report(as_json(receipt(NOW, status=status)))
    assert [each.kind for each in found] == ([kind] if kind else [])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-5, "20000"),
        (19, "20000"),
        (90, "90000"),
        (604_800, "604800000"),
        (9e6, "604800000"),
    ],
)
def test_the_validity_is_in_milliseconds_and_stays_in_its_bounds(
    seconds: float, expected: str
) -> None:
    expires_at = FakeClock().now() + timedelta(seconds=seconds)
    assert form(replace(PROFILE.messages()[0], expires_at=expires_at))["ttl"] == expected
    assert "ttl" not in form()


@pytest.mark.parametrize(
    ("text", "kind"), [("Hello @ 3 €", "text"), ("Zażółć", "unicode"), ("\U0001f600", "unicode")]
)
def test_the_type_follows_the_alphabet(text: str, kind: str) -> None:
    assert form(replace(PROFILE.messages()[0], content=Text(text)))["type"] == kind


def test_without_a_report_url_none_is_asked_for() -> None:
    about_reports = ("report_url", "signature_secret")
    options = {key: each for key, each in PROFILE.options.items() if key not in about_reports}
    profile = replace(PROFILE, options=options)
    assert not profile.adapter().capabilities.reports
    assert b"callback" not in profile.adapter().encode(profile.messages()).body


def test_requests_and_the_fakes_words_are_of_the_published_form() -> None:
    message = PROFILE.messages()[0]
    for each in (message, replace(message, expires_at=FakeClock().now() + timedelta(days=30))):
        assert form_problems("vonage", "request", form(each)) == []
    assert form_problems("vonage", "request", {"to": "+353861234567"}) != []
    fake = Fake()
    assert problems("vonage", "response", json.loads(sent(fake, request_for(message)).body)) == []
    fake.next_statuses = ["0", "1"]
    assert problems("vonage", "response", json.loads(sent(fake, request_for(message)).body)) == []
    for call in fake.reports():
        assert problems("vonage", "receipt", json.loads(call.body)) == []


def request_for(message: Message) -> HttpRequest:
    request: HttpRequest = PROFILE.adapter().encode([message])
    return request


def test_a_whole_conversation_with_its_fake() -> None:
    fake, adapter = Fake(), PROFILE.adapter()
    messages = PROFILE.messages(3)
    texts = ["Dear Mary & Joe = 100% + €", "x" * 400, "Zażółć gęślą jaźń " * 5]
    ids: dict[str, tuple[str, ...]] = {}
    for message, text in zip(messages, texts, strict=True):
        said = sent(fake, adapter.encode([replace(message, content=Text(text))]))
        (outcome,) = adapter.decode([message], said)
        assert isinstance(outcome, Accepted)
        ids[message.reference] = outcome.message_ids
    assert [len(each) for each in ids.values()] == [1, 3, 2]
    assert fake.taken == [(m.address, t) for m, t in zip(messages, texts, strict=True)]
    found = []
    for call in fake.reports():
        adapter.verify_report(call)
        found += adapter.parse_report(call)
    assert all(each.part and each.kind == "delivered" for each in found)
    for message in messages:
        own = [each.message_id for each in found if each.reference == message.reference]
        assert tuple(own) == ids[message.reference]


def test_a_message_whose_last_segment_was_refused_is_settled_by_the_others() -> None:
    """It neither is sent again nor waits for a receipt that never comes."""
    fake, adapter = Fake(), PROFILE.adapter()
    message = replace(PROFILE.messages()[0], content=Text("x" * 400))
    fake.next_statuses = ["0", "0", "5"]
    (outcome,) = adapter.decode([message], sent(fake, adapter.encode([message])))
    assert isinstance(outcome, Accepted)
    events = [Event("submitted", "s", NOW, message_ids=outcome.message_ids)]
    for call in fake.reports():
        events += [
            Event(
                each.kind,
                report_key(each.message_id, part=each.part),
                NOW,
                message_ids=(each.message_id or "",),
            )
            for each in adapter.parse_report(call)
        ]
    assert fold(events).report == "delivered"
    assert fold(events[:2]).report is None


def test_the_fake_refuses_as_vonage_does() -> None:
    fake, adapter = Fake(), PROFILE.adapter()
    message = PROFILE.messages()[0]

    def code(request: HttpRequest) -> Any:
        (outcome,) = adapter.decode([message], sent(fake, request))
        return getattr(outcome, "code", None)

    assert code(PROFILE.adapter(api_secret="another").encode([message])) == "4"
    assert code(adapter.encode([replace(message, content=Text(""))])) == "2"
    assert code(adapter.encode([replace(message, address="12")])) == "3"
    assert code(replace(adapter.encode([message]), method="GET")) == "http_404"
    fake.next_statuses = ["1"]
    (slow,) = adapter.decode([message], sent(fake, adapter.encode([message])))
    assert slow == Throttled(code="1")
    assert fake.taken == []
    assert fake.reports() == []


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"api_key": ""}, "api_key"),
        ({"api_secret": "env:NO_SUCH_VARIABLE"}, "api_secret"),
        ({"report_url": "http://example.com/reports"}, "report_url"),
        ({"signature_method": "crc32"}, "signature_method"),
        ({"ttl": 3}, "ttl"),
    ],
)
def test_a_mistake_in_the_file_is_named(options: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^providers\.carrier\.{key}: .*\.$"):
        PROFILE.adapter(**options)
