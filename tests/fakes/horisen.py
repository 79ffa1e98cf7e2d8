"""HORISEN's SMS HTTP API: credentials in the body, 202 and 420, reports for each part.

https://developers.horisen.com/en/sms-http-api
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from campaigns.template.segments import Encoding, parts
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
from worker.adapters.reply import at_path, parse_json

USERNAME = "sluice"
PASSWORD = SECRET
REPORT_URL = "https://sluice.example.com/reports/carrier"

_MESSAGES = {
    "101": "Internal application error",
    "103": "Invalid username or password",
    "105": "Throttling error",
    "107": "Invalid sender",
    "109": "Bad content format",
    "110": "Missing mandatory parameter",
    "111": "Unknown message type",
    "112": "Bad parameter value",
    "114": "No route",
}


def error(code: str) -> HttpResponse:
    """A refusal; its code is a text."""
    return answer(420, {"error": {"code": code, "message": _MESSAGES.get(code, "Rejected")}})


def taken(message_id: str, count: int = 1) -> HttpResponse:
    return answer(202, {"msgId": message_id, "numParts": count})


def report(event: str, number: int = 1, count: int = 1, **more: Any) -> HttpRequest:
    """The call with a report of one part."""
    content = {
        "type": "dlr",
        "msgId": "m-1",
        "event": event,
        "errorCode": 0,
        "errorMessage": "",
        "partNum": number,
        "numParts": count,
        "accountName": USERNAME,
        "sendTime": int(NOW.timestamp()) - 3,
        "dlrTime": int(NOW.timestamp()),
        "custom": {"reference": reference()},
        **more,
    }
    headers = {"content-type": "application/json"}
    return HttpRequest("POST", REPORT_URL, headers, json.dumps(content).encode())


NOW = FakeClock().now()


class Fake:
    """HORISEN. ``next_error`` is the code with which it refuses the next request."""

    def __init__(self, first_part: int = 1) -> None:
        #: What it calls the first part.
        self.first_part = first_part
        self.taken: list[tuple[str, str]] = []
        self.next_error: str | None = None
        self._unreported: list[tuple[str, int, dict[str, Any]]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or request.url != "/bulk_server":
            return answer(404, b"<html>")
        content = parse_json(request.body)
        code = _refusal(content) or self.next_error
        self.next_error = None
        if code is not None:
            return error(code)
        count = parts(content["text"]).segments
        self.taken.append((content["receiver"], content["text"]))
        message_id = f"5b{len(self.taken):08x}"
        self._unreported.append((message_id, count, content))
        return taken(message_id, count)

    def reports(self) -> Sequence[HttpRequest]:
        known, self._unreported = self._unreported, []
        return [
            replace(
                report(event, number, count, msgId=message_id, custom=content["custom"]),
                url=content["dlrUrl"],
            )
            for message_id, count, content in known
            for number in range(self.first_part, self.first_part + count)
            for bit, event in ((8, "SENT_TO_SMSC"), (1, "DELIVERED"))
            if content["dlrMask"] & bit and "dlrUrl" in content
        ]


def _refusal(content: Any) -> str | None:
    if not isinstance(content, dict):
        return "109"
    if any(content.get(name) in (None, "") for name in ("type", "sender", "receiver", "text")):
        return "110"
    auth = at_path(content, "auth.username"), at_path(content, "auth.password")
    if auth != (USERNAME, PASSWORD):
        return "103"
    if content["type"] != "text":
        return "111"
    if not re.fullmatch(r"[1-9][0-9]{6,14}", content["receiver"]):
        return "112"
    if not re.fullmatch(r"[0-9]{1,16}|[A-Za-z0-9 ._-]{1,11}", content["sender"]):
        return "107"
    if content.get("dcs") == "gsm" and parts(content["text"]).encoding is not Encoding.GSM_7:
        return "102"
    return None if content.get("dcs") in ("gsm", "ucs") else "112"


PROFILE = Profile(
    name="horisen",
    channel="sms",
    options={"username": USERNAME, "password": PASSWORD, "report_url": REPORT_URL},
    cases={
        "accepted": Case(taken("m-1"), [Accepted("m-1")]),
        "accepted: in three parts": Case(taken("m-1", 3), [Accepted("m-1:1", "m-1:2", "m-1:3")]),
        "accepted: with 200": Case(answer(200, {"msgId": "m-1"}), [Accepted("m-1")]),
        "accepted: unreadable": Case(answer(202, b"<html>"), [Accepted()]),
        "accepted: parts beyond reason": Case(taken("m-1", 256), [Accepted("m-1")]),
        "throttled": Case(error("105"), [Throttled(code="105")]),
        "throttled: before it": Case(answer(429, retry_after="3"), [Throttled(3.0, "http_429")]),
        "rejected: encoding": Case(error("102"), [Rejected("102")]),
        "rejected: sender": Case(error("107"), [Rejected("107")]),
        "rejected: no route": Case(error("114"), [Rejected("114")]),
        "rejected: for a reason to come": Case(error("199"), [Rejected("199")]),
        "blocked: credentials": Case(error("103"), [Blocked("103")]),
        "blocked: address not allowed": Case(error("104"), [Blocked("104")]),
        "blocked: credit": Case(error("113"), [Blocked("113")]),
        "blocked: wrong URL": Case(answer(404, b"<html>"), [Blocked("http_404")]),
        "failed": Case(error("101"), [Failed("101")]),
        "failed: unreadable": Case(answer(420, b"<html>"), [Failed("http_420")]),
        "unknown: a proxy's": Case(answer(503, b"<html>"), [Unknown("http_503")]),
        "unknown: some page": Case(answer(200, b"<html>"), [Unknown("http_200")]),
        "malformed": Case(answer(420, {"error": {"code": {"x": 1}}}), [Failed("http_420")]),
        "malformed: a number": Case(answer(420, {"error": {"code": 113}}), [Blocked("113")]),
        "malformed: id": Case(answer(202, {"msgId": [], "numParts": "2"}), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(
            report("DELIVERED"), [Report(reference(), "m-1", "delivered", NOW)]
        ),
        "failed": ReportCase(
            report("UNDELIVERED", errorCode=27), [Report(reference(), "m-1", "failed", NOW, "27")]
        ),
        "part": ReportCase(
            report("REJECTED", 2, 3),
            [Report(reference(), "m-1:2", "failed", NOW, "REJECTED", part=True)],
        ),
        "on the way": ReportCase(report("BUFFERED"), []),
        "of a kind to come": ReportCase(report("PONDERED"), []),
    },
    no_reports=(
        report("DELIVERED", custom={}),
        report("DELIVERED", custom=None),
        report("DELIVERED", msgId=None),
        report("DELIVERED", 3, 2),
        report("DELIVERED", -1, 2),
        report("DELIVERED", count=0),
        report("DELIVERED", count="some"),  # type: ignore[arg-type]
        report(None),  # type: ignore[arg-type]
    ),
    url="http://127.0.0.1:9000/bulk_server",
)
