"""Mailgun, as its Messages API v3 and its webhooks are documented."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer, reference
from tests.fakes.mail import ADDRESSES, MAIL, SENDER
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

API_KEY = f"key-{SECRET}"
SIGNING_KEY = f"{SECRET}-signing-key"
DOMAIN = "mg.shop.example"
BATCH = "20300101000000.1.ABCDEF@mg.shop.example"
AT = datetime(2029, 12, 31, 23, 59, 58, 250_000, tzinfo=UTC)
GREETING = b"Mailgun Magnificent API"
QUEUED = {"id": f"<{BATCH}>", "message": "Queued. Thank you."}
RESET = str(int(FakeClock().now().timestamp() * 1000) + 2500)


def signed(event: Any, at: datetime | None = None) -> HttpRequest:
    """A call as Mailgun signs it."""
    timestamp = str(int((at or FakeClock().now()).timestamp()))
    token = "50c1e8e5f3a84c1f9d0c7f3b5d1a2e4f"
    signature = hmac.new(SIGNING_KEY.encode(), (timestamp + token).encode(), "sha256").hexdigest()
    content = {
        "signature": {"timestamp": timestamp, "token": token, "signature": signature},
        "event-data": event,
    }
    headers = {"content-type": "application/json"}
    return HttpRequest("POST", "/reports/mailgun", headers, json.dumps(content).encode())


def told(name: str, index: int = 0, batch: str = BATCH, **more: Any) -> dict[str, Any]:
    """An event."""
    return {
        "event": name,
        "id": "CPgfbmQMTCKtHW6uIWtuVe",
        "timestamp": AT.timestamp(),
        "recipient": ADDRESSES[index],
        "message": {"headers": {"to": ADDRESSES[index], "message-id": batch}},
        "user-variables": {"reference": reference(index)},
        **more,
    }


def ident(index: int = 0) -> str:
    return f"{BATCH}:{reference(index)}"


BOUNCE = {
    "severity": "permanent",
    "reason": "bounce",
    "delivery-status": {"code": 550, "enhanced-code": "5.1.1", "message": f"no {ADDRESSES[0]}"},
}
INVALID = {"message": "to parameter is not a valid address. please check documentation"}
QUOTING = {"message": f"'to' parameter '{ADDRESSES[1]}' is not a valid address"}

PROFILE = Profile(
    name="mailgun",
    channel="email",
    options={
        "domain": DOMAIN,
        "api_key": API_KEY,
        "reports": True,
        "webhook_signing_key": SIGNING_KEY,
    },
    content=MAIL,
    sender=SENDER,
    addresses=ADDRESSES,
    cases={
        "accepted": Case(answer(200, QUEUED), [Accepted(ident())]),
        "accepted: two": Case(
            answer(200, QUEUED), [Accepted(ident()), Accepted(ident(1))], messages=2
        ),
        "partly accepted": Case(
            answer(400, QUOTING),
            [Failed("http_400"), Rejected("http_400"), Failed("http_400")],
            messages=3,
        ),
        "rejected": Case(answer(400, INVALID), [Rejected("http_400")]),
        "rejected: too large": Case(answer(413), [Rejected("http_413")]),
        "failed": Case(answer(400, INVALID), [Failed("http_400")] * 2, messages=2),
        "blocked: key": Case(answer(401, b"Forbidden"), [Blocked("http_401")]),
        "blocked: domain": Case(
            answer(404, {"message": "Domain not found: mg.shop.example"}), [Blocked("http_404")]
        ),
        "blocked: another path": Case(answer(200, GREETING), [Blocked("no_api_there")]),
        "throttled": Case(answer(429), [Throttled(None, "http_429")]),
        "throttled: with a wait": Case(answer(429, retry_after="3"), [Throttled(3.0, "http_429")]),
        "throttled: with a moment": Case(
            answer(429, x_ratelimit_reset=RESET), [Throttled(2.5, "http_429")]
        ),
        "unknown": Case(answer(500), [Unknown("http_500")]),
        "unknown: without an id": Case(answer(200, {"message": "Queued"}), [Unknown("no_id")]),
        "malformed": Case(answer(200, b'{"id": "<2030'), [Unknown("no_id")]),
    },
    reports={
        "delivered": ReportCase(
            signed(told("delivered")), [Report(reference(), ident(), "delivered", AT)]
        ),
        "failed": ReportCase(
            signed(told("failed", **BOUNCE)),
            [Report(reference(), ident(), "bounced", AT, "5.1.1", gone=True)],
        ),
        "failed, without a status": ReportCase(
            signed(told("failed", severity="permanent", reason="suppress-bounce")),
            [Report(reference(), ident(), "bounced", AT, "suppress-bounce")],
        ),
        "opened": ReportCase(
            signed(told("opened")),
            [Report(reference(), ident(), "opened", AT, event_id="CPgfbmQMTCKtHW6uIWtuVe")],
        ),
        "failed for now": ReportCase(signed(told("failed", severity="temporary")), []),
        "intermediate": ReportCase(signed(told("accepted")), []),
        "of others": ReportCase(signed({**told("delivered"), "user-variables": {}}), []),
    },
    no_reports=[signed(None), signed({"event": None}), signed([3])],
    forged=[
        HttpRequest("POST", "/", {}, b'{"event-data": {"event": "delivered"}}'),
        signed(told("delivered"), at=datetime(2029, 12, 31, 14, tzinfo=UTC)),
        signed(told("delivered"), at=datetime(2030, 1, 1, 10, tzinfo=UTC)),
    ],
    proof_expires=32_400,
    proof="body",
)


class Fake:
    """The domain of ``PROFILE``."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: Every message as its reader sees it, with all addresses in its field To.
        self.letters: list[dict[str, Any]] = []
        self.throttle = 0
        self._batches = 0
        self._events: list[dict[str, Any]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if not request.url.startswith("/v3/"):
            return answer(200, GREETING)
        if request.headers.get("authorization") != "Basic " + b64encode(
            f"api:{API_KEY}".encode()
        ).decode("ascii"):
            return answer(401, b"Forbidden")
        if request.url != f"/v3/{DOMAIN}/messages":
            return answer(404, {"message": "Domain not found"})
        if self.throttle:
            self.throttle -= 1
            return answer(429, {"message": "Too many requests"}, retry_after="3")
        fields = parse_qsl(request.body.decode(), strict_parsing=True)
        to = [value for name, value in fields if name == "to"]
        form = dict(fields)
        if not to or len(to) > 1000 or "from" not in form or not ({"text", "html"} & set(form)):
            return answer(400, {"message": "from, to, text or html parameter is missing"})
        for address in to:
            if not re.fullmatch(r"[^@\s]+@[a-z0-9.-]+", address):
                return answer(400, {"message": f"'to' parameter '{address}' is not valid"})
        return self._take(form, to)

    def _take(self, form: dict[str, str], to: list[str]) -> HttpResponse:
        self._batches += 1
        batch = f"20300101000000.{self._batches}.ABCDEF@{DOMAIN}"
        variables = json.loads(form.get("recipient-variables", "{}"))
        for address in to:
            own = variables.get(address, {})
            letter: dict[str, Any] = {
                name: _filled(text, own)
                for name, text in form.items()
                if name != "recipient-variables"
            }
            letter["to"] = [address] if variables else to
            self.letters.append(letter)
            self.taken.append((address, letter.get("text") or letter["html"]))
            event = told("delivered", batch=batch)
            event["user-variables"] = {"reference": letter["v:reference"]}
            self._events.append({**event, "recipient": address})
        return answer(200, {"id": f"<{batch}>", "message": "Queued. Thank you."})

    def reports(self) -> Sequence[HttpRequest]:
        """A call for each event."""
        due, self._events = self._events, []
        return [signed(event) for event in due]


def _filled(text: str, variables: dict[str, str]) -> str:
    return re.sub(r"%recipient\.([\w-]+)%", lambda found: variables.get(found.group(1), ""), text)
