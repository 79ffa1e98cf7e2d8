"""Vonage's SMS API: always 200, an element and an id for each segment, receipts for each of them.

https://developer.vonage.com/en/api/sms
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

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
from worker.adapters.reply import parse_form
from worker.adapters.vonage import TOLERANCE
from worker.adapters.vonage_signature import sign

API_KEY = "abcd1234"
API_SECRET = SECRET
SIGNATURE_SECRET = "signing-" + SECRET
REPORT_URL = "https://sluice.example.com/reports/carrier"

MESSAGE_ID = "0A0000000123ABCD1"

_TEXTS = {
    "1": "Throughput Rate Exceeded - please wait [ 250 ] and retry",
    "2": "Missing to param",
    "4": "Bad Credentials",
    "5": "Internal Error",
    "6": "Unroutable message - rejected",
    "9": "Quota Exceeded - rejected",
    "15": "Illegal Sender Address - rejected",
}


def taken(message_id: str, to: str = "353861234567", ref: str = reference()) -> dict[str, str]:
    """The element of a segment that was queued."""
    return {
        "to": to,
        "message-id": message_id,
        "status": "0",
        "remaining-balance": "3.14159265",
        "message-price": "0.03330000",
        "network": "27201",
        "client-ref": ref,
    }


def refused(status: str) -> dict[str, str]:
    """The element of one that was not."""
    return {"status": status, "error-text": _TEXTS.get(status, "Rejected")}


def said(*elements: dict[str, str]) -> HttpResponse:
    """An answer: 200, with all counts and statuses as texts."""
    return answer(200, {"message-count": str(len(elements)), "messages": list(elements)})


def receipt(now: datetime, **more: str) -> dict[str, str]:
    """The fields of a receipt, signed at ``now``."""
    fields = {
        "msisdn": "353861234567",
        "to": "Sluice",
        "network-code": "27201",
        "messageId": MESSAGE_ID,
        "price": "0.03330000",
        "status": "delivered",
        "scts": f"{now:%y%m%d%H%M}",
        "err-code": "0",
        "api-key": API_KEY,
        "client-ref": reference(),
        "message-timestamp": f"{now:%Y-%m-%d %H:%M:%S}",
        "timestamp": str(int(now.timestamp())),
        "nonce": "ec11dd3e-1e7f-4db5-9467-82b02cd223b9",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    # Vonage writes it in upper case.
    return {**fields, "sig": sign(SIGNATURE_SECRET, "sha256", fields).upper()}


def as_json(fields: dict[str, Any]) -> HttpRequest:
    """The call with a receipt of an account that is set to POST-JSON."""
    headers = {"content-type": "application/json"}
    return HttpRequest("POST", REPORT_URL, headers, json.dumps(fields).encode())


def as_form(fields: dict[str, str]) -> HttpRequest:
    """The same, set to POST."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    return HttpRequest("POST", REPORT_URL, headers, urlencode(fields).encode())


def as_query(fields: dict[str, str]) -> HttpRequest:
    """The same, set to GET."""
    return HttpRequest("GET", f"{REPORT_URL}?{urlencode(fields)}", {}, b"")


class Fake:
    """Vonage. ``next_statuses`` are those of the segments of the next request, if not all "0"."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.next_statuses: list[str] = []
        self._segments = 0
        self._unreported: list[tuple[str, str, str, str]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or urlsplit(request.url).path != "/sms/json":
            return answer(404, b"<html>")
        form = dict(parse_form(request.body))
        status = _status(form)
        if status is not None:
            return said(refused(status))
        count = parts(form["text"]).segments
        statuses, self.next_statuses = self.next_statuses or ["0"] * count, []
        elements = [self._segment(form) if each == "0" else refused(each) for each in statuses]
        if "0" in statuses:
            self.taken.append((form["to"], form["text"]))
        return said(*elements)

    def _segment(self, form: dict[str, str]) -> dict[str, str]:
        self._segments += 1
        message_id = f"0A0000000{self._segments:08X}"
        ref = form.get("client-ref", "")
        if "callback" in form:
            self._unreported.append((message_id, form["to"], ref, form["callback"]))
        return taken(message_id, form["to"], ref)

    def reports(self) -> Sequence[HttpRequest]:
        now = FakeClock().now()
        known, self._unreported = self._unreported, []
        return [
            replace(
                as_json(receipt(now, messageId=each, msisdn=to, client_ref=ref, status=status)),
                url=url,
            )
            for each, to, ref, url in known
            for status in ("accepted", "delivered")
        ]


def _status(form: dict[str, str]) -> str | None:
    """Why a request is refused as a whole."""
    if any(not form.get(name) for name in ("api_key", "from", "to", "text")):
        return "2"
    if (form["api_key"], form.get("api_secret")) != (API_KEY, API_SECRET):
        return "4"
    ttl = form.get("ttl", "20000")
    if not re.fullmatch(r"[0-9]{7,15}", form["to"]):
        return "3"
    if not (ttl.isdecimal() and 20_000 <= int(ttl) <= 604_800_000):
        return "3"
    if form["from"].startswith("+"):
        return "15"
    unicode = parts(form["text"]).encoding is not Encoding.GSM_7
    # The real one would send question marks.
    return "3" if unicode and form.get("type") != "unicode" else None


NOW = FakeClock().now()
DELIVERED = receipt(NOW)
FAILED = receipt(NOW, status="failed", err_code="3")

PROFILE = Profile(
    name="vonage",
    channel="sms",
    options={
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "report_url": REPORT_URL,
        "signature_secret": SIGNATURE_SECRET,
    },
    cases={
        "accepted": Case(said(taken("a")), [Accepted("a")]),
        "accepted: in three segments": Case(
            said(taken("a"), taken("b"), taken("c")), [Accepted("a", "b", "c")]
        ),
        "accepted: without its last segment": Case(
            said(taken("a"), taken("b"), refused("1")), [Accepted("a", "b")]
        ),
        "accepted: without its first segment": Case(
            said(refused("5"), taken("b")), [Accepted("b")]
        ),
        "throttled": Case(said(refused("1")), [Throttled(code="1")]),
        "throttled: connections": Case(said(refused("10")), [Throttled(code="10")]),
        "throttled: before it": Case(answer(429, retry_after="3"), [Throttled(3.0, "http_429")]),
        "rejected: unroutable": Case(said(refused("6")), [Rejected("6")]),
        "rejected: barred": Case(said(refused("7")), [Rejected("7")]),
        "rejected: de-activated": Case(said(refused("33")), [Rejected("33", gone=True)]),
        "rejected: demo account": Case(said(refused("29")), [Rejected("29")]),
        "rejected: parameter missing": Case(said(refused("2")), [Rejected("2")]),
        "rejected: sender": Case(said(refused("15")), [Rejected("15")]),
        "rejected: for a reason to come": Case(said(refused("99")), [Rejected("99")]),
        "blocked: credentials": Case(said(refused("4")), [Blocked("4")]),
        "blocked: suspended": Case(said(refused("8")), [Blocked("8")]),
        "blocked: credit": Case(said(refused("9")), [Blocked("9")]),
        "blocked: not for HTTP": Case(said(refused("11")), [Blocked("11")]),
        "blocked: signature": Case(said(refused("14")), [Blocked("14")]),
        "blocked: wrong URL": Case(answer(404, b"<html>"), [Blocked("http_404")]),
        "failed": Case(said(refused("5")), [Failed("5")]),
        "failed: every segment": Case(said(refused("5"), refused("5")), [Failed("5")]),
        "unknown: a proxy's": Case(answer(503, b"<html>"), [Unknown("http_503")]),
        "malformed": Case(answer(200, b"<html>"), [Unknown("http_200")]),
        "malformed: no segments": Case(answer(200, {"messages": []}), [Unknown("http_200")]),
        "malformed: no status": Case(answer(200, {"messages": [{}, 3]}), [Unknown("status")]),
        "malformed: one status of two": Case(
            answer(200, {"messages": [{"status": "6"}, {}]}), [Unknown("status")]
        ),
        "malformed: a sentence": Case(
            answer(200, {"messages": [{"status": "not to 353861234567"}]}), [Unknown("status")]
        ),
        "malformed: id": Case(
            answer(200, {"messages": [{"status": "0", "message-id": []}]}), [Accepted()]
        ),
    },
    reports={
        "delivered": ReportCase(
            as_json(DELIVERED), [Report(reference(), MESSAGE_ID, "delivered", NOW, part=True)]
        ),
        "failed": ReportCase(
            as_json(FAILED), [Report(reference(), MESSAGE_ID, "failed", NOW, "3", part=True)]
        ),
        "part": ReportCase(
            as_form(receipt(NOW, messageId="0B2", status="expired")),
            [Report(reference(), "0B2", "failed", NOW, "expired", part=True)],
        ),
        "on the way": ReportCase(as_json(receipt(NOW, status="buffered")), []),
        "of a kind to come": ReportCase(as_json(receipt(NOW, status="pondered")), []),
    },
    no_reports=(
        as_json({name: value for name, value in DELIVERED.items() if name != "status"}),
        as_json({name: value for name, value in DELIVERED.items() if name != "client-ref"}),
        as_json({**DELIVERED, "messageId": {}}),
        as_query({"status": "delivered"}),
        HttpRequest("GET", "http://[::1", {}, b""),
    ),
    forged=(
        as_json({**DELIVERED, "status": "failed"}),
        as_json({**DELIVERED, "client-ref": reference(1)}),
        as_json({name: value for name, value in DELIVERED.items() if name != "sig"}),
        as_json({**DELIVERED, "sig": "\u00e9"}),
        as_json({**DELIVERED, "sig": None}),
        as_query({**DELIVERED, "status": "failed"}),
        as_json(receipt(NOW, timestamp="")),
        as_json(receipt(NOW, timestamp="99999999999")),
    ),
    proof_expires=TOLERANCE,
    url="http://127.0.0.1:9000/sms/json",
)
