"""MessageBird, as its REST API for SMS is documented: numbered errors, signed queries."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

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

ACCESS_KEY = f"{SECRET}-access-key"
SIGNING_KEY = f"{SECRET}-signing-key-of-the-account-0123456789"
REPORT_URL = "https://sluice.example.com/reports/messagebird"
IDENT = "e8077d803532c0b5937c639b60216938"
AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)


def signed(url: str, at: datetime | None = None, body: bytes = b"", **claims: Any) -> HttpRequest:
    """A call as MessageBird signs it: one minute from ``at`` on."""
    now = int((at or FakeClock().now()).timestamp())
    content = {
        "iss": "MessageBird",
        "nbf": now,
        "exp": now + 60,
        "jti": "c946af77-e182-4eaa-b2ff-1a545b5e991a",
        "url_hash": hashlib.sha256(url.encode()).hexdigest(),
        **claims,
    }
    if body:
        content["payload_hash"] = hashlib.sha256(body).hexdigest()
    token = jwt.encode(content, SIGNING_KEY, algorithm="HS256")
    return HttpRequest("GET", url, {"messagebird-signature-jwt": token}, body)


def status_url(status: str, url: str = REPORT_URL, **more: str) -> str:
    fields = {
        "id": IDENT,
        "reference": reference(),
        "recipient": "353861234567",
        "status": status,
        "statusDatetime": "2029-12-31T23:59:58+00:00",
        "statusReason": "successfully delivered",
        "statusErrorCode": "0",
        "messagePartCount": "1",
        **more,
    }
    return f"{url}?{urlencode(fields)}"


def created(ident: str = IDENT) -> dict[str, Any]:
    items = [{"recipient": 353861234567, "status": "sent", "messagePartCount": 1}]
    counts = {"totalCount": 1, "totalSentCount": 1, "totalDeliveredCount": 0}
    return {"id": ident, "direction": "mt", "recipients": {**counts, "items": items}}


def errors(code: int, description: str, parameter: str | None = None) -> dict[str, Any]:
    return {"errors": [{"code": code, "description": description, "parameter": parameter}]}


NOT_ALLOWED = errors(2, "Request not allowed (incorrect access_key)", "access_key")
NO_RECIPIENT = errors(9, "no (correct) recipients found", "recipients")
NO_BODY = errors(9, "body is required", "body")
NO_BALANCE = errors(25, "Not enough balance")
INTERNAL = errors(99, "Internal error")

PROFILE = Profile(
    name="messagebird",
    channel="sms",
    options={"access_key": ACCESS_KEY, "report_url": REPORT_URL, "signing_key": SIGNING_KEY},
    cases={
        "accepted": Case(answer(201, created()), [Accepted(IDENT)]),
        "accepted: unreadable": Case(answer(201, b"{"), [Accepted()]),
        "rejected: no such number": Case(answer(422, NO_RECIPIENT), [Rejected("9", gone=True)]),
        "rejected: content": Case(answer(422, NO_BODY), [Rejected("9")]),
        "rejected: bad request": Case(answer(400, errors(21, "Bad request")), [Rejected("21")]),
        "failed: internal": Case(answer(500, INTERNAL), [Failed("99")]),
        "blocked: key": Case(answer(401, NOT_ALLOWED), [Blocked("2")]),
        "blocked: balance": Case(answer(422, NO_BALANCE), [Blocked("25")]),
        "blocked: balance, by its status": Case(answer(402, NO_BALANCE), [Blocked("25")]),
        "throttled": Case(answer(429), [Throttled(None, "http_429")]),
        "throttled: with a wait": Case(
            answer(429, errors(21, "Too many requests"), retry_after="2"), [Throttled(2.0, "21")]
        ),
        "unknown": Case(answer(502, b"<html>"), [Unknown("http_502")]),
        "malformed": Case(answer(500, b'{"errors": [{"code": 99'), [Unknown("http_500")]),
    },
    reports={
        "delivered": ReportCase(
            signed(status_url("delivered")), [Report(reference(), IDENT, "delivered", AT)]
        ),
        "failed": ReportCase(
            signed(status_url("delivery_failed", statusErrorCode="104")),
            [Report(reference(), IDENT, "failed", AT, "104")],
        ),
        "expired": ReportCase(
            signed(status_url("expired")), [Report(reference(), IDENT, "failed", AT)]
        ),
        "intermediate": ReportCase(signed(status_url("buffered")), []),
    },
    no_reports=[
        signed(status_url("")),
        signed(status_url("delivered", id="")),
        signed(status_url("delivered", reference="")),
        signed(REPORT_URL),
        HttpRequest("GET", "http://[", {}, b""),
    ],
    forged=[
        signed(status_url("delivered"), FakeClock().now() - timedelta(seconds=91)),
        signed(status_url("delivered"), FakeClock().now() + timedelta(seconds=31)),
        signed(status_url("delivered"), iss="Somebody"),
        signed(status_url("delivered"), exp=None),
        signed(status_url("delivered"), exp="never"),
        signed(status_url("delivered"), url_hash=None),
        signed(status_url("delivered"), url_hash=7),
        signed(status_url("delivered", url="https://elsewhere.example.com/")),
    ],
    proof_expires=90,
)


class Fake:
    """The account of ``PROFILE``."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.throttle = 0
        #: How many messages the balance is good for; None: any number.
        self.balance: int | None = None
        self._unreported: list[tuple[str, str, str]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("authorization") != f"AccessKey {ACCESS_KEY}":
            return answer(401, NOT_ALLOWED)
        if (request.method, request.url) != ("POST", "/messages"):
            return answer(404, errors(98, "API not found"))
        if self.throttle:
            self.throttle -= 1
            return answer(429)
        content = json.loads(request.body)
        problem = _problem(content)
        if problem:
            return answer(422, problem)
        if self.balance is not None and len(self.taken) >= self.balance:
            return answer(402, NO_BALANCE)
        ident = f"e8077d803532c0b5937c{len(self.taken):012}"
        text = content["body"]
        if content.get("datacoding", "plain") == "plain":
            text = text.encode("ascii", "replace").decode()
        self.taken += [(recipient, text) for recipient in content["recipients"]]
        if "reportUrl" in content:
            self._unreported.append((content["reportUrl"], ident, content["reference"]))
        return answer(201, created(ident))

    def reports(self) -> Sequence[HttpRequest]:
        """First that each is buffered, then that it arrived."""
        due, self._unreported = self._unreported, []
        return [
            signed(status_url(status, url, id=ident, reference=whose))
            for url, ident, whose in due
            for status in ("buffered", "delivered")
        ]


def _problem(content: dict[str, Any]) -> dict[str, Any] | None:
    for name in ("originator", "body", "recipients"):
        if not content.get(name):
            return errors(9, f"{name} is required", name)
    if not all(re.fullmatch(r"[1-9][0-9]{6,14}", each) for each in content["recipients"]):
        return NO_RECIPIENT
    if not re.fullmatch(r"[0-9]{1,17}|.{1,11}", content["originator"]):
        return errors(10, "originator is invalid", "originator")
    if content.get("validity", 1) < 1:
        return errors(10, "validity is invalid", "validity")
    return None
