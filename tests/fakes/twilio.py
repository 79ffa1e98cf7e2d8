"""Twilio's Messages resource: one SMS per request, reports signed and without any echo.

https://www.twilio.com/docs/messaging/api/message-resource
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlencode

from campaigns.template.segments import segments
from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer, reference
from worker.adapters.auth import basic
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
from worker.adapters.reply import parse_form
from worker.adapters.twilio_signature import sign

ACCOUNT = "AC" + "0" * 32
TOKEN = SECRET
REPORT_URL = "https://sluice.example.com/reports/carrier?tenant=a%20b"
CALLED = "https://sluice.example.com/reports/carrier?tenant=a+b&reference=" + reference()

SID = "SM" + "1" * 32

#: Longest text of a message: https://www.twilio.com/docs/api/errors/21617
_LONGEST = 1600


def error(status: int, code: int, message: str = "Not this time", **headers: str) -> HttpResponse:
    more = f"https://www.twilio.com/docs/errors/{code}"
    return answer(
        status, {"code": code, "message": message, "more_info": more, "status": status}, **headers
    )


def message(sid: str, status: str = "queued", parts: int = 1) -> HttpResponse:
    return answer(
        201,
        {
            "account_sid": ACCOUNT,
            "sid": sid,
            "status": status,
            # A text, not a number.
            "num_segments": str(parts),
            "direction": "outbound-api",
            "error_code": None,
            "error_message": None,
        },
    )


def call(url: str, **fields: str) -> HttpRequest:
    """A status callback, signed."""
    form = {"AccountSid": ACCOUNT, "ApiVersion": "2010-04-01", "From": "+15005550006", **fields}
    headers = {
        "content-type": "application/x-www-form-urlencoded; charset=UTF-8",
        "x-twilio-signature": sign(TOKEN, url, form.items()),
    }
    return HttpRequest("POST", url, headers, urlencode(form).encode())


class Fake:
    """Twilio. ``next_error`` is what it says to the next request instead of taking it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.next_error: HttpResponse | None = None
        self._unreported: list[tuple[str, str, str]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("authorization") != basic(ACCOUNT, TOKEN):
            return error(401, 20003, "Authenticate")
        if request.url != f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json":
            return error(404, 20404, "The requested resource was not found")
        if request.method != "POST":
            return error(405, 20004, "Method not allowed")
        if self.next_error is not None:
            said, self.next_error = self.next_error, None
            return said
        return self._create(dict(parse_form(request.body)))

    def _create(self, form: dict[str, str]) -> HttpResponse:
        to, text = form.get("To", ""), form.get("Body", "")
        problem = _problem(form, to, text)
        if problem is not None:
            return problem
        sid = f"SM{len(self.taken) + 1:032x}"
        self.taken.append((to, text))
        if "StatusCallback" in form:
            self._unreported.append((sid, to, form["StatusCallback"]))
        status = "accepted" if "MessagingServiceSid" in form else "queued"
        return message(sid, status, segments(text))

    def reports(self) -> Sequence[HttpRequest]:
        taken, self._unreported = self._unreported, []
        return [
            call(url, MessageSid=sid, MessageStatus=status, To=to)
            for sid, to, url in taken
            # The order is not guaranteed: the last step may be told first.
            for status in ("delivered", "sent")
        ]


def _problem(form: dict[str, str], to: str, text: str) -> HttpResponse | None:
    if not to:
        return error(400, 21604, "A 'To' phone number is required.")
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", to):
        return error(400, 21211, f"Invalid 'To' Phone Number: {to}")
    if not (form.get("From") or form.get("MessagingServiceSid")):
        return error(400, 21603, "A 'From' phone number is required.")
    if re.fullmatch(r"[0-9]{7,}", form.get("From", "")):
        return error(400, 21212, "Invalid From Number")
    if not text:
        return error(400, 21602, "Message body is required.")
    if len(text) > _LONGEST:
        return error(400, 21617, "The concatenated message body exceeds the 1600 character limit")
    validity = form.get("ValidityPeriod", "1")
    if not (validity.isdecimal() and 1 <= int(validity) <= 36_000):
        return error(400, 21624, "Invalid validity period value")
    if not form.get("StatusCallback", "https://").startswith(("https://", "http://127.0.0.1")):
        return error(400, 21609, "Invalid 'StatusCallback' URL")
    return None


DELIVERED = call(CALLED, MessageSid=SID, MessageStatus="delivered", To="+353861234567")
FAILED = call(
    CALLED, MessageSid=SID, MessageStatus="undelivered", ErrorCode="30005", To="+353861234567"
)

PROFILE = Profile(
    name="twilio",
    channel="sms",
    options={"account_sid": ACCOUNT, "auth_token": TOKEN, "report_url": REPORT_URL},
    cases={
        "accepted": Case(message(SID), [Accepted(SID)]),
        "accepted: by a service": Case(message(SID, "accepted"), [Accepted(SID)]),
        "accepted: unreadable": Case(answer(201, b"<html>"), [Accepted()]),
        "throttled": Case(error(429, 20429), [Throttled(code="20429")]),
        "throttled: for a while": Case(
            error(429, 20429, retry_after="2"), [Throttled(2.0, "20429")]
        ),
        "throttled: without its words": Case(answer(429), [Throttled(code="http_429")]),
        "throttled: queue of the sender": Case(error(400, 21611), [Throttled(code="21611")]),
        "rejected: no number": Case(error(400, 21211), [Rejected("21211", gone=True)]),
        "rejected: not mobile": Case(error(400, 21614), [Rejected("21614")]),
        "rejected: landline": Case(error(400, 21635), [Rejected("21635")]),
        "rejected: opted out": Case(error(400, 21610), [Rejected("21610")]),
        "rejected: country not permitted": Case(error(400, 21408), [Rejected("21408")]),
        "rejected: sender": Case(error(400, 21606), [Rejected("21606")]),
        "rejected: without its words": Case(answer(400, b"<html>"), [Rejected("http_400")]),
        "blocked: credentials": Case(error(401, 20003), [Blocked("20003")]),
        "blocked: suspended": Case(error(403, 20403), [Blocked("20403")]),
        "blocked: not active": Case(error(400, 20005), [Blocked("20005")]),
        "blocked: no such account": Case(error(404, 20404), [Blocked("20404")]),
        "failed": Case(error(503, 20503), [Failed("20503")]),
        "unknown: its own fault": Case(error(500, 20500), [Unknown("20500")]),
        "unknown: a proxy's": Case(answer(503, b"<html>"), [Unknown("http_503")]),
        "unknown: 200": Case(answer(200, {"sid": SID}), [Unknown("http_200")]),
        "malformed": Case(answer(400, {"code": [20003]}), [Rejected("http_400")]),
        "malformed: id": Case(answer(201, {"sid": {"x": 1}}), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(DELIVERED, [Report(reference(), SID, "delivered")]),
        "failed": ReportCase(FAILED, [Report(reference(), SID, "failed", code="30005")]),
        "on the way": ReportCase(call(CALLED, MessageSid=SID, MessageStatus="sent"), []),
        "of a kind to come": ReportCase(call(CALLED, MessageSid=SID, MessageStatus="new"), []),
    },
    no_reports=(
        call(CALLED, MessageStatus="delivered"),
        call(CALLED, MessageSid=SID),
        call(REPORT_URL, MessageSid=SID, MessageStatus="delivered"),
    ),
    forged=(
        replace(DELIVERED, url=CALLED.replace("17-0", "17-1")),
        replace(DELIVERED, headers={"x-twilio-signature": "c2lnbmVk"}),
        replace(DELIVERED, headers={"x-twilio-signature": "\u00e9"}),
    ),
)
