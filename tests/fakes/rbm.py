"""Google's RCS Business Messaging API, and the token endpoint in front of it.

https://developers.google.com/business-communications/rcs-business-messaging/reference/rest/v1/phones.agentMessages
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.fakes.base import SECRET, URL, Case, Profile, ReportCase, answer
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

AGENT = "sluice_agent"
CLIENT_TOKEN = f"client-{SECRET}"
EMAIL = "sender@sluice.iam.gserviceaccount.example"
SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"
WEBHOOK = "/reports/carrier"

KEY = generate_private_key(public_exponent=65537, key_size=2048)


def service_account(**more: Any) -> str:
    """The JSON key that Google's console gives."""
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = {
        "type": "service_account",
        "private_key_id": f"key-{SECRET}",
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "token_uri": f"{URL}/token",
    }
    return json.dumps({**key, **more})


def error(code: int, word: str, message: str = "Requested entity was not found.") -> HttpResponse:
    """An error of Google's APIs."""
    body = {"error": {"code": code, "message": message, "status": word}}
    return answer(code, body, content_type="application/json; charset=UTF-8")


def push(event: Any, client_token: str = CLIENT_TOKEN, **more: Any) -> HttpRequest:
    """A push with an event, signed."""
    data = event if isinstance(event, bytes) else json.dumps(event).encode()
    signature = hmac.digest(client_token.encode(), data, hashlib.sha512)
    message = {
        "attributes": {"product": "RBM", "type": "event", "message_type": "DELIVERED"},
        "data": base64.b64encode(data).decode(),
        "messageId": "9876543210",
        "publishTime": "2030-01-01T00:00:01.000Z",
    }
    body = {"message": message, "subscription": "projects/rbm/subscriptions/sluice", **more}
    headers = {
        "content-type": "application/json",
        "x-goog-signature": base64.b64encode(signature).decode(),
    }
    return HttpRequest("POST", WEBHOOK, headers, json.dumps(body).encode())


def event(word: str, message_id: str, phone: str = "+353861234567") -> dict[str, str]:
    """An event about a message; those of the server call the number otherwise."""
    by_server = word.startswith("TTL")
    return {
        "phoneNumber" if by_server else "senderPhoneNumber": phone,
        "messageId": message_id,
        "agentId": AGENT,
        "eventType": word,
        "eventId": f"event-{word}-{message_id}",
        "sendTime": "2030-01-01T00:00:00.123456789Z",
    }


class Fake:
    """One agent, and the endpoint that gives tokens for it."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: Numbers without RCS.
        self.without_rcs: set[str] = set()
        #: Numbers whose phones are off until the message has expired.
        self.off: set[str] = set()
        #: So many of the next messages are too many.
        self.too_many = 0
        self._tokens: set[str] = set()
        self._ids: set[str] = set()
        self._pending: list[tuple[str, str]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        parts = urlsplit(request.url)
        if parts.path == "/token":
            return self._token(request)
        path = re.fullmatch(r"/v1/phones/\+([1-9][0-9]{5,14})/agentMessages", parts.path)
        if path is None:
            return answer(404, b"<html>")
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        return self._message(path[1], query, json.loads(request.body))

    def _token(self, request: HttpRequest) -> HttpResponse:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer":
            return answer(400, {"error": "unsupported_grant_type"})
        # The moment is the test's, so that it is not compared with this machine's.
        checks = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        try:
            claims = jwt.decode(form["assertion"], KEY.public_key(), ["RS256"], options=checks)
        except jwt.InvalidTokenError:
            return answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT"})
        fine = claims["iss"] == EMAIL and 0 < claims["exp"] - claims["iat"] <= 3600
        if not fine or not claims["aud"].endswith("/token"):
            return answer(400, {"error": "invalid_grant", "error_description": "Invalid JWT"})
        if claims["scope"] != SCOPE:
            return answer(400, {"error": "invalid_scope"})
        token = f"ya29.{len(self._tokens)}"
        self._tokens.add(token)
        return answer(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})

    def _message(self, number: str, query: dict[str, str], content: dict[str, Any]) -> HttpResponse:
        if query.get("agentId") != AGENT:
            return error(403, "PERMISSION_DENIED", "The caller does not have permission")
        message_id = query.get("messageId", "")
        if not _is_uuid(message_id) or _is_wrong(content):
            return error(400, "INVALID_ARGUMENT", "Request contains an invalid argument.")
        if self.too_many:
            self.too_many -= 1
            return error(429, "RESOURCE_EXHAUSTED", "Resource has been exhausted.")
        if number in self.without_rcs:
            return error(404, "NOT_FOUND")
        if message_id not in self._ids:
            self._ids.add(message_id)
            self.taken.append((number, _text(content["contentMessage"])))
            self._pending.append((number, message_id))
        name = f"phones/+{number}/agentMessages/{message_id}"
        return answer(200, {"name": name, "sendTime": "2030-01-01T00:00:00Z", **content})

    def reports(self) -> Sequence[HttpRequest]:
        calls = []
        for number, message_id in self._pending:
            off = number in self.off
            words = ("TTL_EXPIRATION_REVOKED",) if off else ("READ", "DELIVERED")
            calls += [push(event(word, message_id, f"+{number}")) for word in words]
        self._pending.clear()
        return calls


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _is_wrong(content: dict[str, Any]) -> bool:
    message = content.get("contentMessage", {})
    ttl = re.fullmatch(r"([0-9]+)s", content.get("ttl", "1s"))
    if ttl is None or not 0 < int(ttl[1]) <= 15 * 86400:
        return True
    if ("text" in message) == ("richCard" in message):
        return True
    card = message.get("richCard", {}).get("standaloneCard", {}).get("cardContent", {})
    if "richCard" in message and not {"title", "description", "media"} & set(card):
        return True
    chips, inside = message.get("suggestions", []), card.get("suggestions", [])
    labels = [(each.get("action") or each["reply"])["text"] for each in (*chips, *inside)]
    lengths = [
        (message.get("text", ""), 3072),
        (card.get("title", ""), 200),
        (card.get("description", ""), 2000),
        *((label, 25) for label in labels),
    ]
    too_many = len(chips) > 11 or len(inside) > 4
    return too_many or any(len(text) > most for text, most in lengths)


def _text(message: dict[str, Any]) -> str:
    if "text" in message:
        return str(message["text"])
    return str(message["richCard"]["standaloneCard"]["cardContent"].get("description", ""))


#: Of the reference of the first message of a profile.
ID = "a4a95f73-2580-5f7a-9c99-10d021159729"

NOW = datetime(2030, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)

PROFILE = Profile(
    name="rbm",
    channel="rbm",
    url=URL,
    options={
        "service_account": service_account(),
        "agent_id": AGENT,
        "client_token": CLIENT_TOKEN,
    },
    cases={
        "accepted": Case(
            answer(200, {"name": f"phones/+353861234567/agentMessages/{ID}"}), [Accepted(ID)]
        ),
        "accepted: sent before": Case(error(409, "ALREADY_EXISTS"), [Accepted(ID)]),
        "throttled: quota": Case(
            error(429, "RESOURCE_EXHAUSTED"), [Throttled(None, "RESOURCE_EXHAUSTED")]
        ),
        "throttled: by a proxy": Case(
            answer(429, b"", retry_after="9"), [Throttled(9.0, "http_429")]
        ),
        "failed: overloaded": Case(error(503, "UNAVAILABLE"), [Failed("UNAVAILABLE")]),
        "failed: two at once": Case(error(409, "ABORTED"), [Failed("ABORTED")]),
        "failed: a proxy's 404": Case(answer(404, b"<html>"), [Failed("http_404")]),
        "blocked: token": Case(error(401, "UNAUTHENTICATED"), [Blocked("UNAUTHENTICATED")]),
        "blocked: agent": Case(error(403, "PERMISSION_DENIED"), [Blocked("PERMISSION_DENIED")]),
        "rejected: no RCS": Case(error(404, "NOT_FOUND"), [Rejected("NOT_FOUND")]),
        "rejected: content": Case(error(400, "INVALID_ARGUMENT"), [Rejected("INVALID_ARGUMENT")]),
        "unknown: its own 500": Case(error(500, "INTERNAL"), [Unknown("INTERNAL")]),
        "unknown: its own 504": Case(
            error(504, "DEADLINE_EXCEEDED"), [Unknown("DEADLINE_EXCEEDED")]
        ),
        "unknown: 503 of somebody else": Case(answer(503, b"<html>"), [Unknown("http_503")]),
        "malformed": Case(answer(200, b'{"name": "pho'), [Accepted(ID)]),
        "oversized": Case(answer(200, b"[" * 10_000), [Accepted(ID)]),
    },
    reports={
        "delivered": ReportCase(
            push(event("DELIVERED", ID)), [Report(None, ID, "delivered", at=NOW)]
        ),
        "read": ReportCase(push(event("READ", ID)), [Report(None, ID, "opened", at=NOW)]),
        "failed": ReportCase(
            push(event("TTL_EXPIRATION_REVOKED", ID)),
            [Report(None, ID, "failed", at=NOW, code="TTL_EXPIRATION_REVOKED")],
        ),
    },
    no_reports=(
        push(b"no JSON"),
        push(["DELIVERED"]),
        push({"eventType": "DELIVERED", "agentId": AGENT}),
        HttpRequest("POST", WEBHOOK, {}, b'{"message": {"data": "no base64!"}}'),
        HttpRequest("POST", WEBHOOK, {}, b'{"message": {"data": 7}}'),
    ),
    forged=(
        push(event("DELIVERED", ID), client_token="guessed"),
        HttpRequest("POST", WEBHOOK, {"x-goog-signature": "ÿ"}, b'{"message": {"data": "e30="}}'),
    ),
)
