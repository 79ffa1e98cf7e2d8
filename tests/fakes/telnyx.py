"""Telnyx, as its Messaging API v2 is documented: codes that outrank the status, signed webhooks."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer, reference
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

API_KEY = f"{SECRET}-api-key"
PRIVATE_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC_KEY = b64encode(PRIVATE_KEY.public_key().public_bytes_raw()).decode()
REPORT_URL = "https://sluice.example.com/reports/telnyx"
CALLED = f"{REPORT_URL}?reference={reference()}"
IDENT = "40385f64-5717-4562-b3fc-2c963f66afa6"
AT = datetime(2029, 12, 31, 23, 59, 58, 500_000, tzinfo=UTC)


def signed(content: Any, url: str = CALLED, at: datetime | None = None) -> HttpRequest:
    """A call as Telnyx signs it."""
    body = json.dumps(content).encode()
    timestamp = str(int((at or FakeClock().now()).timestamp()))
    signature = PRIVATE_KEY.sign(timestamp.encode() + b"|" + body)
    headers = {
        "content-type": "application/json",
        "telnyx-timestamp": timestamp,
        "telnyx-signature-ed25519": b64encode(signature).decode(),
    }
    return HttpRequest("POST", url, headers, body)


def event(
    status: str, kind: str = "message.finalized", code: str | None = None, ident: str = IDENT
) -> dict[str, Any]:
    """A webhook about an outgoing message."""
    errors = [] if code is None else [{"code": code, "title": "What went wrong"}]
    payload = {
        "id": ident,
        "record_type": "message",
        "direction": "outbound",
        "type": "SMS",
        "from": {"phone_number": "+15550001111"},
        "to": [{"phone_number": "+353861234567", "status": status, "carrier": "C"}],
        "parts": 1,
        "completed_at": None if kind == "message.sent" else "2029-12-31T23:59:58.500+00:00",
        "errors": errors,
    }
    data = {
        "event_type": kind,
        "id": "b301ed3f-1490-491f-995f-6e64e69674d4",
        "occurred_at": "2029-12-31T23:59:59.000+00:00",
        "payload": payload,
        "record_type": "event",
    }
    return {"data": data, "meta": {"attempt": 1, "delivered_to": REPORT_URL}}


def taken(ident: str = IDENT) -> dict[str, Any]:
    to = [{"phone_number": "+353861234567", "status": "queued", "line_type": "Wireless"}]
    return {"data": {"id": ident, "record_type": "message", "to": to, "parts": 1, "errors": []}}


def errors(code: str, title: str = "What is wrong", pointer: str = "") -> dict[str, Any]:
    source = {"source": {"pointer": pointer}} if pointer else {}
    return {"errors": [{"code": code, "title": title, "detail": "In a sentence.", **source}]}


PROFILE = Profile(
    name="telnyx",
    channel="sms",
    options={
        "api_key": API_KEY,
        "messaging_profile_id": "74dd3cdb-1f6c-4f36-a6a4-7d3f8d4f3c11",
        "report_url": REPORT_URL,
        "public_key": PUBLIC_KEY,
    },
    cases={
        "accepted": Case(answer(200, taken()), [Accepted(IDENT)]),
        "accepted: unreadable": Case(answer(200, b"{"), [Accepted()]),
        "rejected: no number": Case(
            answer(422, errors("10002", pointer="/to")), [Rejected("10002", gone=True)]
        ),
        "rejected: the sender is no number": Case(
            answer(422, errors("10002", pointer="/from")), [Rejected("10002")]
        ),
        "rejected: some number is none": Case(answer(422, errors("10016")), [Rejected("10016")]),
        "rejected: landline": Case(answer(400, errors("40001")), [Rejected("40001", gone=True)]),
        "rejected: opted out": Case(answer(403, errors("40300")), [Rejected("40300")]),
        "rejected: content": Case(answer(400, errors("40009")), [Rejected("40009")]),
        "rejected: not well formed": Case(answer(400, errors("10015")), [Rejected("10015")]),
        "failed: carrier": Case(answer(400, errors("40006")), [Failed("40006")]),
        "blocked: key": Case(answer(401, errors("10009")), [Blocked("10009")]),
        "blocked: level": Case(answer(403, errors("10039")), [Blocked("10039")]),
        "blocked: no such profile": Case(answer(404, errors("10005")), [Blocked("10005")]),
        "blocked: wrong URL": Case(answer(404, b"<html>"), [Blocked("http_404")]),
        "blocked: permission": Case(answer(403, errors("10038")), [Blocked("10038")]),
        "blocked: spent for today": Case(answer(429, errors("40333")), [Blocked("40333")]),
        "throttled": Case(answer(429, errors("10011")), [Throttled(None, "10011")]),
        "throttled: queue": Case(
            answer(400, errors("40318"), retry_after="3"), [Throttled(3.0, "40318")]
        ),
        "throttled: without a word": Case(answer(429), [Throttled(None, "http_429")]),
        "unknown": Case(answer(500, errors("10007")), [Unknown("10007")]),
        "unknown: timed out there": Case(answer(408, errors("10008")), [Unknown("10008")]),
        "unknown: timed out on the way": Case(answer(499, b"<html>"), [Unknown("http_499")]),
        "malformed": Case(answer(503, b"<html>"), [Unknown("http_503")]),
    },
    reports={
        "delivered": ReportCase(
            signed(event("delivered")), [Report(reference(), IDENT, "delivered", AT)]
        ),
        "failed": ReportCase(
            signed(event("delivery_failed", code="40008")),
            [Report(reference(), IDENT, "failed", AT, "40008")],
        ),
        "failed for ever": ReportCase(
            signed(event("delivery_failed", code="40001")),
            [Report(reference(), IDENT, "failed", AT, "40001", gone=True)],
        ),
        "failed before it left": ReportCase(
            signed(event("sending_failed", code="40014")),
            [Report(reference(), IDENT, "failed", AT, "40014")],
        ),
        "intermediate": ReportCase(signed(event("sent", "message.sent")), []),
        "of another kind": ReportCase(signed(event("delivered", "message.link_click")), []),
        "open": ReportCase(signed(event("delivery_unconfirmed")), []),
        "incoming message": ReportCase(signed(event("webhook_delivered", "message.received")), []),
    },
    no_reports=[
        signed({"data": {}}),
        signed({"data": {"event_type": "message.finalized", "payload": {"id": IDENT, "to": []}}}),
        signed({"data": {"event_type": "message.finalized", "payload": None}}),
    ],
    forged=[
        signed(event("delivered"), at=FakeClock().now() - timedelta(seconds=301)),
        signed(event("delivered"), at=FakeClock().now() + timedelta(seconds=301)),
        HttpRequest("POST", CALLED, {"telnyx-timestamp": "1893456000"}, b"{}"),
    ],
    proof_expires=300,
)


class Fake:
    """The account of ``PROFILE``; one of its numbers is +15550001111."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.throttle = 0
        #: Numbers that said STOP.
        self.stopped: set[str] = set()
        self._unreported: list[tuple[str, str]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return answer(401, errors("10009", "Authentication failed"))
        if (request.method, request.url) != ("POST", "/v2/messages"):
            return answer(404, errors("10005", "Resource not found"))
        if self.throttle:
            self.throttle -= 1
            return answer(429, errors("10011", "Too many requests"))
        content = json.loads(request.body)
        status, code = self._judge(content)
        if code:
            pointer = "/to" if code == "10016" else ""
            return answer(status, errors(code, pointer=pointer))
        ident = f"40385f64-5717-4562-b3fc-{len(self.taken):012}"
        self.taken.append((content["to"].removeprefix("+"), content["text"]))
        if "webhook_url" in content:
            self._unreported.append((content["webhook_url"], ident))
        return answer(200, taken(ident))

    def _judge(self, content: dict[str, Any]) -> tuple[int, str]:
        sender, to = content.get("from", ""), content.get("to", "")
        if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
            return 422, "10016"
        if not content.get("text"):
            return 422, "10004"
        name = not re.fullmatch(r"\+[1-9][0-9]{6,14}|[0-9]{3,6}", sender)
        if name and (len(sender) > 11 or "messaging_profile_id" not in content):
            return 400, "40305"
        if to.removeprefix("+") in self.stopped:
            return 400, "40300"
        return 200, ""

    def reports(self) -> Sequence[HttpRequest]:
        """First that each was sent, then that it arrived."""
        due, self._unreported = self._unreported, []
        return [
            signed(event(status, kind, ident=ident), url)
            for url, ident in due
            for status, kind in (("sent", "message.sent"), ("delivered", "message.finalized"))
        ]
