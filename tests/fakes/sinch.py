"""Sinch, as its SMS REST API is documented: batches with parameters, one id each, signed calls."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from campaigns.clock import Clock
from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    HttpResponse,
    Rejected,
    Report,
    Throttled,
    Unknown,
)

PLAN = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
API_TOKEN = f"{SECRET}-api-token"
HMAC_SECRET = f"{SECRET}-hmac-secret"
REPORT_URL = "https://sluice.example.com/reports/sinch"
BATCH = "01FC66621XXXXX119Z8PMV1QPQ"
AT = datetime(2029, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)

ADDRESSES = tuple(str(353_861_000_000 + n) for n in range(1000))


def signed(content: Any, url: str = REPORT_URL, at: datetime | None = None) -> HttpRequest:
    """A call as Sinch signs it."""
    body = json.dumps(content).encode()
    nonce = "01FJA8B4A7BM43YGWSG9GBV067"
    timestamp = str(int((at or FakeClock().now()).timestamp()))
    text = body + f".{nonce}.{timestamp}".encode()
    signature = b64encode(hmac.digest(HMAC_SECRET.encode(), text, "sha256")).decode()
    name = "x-sinch-webhook-signature"
    headers = {
        "content-type": "application/json",
        name: signature,
        f"{name}-nonce": nonce,
        f"{name}-timestamp": timestamp,
        f"{name}-algorithm": "HmacSHA256",
    }
    return HttpRequest("POST", url, headers, body)


def told(recipient: str, status: str, code: int, batch: str = BATCH) -> dict[str, Any]:
    """The report on one recipient."""
    return {
        "type": "recipient_delivery_report_sms",
        "batch_id": batch,
        "recipient": recipient,
        "code": code,
        "status": status,
        "at": "2029-12-31T23:59:58.500Z",
        "operator_status_at": "2029-12-31T23:59:00Z",
    }


def batch(*to: str, **more: Any) -> dict[str, Any]:
    created = {"id": BATCH, "created_at": "2030-01-01T00:00:00.000Z", "canceled": False}
    return {"to": list(to), "from": "Sluice", "type": "mt_text", **created, **more}


def ident(index: int = 0) -> str:
    return f"{BATCH}:{ADDRESSES[index]}"


FORMAT = {"code": "syntax_invalid_parameter_format", "text": "Invalid MSISDN"}
QUOTING = {**FORMAT, "text": f"Invalid MSISDN: +{ADDRESSES[1]}."}
MISSING = {"code": "missing_callback_url", "text": "Callback requested without a URL"}

PROFILE = Profile(
    name="sinch",
    channel="sms",
    options={
        "service_plan_id": PLAN,
        "api_token": API_TOKEN,
        "report_url": REPORT_URL,
        "hmac_secret": HMAC_SECRET,
    },
    addresses=ADDRESSES,
    cases={
        "accepted": Case(answer(201, batch(ADDRESSES[0])), [Accepted(ident())]),
        "accepted: two, one of them with a plus": Case(
            answer(201, batch(f"+{ADDRESSES[1]}", ADDRESSES[0])),
            [Accepted(ident(0)), Accepted(ident(1))],
            messages=2,
        ),
        "accepted: without a list": Case(answer(201, {"id": BATCH}), [Accepted(ident())]),
        "partly accepted": Case(
            answer(201, batch(ADDRESSES[0], ADDRESSES[2])),
            [Accepted(ident(0)), Unknown("recipient_missing"), Accepted(ident(2))],
            messages=3,
        ),
        "partly refused": Case(
            answer(400, QUOTING),
            [Failed(FORMAT["code"]), Rejected(FORMAT["code"]), Failed(FORMAT["code"])],
            messages=3,
        ),
        "rejected": Case(answer(400, FORMAT), [Rejected(FORMAT["code"])]),
        "rejected: no callback": Case(answer(403, MISSING), [Rejected("missing_callback_url")]),
        "failed: refused together": Case(
            answer(400, FORMAT), [Failed(FORMAT["code"])] * 2, messages=2
        ),
        "failed: later": Case(
            answer(503, b"Service Unavailable", retry_after="5"), [Failed("http_503", 5.0)]
        ),
        "blocked: token": Case(answer(401), [Blocked("http_401")]),
        "blocked: plan": Case(answer(403, {"code": "forbidden"}), [Blocked("forbidden")]),
        "blocked: no such plan": Case(answer(404), [Blocked("http_404")]),
        "throttled": Case(answer(429), [Throttled(None, "http_429")]),
        "throttled: with a wait": Case(answer(429, retry_after="2"), [Throttled(2.0, "http_429")]),
        "unknown": Case(answer(500), [Unknown("http_500")]),
        "unknown: something on the way": Case(answer(503), [Unknown("http_503")]),
        "malformed": Case(answer(201, b'{"id": "01F'), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(
            signed(told(ADDRESSES[0], "Delivered", 0)), [Report(None, ident(), "delivered", AT)]
        ),
        "delivered, with a plus": ReportCase(
            signed(told(f"+{ADDRESSES[0]}", "DELIVERED", 0)),
            [Report(None, ident(), "delivered", AT)],
        ),
        "failed": ReportCase(
            signed(told(ADDRESSES[0], "Failed", 402)), [Report(None, ident(), "failed", AT, "402")]
        ),
        "expired": ReportCase(
            signed(told(ADDRESSES[0], "Expired", 406)), [Report(None, ident(), "failed", AT, "406")]
        ),
        "intermediate": ReportCase(signed(told(ADDRESSES[0], "Dispatched", 400)), []),
        "open": ReportCase(signed(told(ADDRESSES[0], "Unknown", 0)), []),
        "incoming message": ReportCase(signed({"type": "mo_text", "body": "STOP"}), []),
    },
    no_reports=[
        signed({"type": None}),
        signed({"type": "recipient_delivery_report_sms"}),
        signed({**told("1", "Delivered", 0), "batch_id": None}),
        signed({**told("1", "Delivered", 0), "status": None}),
    ],
    forged=[
        HttpRequest("POST", REPORT_URL, {"x-sinch-webhook-signature": "x"}, b"{}"),
        signed(told(ADDRESSES[0], "Delivered", 0), at=datetime(2029, 12, 30, tzinfo=UTC)),
        signed(told(ADDRESSES[0], "Delivered", 0), at=datetime(2030, 1, 3, tzinfo=UTC)),
    ],
    proof_expires=86_400,
)

_PARAMETER = re.compile(r"\$\{([A-Za-z0-9._-]{1,16})\}")


class Fake:
    """The service plan of ``PROFILE``."""

    def __init__(self, clock: Clock | None = None) -> None:
        self.taken: list[tuple[str, str]] = []
        self.throttle = 0
        self._clock = clock or FakeClock()
        self._batches = 0
        self._unreported: list[tuple[str, dict[str, Any]]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.url != f"/xms/v1/{PLAN}/batches":
            return answer(404)
        if request.headers.get("authorization") != f"Bearer {API_TOKEN}":
            return answer(401)
        if self.throttle:
            self.throttle -= 1
            return answer(429, {"code": "too_many_requests", "text": "Too many requests"})
        content = json.loads(request.body)
        problem = _problem(content, self._clock.now())
        if problem:
            return answer(403 if problem == MISSING else 400, problem)
        return self._create(content)

    def _create(self, content: dict[str, Any]) -> HttpResponse:
        self._batches += 1
        ident = f"01FC66621XXXXX119Z8PMV{self._batches:04}"
        for recipient in content["to"]:
            text = _rendered(content, recipient)
            # "The message will fail for that MSISDN but not for other recipients."
            if text is not None:
                self.taken.append((recipient, text))
            if content["delivery_report"] == "per_recipient_final":
                status, code = ("Delivered", 0) if text is not None else ("Failed", 405)
                report = told(recipient, status, code, ident)
                self._unreported.append((content["callback_url"], report))
        return answer(201, {**content, "id": ident, "canceled": False})

    def reports(self) -> Sequence[HttpRequest]:
        """A call for each recipient."""
        due, self._unreported = self._unreported, []
        return [signed(report, url, self._clock.now()) for url, report in due]


def _problem(content: dict[str, Any], now: datetime) -> dict[str, str] | None:
    broken = {"code": "syntax_constraint_violation", "text": "A constraint is violated"}
    for name in ("to", "body", "from"):
        if not content.get(name):
            return {**broken, "text": f"The field '{name}' is required"}
    if len(content["to"]) > 1000 or len(content["body"]) > 1600:
        return broken
    for recipient in content["to"]:
        if not re.fullmatch(r"\+?[1-9][0-9]{6,14}", recipient):
            return {**FORMAT, "text": f"Invalid MSISDN: {recipient}"}
    for values in content.get("parameters", {}).values():
        if any(len(value.encode("utf-16-le")) > 320 for value in values.values()):
            return broken
    expires = content.get("expire_at")
    if expires is not None and datetime.fromisoformat(expires) <= now:
        return broken
    if content["delivery_report"] != "none" and "callback_url" not in content:
        return MISSING
    return None


def _rendered(content: dict[str, Any], recipient: str) -> str | None:
    """The text for one recipient; what stands in a parameter's value is not looked at again."""
    parameters = content.get("parameters", {})
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        values = parameters.get(match.group(1), {})
        found = values.get(recipient, values.get("default"))
        missing |= found is None
        return found or ""

    text = _PARAMETER.sub(value, content["body"])
    return None if missing else text
