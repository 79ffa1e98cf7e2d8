"""SendGrid, as Mail Send of its Web API v3 and its signed event webhook are documented."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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

API_KEY = f"SG.{SECRET}-key"
KEY = generate_private_key(SECP256R1())
PUBLIC_KEY = b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
REQUEST_ID = "14c5d75ce93.dfd.64b469"
AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)
SECONDS = int(AT.timestamp())


def signed(content: Any, at: datetime | None = None) -> HttpRequest:
    """A call of the event webhook as SendGrid signs it."""
    body = json.dumps(content).encode()
    timestamp = str(int((at or FakeClock().now()).timestamp()))
    signature = KEY.sign(timestamp.encode() + body, ECDSA(SHA256()))
    headers = {
        "content-type": "application/json",
        "x-twilio-email-event-webhook-signature": b64encode(signature).decode(),
        "x-twilio-email-event-webhook-timestamp": timestamp,
    }
    return HttpRequest("POST", "/reports/sendgrid", headers, body)


def told(name: str, index: int = 0, request_id: str = "14c5d75ce93", **more: Any) -> dict[str, Any]:
    """An event."""
    return {
        "email": ADDRESSES[index],
        "timestamp": SECONDS,
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "event": name,
        "sg_event_id": "ZGVsaXZlcmVk",
        "sg_message_id": f"{request_id}.dfd.64b469.filter0001.16648.5515E0B88.{index}",
        "reference": reference(index),
        **more,
    }


def error(field: str | None, message: str = "Does not contain a valid address.") -> dict[str, Any]:
    return {"errors": [{"message": message, "field": field, "help": "http://sendgrid.com/docs"}]}


def ident(index: int = 0) -> str:
    return f"14c5d75ce93:{reference(index)}"


TAKEN = {"x_message_id": "14c5d75ce93"}
RESET = str(int(FakeClock().now().timestamp()) + 7)

PROFILE = Profile(
    name="sendgrid",
    channel="email",
    options={"api_key": API_KEY, "reports": True, "webhook_public_key": PUBLIC_KEY},
    content=MAIL,
    sender=SENDER,
    addresses=ADDRESSES,
    cases={
        "accepted": Case(answer(202, **TAKEN), [Accepted(ident())]),
        "accepted: two": Case(
            answer(202, **TAKEN), [Accepted(ident()), Accepted(ident(1))], messages=2
        ),
        "partly accepted": Case(
            answer(400, error("personalizations.1.to.0.email")),
            [Failed("http_400"), Rejected("http_400"), Failed("http_400")],
            messages=3,
        ),
        "rejected": Case(
            answer(400, error("personalizations.0.to.0.email")), [Rejected("http_400")]
        ),
        "rejected: too large": Case(answer(413), [Rejected("http_413")]),
        "failed": Case(answer(400, error("subject")), [Failed("http_400")] * 2, messages=2),
        "blocked: key": Case(
            answer(401, error(None, "The provided authorization grant is invalid")),
            [Blocked("http_401")],
        ),
        "rejected: sender": Case(
            answer(403, error("from.email", "The from address does not match a verified Sender")),
            [Rejected("http_403")] * 2,
            messages=2,
        ),
        "blocked: permission": Case(answer(403, error(None, "Forbidden")), [Blocked("http_403")]),
        "throttled": Case(answer(429), [Throttled(None, "http_429")]),
        "throttled: with a moment": Case(
            answer(429, x_ratelimit_reset=RESET), [Throttled(7.0, "http_429")]
        ),
        "unknown": Case(answer(500), [Unknown("http_500")]),
        "unknown: busy": Case(answer(503), [Unknown("http_503")]),
        "malformed": Case(answer(202, b"<html>"), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(
            signed([told("processed"), told("delivered"), told("delivered", 1)]),
            [
                Report(reference(), ident(), "delivered", AT),
                Report(reference(1), ident(1), "delivered", AT),
            ],
        ),
        "failed": ReportCase(
            signed([told("bounce", type="bounce", status="5.1.1", reason="550 5.1.1 no user")]),
            [Report(reference(), ident(), "bounced", AT, "5.1.1", gone=True)],
        ),
        "dropped": ReportCase(
            signed([told("dropped", reason="Bounced Address")]),
            [Report(reference(), ident(), "failed", AT, "dropped")],
        ),
        "read": ReportCase(
            signed([told("open", sg_machine_open=True), told("open"), told("click", url="x")]),
            [
                Report(reference(), ident(), "opened", AT, event_id="ZGVsaXZlcmVk"),
                Report(reference(), ident(), "clicked", AT, event_id="ZGVsaXZlcmVk"),
            ],
        ),
        "of others": ReportCase(signed([told("delivered", reference=None)]), []),
    },
    no_reports=[signed({"event": "delivered"}), signed([{"email": "x"}]), signed(["x"])],
    forged=[
        signed([told("delivered")], at=datetime(2029, 12, 30, tzinfo=UTC)),
        signed([told("delivered")], at=datetime(2030, 1, 3, tzinfo=UTC)),
        HttpRequest(
            "POST",
            "/",
            {
                "x-twilio-email-event-webhook-signature": "?",
                "x-twilio-email-event-webhook-timestamp": str(SECONDS),
            },
            b"[]",
        ),
    ],
    proof_expires=86_400,
)


class Fake:
    """The account of ``PROFILE``."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: Every message as its reader sees it.
        self.letters: list[dict[str, Any]] = []
        self.throttle = 0
        self._requests = 0
        self._events: list[dict[str, Any]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if (request.method, request.url) != ("POST", "/v3/mail/send"):
            return answer(404, error(None, "not found"))
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return answer(401, error(None, "The provided authorization grant is invalid"))
        if self.throttle:
            self.throttle -= 1
            return answer(429, error(None, "too many requests"), x_ratelimit_reset=RESET)
        content = json.loads(request.body)
        problem = _problem(content)
        if problem is not None:
            return answer(400, error(problem))
        return self._take(content)

    def _take(self, content: dict[str, Any]) -> HttpResponse:
        self._requests += 1
        request_id = f"14c5d75ce{self._requests:02}"
        for index, personal in enumerate(content["personalizations"]):
            parts = {
                part["type"]: _replaced(part["value"], personal.get("substitutions", {}))
                for part in content["content"]
            }
            address = personal["to"][0]["email"]
            self.taken.append((address, parts.get("text/plain") or parts["text/html"]))
            self.letters.append({**personal, **parts, "from": content["from"]})
            event = told("delivered", index, request_id)
            self._events.append({**event, "email": address, **personal["custom_args"]})
        return answer(202, x_message_id=request_id)

    def reports(self) -> Sequence[HttpRequest]:
        """One call with all events."""
        due, self._events = self._events, []
        return [signed(due)] if due else []


def _problem(content: dict[str, Any]) -> str | None:
    """The field that is wrong, if one is."""
    people = content.get("personalizations", [])
    if not 1 <= len(people) <= 1000:
        return "personalizations"
    if len({person["to"][0]["email"] for person in people}) < len(people):
        return "personalizations"
    for index, person in enumerate(people):
        if not re.fullmatch(r"[^@\s]+@[^@\s]+", person["to"][0]["email"]):
            return f"personalizations.{index}.to.0.email"
        if not person.get("subject", content.get("subject")):
            return f"personalizations.{index}.subject"
        if (
            sum(len(k) + len(v.encode()) for k, v in person.get("substitutions", {}).items())
            > 10_000
        ):
            return f"personalizations.{index}.substitutions"
        if len(json.dumps(person.get("custom_args", {}))) > 10_000:
            return f"personalizations.{index}.custom_args"
    kinds = [part["type"] for part in content.get("content", [])]
    if kinds not in (["text/plain"], ["text/html"], ["text/plain", "text/html"]):
        return "content"
    if not all(part["value"] for part in content["content"]):
        return "content.0.value"
    return None if "@" in content.get("from", {}).get("email", "") else "from.email"


def _replaced(text: str, substitutions: dict[str, str]) -> str:
    """One after another, in the order in which they stand."""
    for name, value in substitutions.items():
        text = text.replace(name, value)
    return text
