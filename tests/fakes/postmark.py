"""Postmark, as its e-mail API and its webhooks are documented."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer, reference
from tests.fakes.mail import ADDRESSES, MAIL, SENDER
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

TOKEN = f"{SECRET}-server-token"
AUTHORIZATION = f"Basic {SECRET}"
IDENT = "b7bc2f4a-e38e-4336-af7d-e6c392c2f817"
AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)
STAMP = "2029-12-31T23:59:58.0000000Z"


def called(content: Any, **headers: str) -> HttpRequest:
    """A call as Postmark makes it, with the credentials that stand in its webhook's URL."""
    fields = {"content-type": "application/json", "authorization": AUTHORIZATION, **headers}
    return HttpRequest("POST", "/reports/postmark", fields, json.dumps(content).encode())


def told(name: str, index: int = 0, ident: str = IDENT, **more: Any) -> dict[str, Any]:
    """An event."""
    return {
        "RecordType": name,
        "MessageID": ident,
        "Recipient": ADDRESSES[index],
        "Metadata": {"reference": reference(index)},
        "MessageStream": "broadcast",
        **more,
    }


def ok(index: int = 0, ident: str = IDENT) -> dict[str, Any]:
    return {
        "To": ADDRESSES[index],
        "SubmittedAt": STAMP,
        "MessageID": ident,
        "ErrorCode": 0,
        "Message": "OK",
    }


def error(code: int, message: str = "no") -> dict[str, Any]:
    return {"ErrorCode": code, "Message": message}


INACTIVE = error(406, f"Found inactive addresses: {ADDRESSES[0]}.")
OPENED = f"{IDENT}:2029-12-31T23:59:58+00:00"

PROFILE = Profile(
    name="postmark",
    channel="email",
    options={"server_token": TOKEN, "reports": True, "report_authorization": AUTHORIZATION},
    content=MAIL,
    sender=SENDER,
    addresses=ADDRESSES,
    cases={
        "accepted": Case(answer(200, [ok()]), [Accepted(IDENT)]),
        "partly accepted": Case(
            answer(200, [ok(), INACTIVE, ok(2, "x"), error(100), error(429)]),
            [
                Accepted(IDENT),
                Rejected("error_406"),
                Accepted("x"),
                Failed("error_100"),
                Throttled(None, "error_429"),
            ],
            messages=5,
        ),
        "rejected": Case(answer(200, [INACTIVE]), [Rejected("error_406")]),
        "rejected: invalid": Case(answer(422, error(300)), [Rejected("error_300")]),
        "rejected: too large": Case(answer(413), [Rejected("http_413")]),
        "failed": Case(answer(200, [error(100)]), [Failed("error_100")]),
        "failed: maintenance": Case(answer(503, error(100)), [Failed("error_100")]),
        "failed: refused together": Case(
            answer(422, error(402)), [Failed("error_402")] * 2, messages=2
        ),
        "blocked: token": Case(answer(401, error(10)), [Blocked("error_10")]),
        "rejected: sender": Case(answer(200, [error(400)]), [Rejected("error_400")]),
        "blocked: pending": Case(answer(422, error(412)), [Blocked("error_412")]),
        "throttled": Case(answer(429), [Throttled(None, "http_429")]),
        "throttled: with a wait": Case(
            answer(429, error(429), retry_after="3"), [Throttled(3.0, "error_429")]
        ),
        "unknown": Case(answer(500), [Unknown("http_500")]),
        "unknown: busy": Case(answer(503), [Unknown("http_503")]),
        "too few": Case(answer(200, [ok()]), [Accepted(IDENT), Unknown("no_code")], messages=2),
        "malformed": Case(answer(200, b'[{"ErrorCode": 0'), [Unknown("no_code")]),
    },
    reports={
        "delivered": ReportCase(
            called(told("Delivery", DeliveredAt=STAMP)),
            [Report(reference(), IDENT, "delivered", AT)],
        ),
        "failed": ReportCase(
            called(told("Bounce", Type="HardBounce", TypeCode=1, BouncedAt=STAMP)),
            [Report(reference(), IDENT, "bounced", AT, "HardBounce", gone=True)],
        ),
        "opened": ReportCase(
            called(told("Open", ReceivedAt=STAMP, FirstOpen=True)),
            [Report(reference(), IDENT, "opened", AT, event_id=OPENED)],
        ),
        "clicked": ReportCase(
            called(told("Click", ReceivedAt=STAMP)),
            [Report(reference(), IDENT, "clicked", AT, event_id=OPENED)],
        ),
        "delayed": ReportCase(called(told("Bounce", Type="Transient", BouncedAt=STAMP)), []),
        "out of office": ReportCase(
            called(told("Bounce", Type="AutoResponder", BouncedAt=STAMP)), []
        ),
        "complaint": ReportCase(called(told("SpamComplaint", Type="SpamComplaint")), []),
        "of others": ReportCase(called({**told("Delivery"), "Metadata": {}}), []),
    },
    no_reports=[called({"MessageID": IDENT}), called([3])],
    forged=[called(told("Delivery"), authorization="Basic x")],
    proof="header",
)


class Fake:
    """The server of ``PROFILE``."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.letters: list[dict[str, Any]] = []
        self.throttle = 0
        self._events: list[dict[str, Any]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if (request.method, request.url) != ("POST", "/email/batch"):
            return answer(404)
        if request.headers.get("x-postmark-server-token") != TOKEN:
            return answer(401, error(10, "Bad or missing server token"))
        if self.throttle:
            self.throttle -= 1
            return answer(429, error(429, "Rate limit exceeded"))
        content = json.loads(request.body)
        if not isinstance(content, list):
            return answer(422, error(402))
        if len(content) > 500:
            return answer(422, error(410, "Too many batch messages"))
        return answer(200, [self._take(message) for message in content])

    def _take(self, message: dict[str, Any]) -> dict[str, Any]:
        address = message.get("To", "")
        if not re.fullmatch(r"[^@\s]+@[a-z0-9.-]+", address) or not message.get("Subject"):
            return error(300, "Invalid email request")
        if not (message.get("TextBody") or message.get("HtmlBody")):
            return error(300, "Provide either email TextBody or HtmlBody or both.")
        if not message.get("From", "").rstrip(">").endswith("@shop.example"):
            return error(400, "Sender signature not found")
        if message.get("MessageStream") != "broadcast":
            return error(1235, "The stream does not exist")
        if address.startswith("inactive"):
            return error(406, f"Found inactive addresses: {address}.")
        self.letters.append(message)
        self.taken.append((address, message.get("TextBody") or message["HtmlBody"]))
        ident = f"b7bc2f4a-e38e-4336-af7d-{len(self.taken):012}"
        event = told("Delivery", ident=ident, DeliveredAt=STAMP)
        self._events.append({**event, "Recipient": address, "Metadata": message["Metadata"]})
        return {**ok(ident=ident), "To": address}

    def reports(self) -> Sequence[HttpRequest]:
        """A call for each event."""
        due, self._events = self._events, []
        return [called(event) for event in due]
