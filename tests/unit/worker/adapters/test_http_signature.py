"""What proves a report to the adapter ``http``, as docs/configuration.md says."""

from __future__ import annotations

import hmac
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from tests.fakes.base import SECRET
from tests.support.clock import FakeClock
from tests.support.http_reports import DELIVERED, NOW, adapter, call, signature
from worker.adapters.base import ForgedReport


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("encoding", ["hex", "base64"])
def test_a_signature_of_the_body(algorithm: str, encoding: str) -> None:
    table = signature(algorithm=f"hmac-{algorithm}", encoding=encoding, prefix="v1=")
    acme = adapter(**table)
    assert acme.capabilities.report_proof == f"HMAC-{algorithm.upper()}"
    body = b'{"s":"delivered","i":"\xff"}'
    digest = hmac.digest(SECRET.encode(), body, algorithm)
    text = digest.hex() if encoding == "hex" else b64encode(digest).decode()
    acme.verify_report(call(body, x_signature=f"v1={text}"))
    for forged in (
        call(body + b" ", x_signature=f"v1={text}"),
        call(body, x_signature=text),
        call(body, x_signature=f"v1={text}0"),
        call(body, x_signature="v1=\u00e9\ud800"),
        call(body, x_signature=""),
        call(body),
    ):
        with pytest.raises(ForgedReport):
            acme.verify_report(forged)


def test_a_vector_of_standard_webhooks() -> None:
    """https://github.com/standard-webhooks/standard-webhooks: webhook-id, timestamp and body."""
    clock = FakeClock(datetime(2021, 2, 25, 15, 5, 30, tzinfo=UTC))
    table = {
        "report_signature": {
            "secret": "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "secret_encoding": "base64",
            "header": "webhook-signature",
            "prefix": "v1,",
            "encoding": "base64",
            "signed": "{header.webhook-id}.{timestamp}.{body}",
            "timestamp_header": "webhook-timestamp",
        }
    }
    request = call(
        b'{"test": 2432232314}',
        webhook_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        webhook_timestamp="1614265330",
        webhook_signature="v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    )
    acme = adapter(clock, **table)
    acme.verify_report(request)
    clock.advance(301)
    with pytest.raises(ForgedReport):
        acme.verify_report(request)


@pytest.mark.parametrize(("age", "is_good"), [(0, True), (60, True), (61, False), (-61, False)])
def test_a_call_is_good_for_as_long_as_the_file_says(age: int, is_good: bool) -> None:
    table = signature(signed="{timestamp}{body}", timestamp_header="X-Time", tolerance=60)
    time = str(int((NOW - timedelta(seconds=age)).timestamp()))
    digest = hmac.digest(SECRET.encode(), f"{time}{{}}".encode(), "sha256").hex()
    request = call(b"{}", x_time=time, x_signature=digest.upper())
    if is_good:
        adapter(**table).verify_report(request)
    else:
        with pytest.raises(ForgedReport):
            adapter(**table).verify_report(request)


def test_nested_values_are_not_signed_by_fields() -> None:
    table = signature(signed="{fields}")
    good = hmac.digest(SECRET.encode(), b"a1", "sha256").hex()
    adapter(**table).verify_report(call({"a": 1}, x_signature=good))
    for content in ({"a": 1, "": {}}, [], None, {"a": 2}):
        with pytest.raises(ForgedReport):
            adapter(**table).verify_report(call(content, x_signature=good))


def test_a_shared_token() -> None:
    acme = adapter(**signature(algorithm="token", header="Authorization", prefix="Bearer "))
    assert acme.capabilities.report_proof == "authorization"
    acme.verify_report(call(DELIVERED, authorization=f"Bearer {SECRET}"))
    for wrong in ("Bearer x", SECRET, f"Bearer {SECRET.upper()}", ""):
        with pytest.raises(ForgedReport):
            acme.verify_report(call(DELIVERED, authorization=wrong))


def test_without_the_key_nothing_is_proven() -> None:
    assert adapter().capabilities.report_proof is None
    adapter().verify_report(call(DELIVERED))
