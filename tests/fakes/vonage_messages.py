"""Vonage's Messages API: SMS, Viber and RCS; problems by RFC 9457, reports with a token.

https://developer.vonage.com/en/api/messages
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer, reference
from tests.support.clock import FakeClock
from tests.support.vendor_schemas import problems
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
from worker.adapters.reply import parse_json
from worker.adapters.vonage_messages_tokens import TOLERANCE

API_KEY = "abcd1234"
API_SECRET = SECRET
APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
SIGNATURE_SECRET = 4 * "signing-webhooks-" + SECRET
REPORT_URL = "https://sluice.example.com/reports/carrier"

MESSAGE_ID = "11111111-2222-3333-4444-555555555555"
NOW = FakeClock().now()


def problem(status: int, code: str, title: str = "Rejected", **headers: str) -> HttpResponse:
    page = "https://developer.vonage.com/api-errors"
    link = f"{page}/messages#{code}" if code.isdecimal() else f"{page}#{code}"
    return answer(
        status,
        {"type": link, "title": title, "detail": "Not this time.", "instance": "bf0ca0bf927b3b52"},
        **headers,
    )


def token(body: bytes, at: datetime, secret: str = SIGNATURE_SECRET, **more: Any) -> str:
    """The token that Vonage sends with a call."""
    claims = {
        "iat": int(at.timestamp()),
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(body).hexdigest(),
        "api_key": API_KEY,
        "application_id": APPLICATION,
        **more,
    }
    return jwt.encode(claims, secret, algorithm="HS256")


def status(name: str, at: datetime = NOW, **more: Any) -> HttpRequest:
    """The call with a message status, signed."""
    content = {
        "message_uuid": MESSAGE_ID,
        "to": "353861234567",
        "from": "Sluice",
        "timestamp": f"{NOW:%Y-%m-%dT%H:%M:%S}.000Z",
        "status": name,
        "client_ref": reference(),
        "channel": "sms",
        **more,
    }
    body = json.dumps(content, separators=(",", ":")).encode()
    headers = {"content-type": "application/json", "authorization": f"Bearer {token(body, at)}"}
    return HttpRequest("POST", REPORT_URL, headers, body)


def error(code: int) -> dict[str, Any]:
    """The error of a report."""
    return {
        "type": f"https://developer.vonage.com/api-errors/messages#{code}",
        "title": code,
        "detail": "Not part of the provider network",
        "instance": "bf0ca0bf927b3b52",
    }


class Fake:
    """Vonage. ``next_problem`` is what it says to the next request instead of taking it.

    ``application_key`` is the public key of the application, whose tokens are then taken too.
    """

    def __init__(self, application_key: RSAPublicKey | None = None) -> None:
        self.taken: list[tuple[str, str]] = []
        self.contents: list[dict[str, Any]] = []
        self.next_problem: HttpResponse | None = None
        self.now = NOW
        self._key = application_key
        self._unreported: list[tuple[str, dict[str, Any]]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST" or request.url != "/v1/messages":
            return answer(404, b"<html>")
        if not self._is_known(request.headers.get("authorization", "")):
            return problem(401, "unauthorized", "Unauthorized")
        if self.next_problem is not None:
            said, self.next_problem = self.next_problem, None
            return said
        content = parse_json(request.body)
        channel = content.get("channel") if isinstance(content, dict) else None
        if channel not in ("sms", "viber_service", "rcs") or problems(
            "vonage_messages", channel, content
        ):
            return problem(422, "1150", "Invalid params")
        message_id = str(UUID(int=len(self.taken) + 1))
        self.taken.append((content["to"], _text(content)))
        self.contents.append(content)
        if "webhook_url" in content:
            self._unreported.append((message_id, content))
        return answer(202, {"message_uuid": message_id})

    def _is_known(self, authorization: str) -> bool:
        if authorization == basic(API_KEY, API_SECRET):
            return True
        if self._key is None or not authorization.startswith("Bearer "):
            return False
        try:
            claims = jwt.decode(
                authorization.removeprefix("Bearer "),
                self._key,
                algorithms=["RS256"],
                options={
                    "require": ["application_id", "iat", "exp", "jti"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.PyJWTError:
            return False
        moment = self.now.timestamp()
        return claims["application_id"] == APPLICATION and claims["iat"] <= moment < claims["exp"]

    def reports(self) -> Sequence[HttpRequest]:
        known, self._unreported = self._unreported, []
        steps = ["submitted", "delivered"]
        return [
            replace(
                status(
                    step,
                    message_uuid=message_id,
                    to=content["to"],
                    client_ref=content["client_ref"],
                    channel=content["channel"],
                ),
                url=content["webhook_url"],
            )
            for message_id, content in known
            for step in steps
        ]


def _text(content: dict[str, Any]) -> str:
    if "custom" in content:
        message = content["custom"]["contentMessage"]
        if "text" in message:
            return str(message["text"])
        return str(message["richCard"]["standaloneCard"]["cardContent"].get("description", ""))
    return str(content.get("text") or content["image"].get("caption", ""))


DELIVERED = status("delivered")

PROFILE = Profile(
    name="vonage_messages",
    channel="sms",
    options={
        "api_key": API_KEY,
        "api_secret": API_SECRET,
        "report_url": REPORT_URL,
        "signature_secret": SIGNATURE_SECRET,
    },
    cases={
        "accepted": Case(answer(202, {"message_uuid": MESSAGE_ID}), [Accepted(MESSAGE_ID)]),
        "accepted: unreadable": Case(answer(202, b"<html>"), [Accepted()]),
        "throttled": Case(problem(429, "1000"), [Throttled(code="1000")]),
        "throttled: for a while": Case(
            problem(429, "1000", retry_after="2"), [Throttled(2.0, "1000")]
        ),
        "throttled: without its words": Case(answer(429), [Throttled(code="http_429")]),
        "throttled: in another status": Case(problem(422, "1000"), [Throttled(code="1000")]),
        "throttled, this recipient": Case(problem(422, "1241"), [Failed("1241")]),
        "rejected: parameter": Case(problem(422, "1150"), [Rejected("1150")]),
        "rejected: barred": Case(problem(422, "1050"), [Rejected("1050")]),
        "rejected: sender": Case(problem(422, "1120"), [Rejected("1120")]),
        "rejected: no number": Case(problem(422, "1170"), [Rejected("1170", gone=True)]),
        "rejected: out of service": Case(problem(422, "1190"), [Rejected("1190", gone=True)]),
        "rejected: opted out": Case(problem(422, "1240"), [Rejected("1240")]),
        "rejected: not on this channel": Case(problem(422, "1300"), [Rejected("1300")]),
        "rejected: in older words": Case(
            answer(400, {"type": "https://www.nexmo.com/messages/Errors#InvalidParams"}),
            [Rejected("InvalidParams")],
        ),
        "blocked: credentials": Case(problem(401, "unauthorized"), [Blocked("unauthorized")]),
        "blocked: credit": Case(problem(402, "low-balance"), [Blocked("low-balance")]),
        "blocked: quota": Case(problem(422, "1070"), [Blocked("1070")]),
        "blocked: barred": Case(problem(403, "1060"), [Blocked("1060")]),
        "blocked: facility": Case(problem(422, "1140"), [Blocked("1140")]),
        "blocked: wrong URL": Case(answer(404, b"<html>"), [Blocked("http_404")]),
        "failed": Case(problem(500, "1100"), [Failed("1100")]),
        "failed: handset away": Case(problem(422, "1180"), [Failed("1180")]),
        "unknown: its own fault": Case(problem(500, "internal-error"), [Unknown("internal-error")]),
        "unknown: a proxy's": Case(answer(503, b"<html>"), [Unknown("http_503")]),
        "unknown: 200": Case(answer(200, {"message_uuid": MESSAGE_ID}), [Unknown("http_200")]),
        "malformed": Case(answer(422, {"type": {"#": 1000}}), [Rejected("http_422")]),
        "malformed: a sentence": Case(
            answer(422, {"type": "#not to 353861234567"}), [Rejected("http_422")]
        ),
        "malformed: id": Case(answer(202, {"message_uuid": []}), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(DELIVERED, [Report(reference(), MESSAGE_ID, "delivered", NOW)]),
        "failed": ReportCase(
            status("rejected", error=error(1300)),
            [Report(reference(), MESSAGE_ID, "failed", NOW, "1300")],
        ),
        "failed: in version 0": ReportCase(
            status("undeliverable", error={"code": 1260, "reason": "Destination unreachable"}),
            [Report(reference(), MESSAGE_ID, "failed", NOW, "1260")],
        ),
        "failed: without a reason": ReportCase(
            status("undeliverable"),
            [Report(reference(), MESSAGE_ID, "failed", NOW, "undeliverable")],
        ),
        "read": ReportCase(status("read"), [Report(reference(), MESSAGE_ID, "opened", NOW)]),
        "on the way": ReportCase(status("submitted"), []),
        "of a kind to come": ReportCase(status("pondered"), []),
    },
    no_reports=(
        status("delivered", message_uuid=None),
        status("delivered", client_ref=None),
        replace(DELIVERED, body=b'{"status":"delivered"}'),
    ),
    forged=(
        replace(DELIVERED, body=DELIVERED.body.replace(b"delivered", b"rejected")),
        *(
            replace(DELIVERED, headers={"authorization": each})
            for each in (
                "Bearer ",
                "Bearer x.y.z",
                "Bearer \u00e9.\u00e9.\u00e9",
                basic(API_KEY, SIGNATURE_SECRET),
                f"Bearer {token(DELIVERED.body, NOW, 'another secret of forty bytes, and a bit')}",
                f"Bearer {token(DELIVERED.body, NOW, payload_hash=None)}",
                f"Bearer {token(DELIVERED.body, NOW, payload_hash=chr(233))}",
                f"Bearer {token(DELIVERED.body, NOW + timedelta(seconds=400))}",
                "Bearer " + jwt.encode({"payload_hash": "x", "iat": 1}, None, algorithm="none"),
            )
        ),
    ),
    proof_expires=TOLERANCE,
    url="http://127.0.0.1:9000/v1/messages",
)
