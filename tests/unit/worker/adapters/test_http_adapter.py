"""The keys of the adapter ``http`` do what the providers file says, and mistakes are named."""

from __future__ import annotations

import json
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from campaigns.template.content import Text
from tests.support.adapters import ADDRESS, MESSAGE, URL, report_call, response
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Adapter,
    Blocked,
    Failed,
    Message,
    Outcome,
    Rejected,
    Unknown,
)
from worker.adapters.registry import build


def configured(**table: Any) -> ProviderConfig:
    defaults = {"name": "acme", "adapter": "http", "channel": "sms", "url": URL}
    return ProviderConfig(**{**defaults, **table})


def adapter(**table: Any) -> Adapter:
    return build(configured(**table), FakeClock())


def body(message: Message = MESSAGE, **table: Any) -> Any:
    return json.loads(adapter(**table).encode([message]).body)


def headers(**table: Any) -> Any:
    return adapter(**table).encode([MESSAGE]).headers


def outcome(status: int, content: Any = b"", **table: Any) -> Outcome:
    (found,) = adapter(**table).decode([MESSAGE], response(status, content))
    return found


def refusal(**table: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        adapter(**table)
    return str(caught.value)


def expiring(seconds: float) -> Message:
    expires_at = FakeClock().now() + timedelta(seconds=seconds)
    return Message("1-1", ADDRESS, "Sluice", Text("Hello"), expires_at)


def test_the_default_body() -> None:
    assert body() == {
        "to": ADDRESS,
        "from": "Sluice",
        "text": MESSAGE.text,
        "reference": "17-42",
    }


def test_number_format_plus() -> None:
    assert body(number_format="plus")["to"] == f"+{ADDRESS}"


def test_a_body_of_ones_own() -> None:
    template = {
        "recipients": [{"msisdn": "{address}"}, "{{literal}}"],
        "flash": False,
        "priority": 3,
        "factor": 0.5,
        "content": {"text": "Sluice says: {text}!"},
    }
    assert body(body=template) == {
        "recipients": [{"msisdn": ADDRESS}, "{literal}"],
        "flash": False,
        "priority": 3,
        "factor": 0.5,
        "content": {"text": f"Sluice says: {MESSAGE.text}!"},
    }


def test_a_placeholder_in_a_text_is_not_filled_in_again() -> None:
    """Recipients' fields end up in the text and may hold anything."""
    message = Message("1-1", ADDRESS, "Sluice", Text('{address} {{}} %s \\" {0}'))
    assert body(message)["text"] == message.text


VALIDITY = {
    "to": "{address}",
    "ttl": "{validity}",
    "note": "valid {validity} s",
    "until": "{expires_at}",
    "list": ["{expires_at}", "x"],
}


def test_validity_is_what_is_left_of_it_in_whole_seconds() -> None:
    assert body(expiring(90.9), body=VALIDITY) == {
        "to": ADDRESS,
        "ttl": 90,
        "note": "valid 90 s",
        "until": "2030-01-01T00:01:30+00:00",
        "list": ["2030-01-01T00:01:30+00:00", "x"],
    }


@pytest.mark.parametrize("seconds", [0.5, 0, -20])
def test_validity_is_never_zero(seconds: float) -> None:
    """Zero means "no limit" to many providers."""
    assert body(expiring(seconds), body=VALIDITY)["ttl"] == 1


def test_what_does_not_expire_has_no_validity() -> None:
    assert body(body=VALIDITY) == {"to": ADDRESS, "list": ["x"]}


def test_bearer_auth(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ACME_TOKEN", "from-env")
    (tmp_path / "token").write_text("from-file\n")
    for reference, token in [
        ("env:ACME_TOKEN", "from-env"),
        (f"file:{tmp_path}/token", "from-file"),
        ("literal", "literal"),
    ]:
        auth = {"type": "bearer", "token": reference}
        assert headers(auth=auth)["authorization"] == f"Bearer {token}"


def test_basic_auth() -> None:
    auth = {"type": "basic", "username": "sluice", "password": "p:wörd"}
    scheme, _, credentials = headers(auth=auth)["authorization"].partition(" ")
    assert scheme == "Basic"
    assert b64decode(credentials).decode() == "sluice:p:wörd"


def test_headers_may_hold_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "k-1")
    found = headers(headers={"X-Key": "env:ACME_KEY", "Content-Type": "application/vnd.acme+json"})
    assert found["x-key"] == "k-1"
    assert found["content-type"] == "application/vnd.acme+json"


def test_the_idempotency_header_carries_the_reference() -> None:
    table = {"idempotency_header": "X-Request-Id"}
    assert headers(**table)["x-request-id"] == MESSAGE.reference
    assert adapter(**table).capabilities.idempotent
    assert not adapter().capabilities.idempotent


@pytest.mark.parametrize(
    ("path", "content", "found"),
    [
        ("id", {"id": 12}, "12"),
        ("data.0.message-id", {"data": [{"message-id": "a"}]}, "a"),
        ("data.1.id", {"data": [{"id": "a"}]}, None),
        ("data.id", {"data": [{"id": "a"}]}, None),
        ("0", [7], "7"),
        ("id", {"id": None}, None),
        ("id", {"id": ""}, None),
        ("id", {"id": True}, None),
    ],
)
def test_the_message_id_is_found_at_its_path(path: str, content: Any, found: str | None) -> None:
    assert outcome(200, content, message_id_path=path) == Accepted(found)


def test_statuses_of_ones_own_replace_the_default() -> None:
    assert outcome(201, success_status=[200]) == Unknown("http_201")
    assert outcome(404, rejected_status=[400]) == Unknown("http_404")
    assert outcome(500, failed_status=[500]) == Failed("http_500")
    assert outcome(503, failed_status=[500]) == Unknown("http_503")
    assert outcome(404, success_status=[200, 404]) == Accepted(None)
    assert outcome(409, failed_status=[409]) == Failed("http_409")
    assert outcome(429, rejected_status=[429]) == Rejected("http_429")


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((200, 201, 202, 204, 299), Accepted(None)),
        ((400, 403, 404, 410, 422, 451), Rejected),
        ((307, 308, 408, 425, 503), Failed),
        ((401, 402), Blocked),
        ((100, 301, 302, 303, 304, 500, 501, 502, 504, 505, 599, 600), Unknown),
    ],
)
def test_the_default_statuses(statuses: tuple[int, ...], expected: Any) -> None:
    for status in statuses:
        wanted = expected if isinstance(expected, Accepted) else expected(f"http_{status}")
        assert outcome(status) == wanted


def test_one_report_may_stand_alone() -> None:
    acme = adapter(report_status_path="s", report_id_path="i")
    (report,) = acme.parse_report(report_call({"s": "failed", "i": "m-1"}))
    assert (report.message_id, report.kind) == ("m-1", "failed")
    assert not acme.capabilities.echoes_reference


def test_without_report_keys_no_report_is_understood() -> None:
    assert not adapter().capabilities.reports
    with pytest.raises(ValueError, match="report_status_path"):
        adapter().parse_report(report_call({"status": "delivered", "id": "m-1"}))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"retries": 3}, "providers.acme.retries: is not a key of the adapter 'http'."),
        ({"headers": {"a b": "x"}}, "providers.acme.headers.a b: is not a header name."),
        ({"headers": {"Host": "x"}}, "a header that the transport sets itself"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "providers.acme.headers.X-A: must be visible ASCII"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "providers.acme.headers: hold 'x-a' twice"),
        (
            {"headers": {"Authorization": "1"}, "auth": {"type": "bearer", "token": "2"}},
            "providers.acme.headers: hold 'authorization', which auth sets.",
        ),
        (
            {"headers": {"X-Key": "1"}, "idempotency_header": "x-key"},
            "which idempotency_header sets",
        ),
        ({"auth": {"type": "digest"}}, "providers.acme.auth"),
        ({"auth": {"type": "bearer", "token": ""}}, "providers.acme.auth.token: must not be empty"),
        ({"auth": {"type": "bearer", "token": "\u00e9"}}, "must be visible ASCII"),
        ({"auth": {"type": "basic", "username": "a"}}, "providers.acme.auth.password: is required"),
        ({"auth": {"type": "basic", "username": "a:b", "password": "x"}}, "username"),
        ({"auth": {"type": "bearer", "token": "env:ACME_UNSET"}}, "env:ACME_UNSET"),
        ({"auth": {"type": "bearer", "token": "file:/nowhere/token"}}, "file:/nowhere/token"),
        ({"body": {"to": "{addres}"}}, "providers.acme.body: {addres} is not a placeholder"),
        ({"body": {"to": "{address!r}"}}, "is not a placeholder"),
        ({"body": {"to": "{address:>9}"}}, "is not a placeholder"),
        ({"body": {"to": "{address}", "a": ["{"]}}, "braces do not match"),
        ({"body": {"text": "{text}"}}, "providers.acme.body: must hold {address}."),
        ({"body": {"to": "{address}", "at": datetime(2030, 1, 1, tzinfo=UTC)}}, "datetime"),
        ({"number_format": "e164"}, "providers.acme.number_format"),
        ({"number_format": "plus", "channel": "email"}, "has no phone numbers"),
        ({"success_status": [99]}, "providers.acme.success_status.0"),
        ({"success_status": ["200"]}, "providers.acme.success_status.0"),
        ({"failed_status": [500], "rejected_status": [500]}, "both hold 500"),
        ({"message_id_path": "a..b"}, "providers.acme.message_id_path"),
        ({"report_status_path": "s"}, "report_reference_path or report_id_path"),
        ({"report_delivered": ["x"], "report_undelivered": ["x"]}, "both hold 'x'"),
        ({"url": ""}, "providers.acme.url: must be an absolute URL"),
        ({"url": "ftp://a/"}, "must be an absolute URL"),
        ({"url": "http://a:99999/"}, "must be an absolute URL"),
        ({"url": "http://a b/"}, "must be an absolute URL"),
        ({"url": "https://a/#x"}, "must not hold a fragment"),
    ],
)
def test_a_mistake_is_named(table: dict[str, Any], sentence: str) -> None:
    assert sentence in refusal(**table)


def test_a_mistake_is_named_without_the_secret() -> None:
    assert "hunter2" not in refusal(url="https://sluice:hunter2@a/")
    assert "hunter2" not in refusal(auth={"type": "bearer", "token": "hunter2\n"})
    assert "hunter2" not in refusal(auth={"type": "basic", "username": "x", "pass": "hunter2"})
    assert "hunter2" not in refusal(headers={"X-Key": "hunter2\x7f"})
