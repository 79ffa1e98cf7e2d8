"""The REST API of Viber bots: https://developers.viber.com/docs/api/rest-bot-api/."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

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

TOKEN = f"445da6az1s345z78-{SECRET}"
WEBHOOK = "/reports/carrier"
TOKEN_OF_MESSAGE = 4912661846655238145

MESSAGES = {
    0: "ok",
    2: "invalidAuthToken",
    3: "badData",
    4: "missingData",
    5: "receiverNotRegistered",
    6: "receiverNotSubscribed",
    12: "tooManyRequests",
    20: "broadcastNotAllowed",
}


def reply(status: int, **more: Any) -> HttpResponse:
    """Always 200; the status is in the body."""
    body = {"status": status, "status_message": MESSAGES.get(status, "failure"), **more}
    return answer(200, body, content_type="application/json")


def failure(receiver: str, status: int) -> dict[str, Any]:
    """An entry of ``failed_list``."""
    return {"receiver": receiver, "status": status, "status_message": MESSAGES.get(status, "?")}


def callback(content: dict[str, Any], token: str = TOKEN) -> HttpRequest:
    """A callback, signed."""
    body = json.dumps(content).encode()
    signature = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-viber-content-signature": signature}
    return HttpRequest("POST", f"{WEBHOOK}?sig={signature}", headers, body)


def event(kind: str, user: str, token: int = TOKEN_OF_MESSAGE, **more: str) -> HttpRequest:
    """A callback about a message."""
    moment = {"event": kind, "timestamp": 1893456000250, "message_token": token, "user_id": user}
    return callback({**moment, **more})


class Fake:
    """One bot, which may broadcast."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: Users, and the status of what is sent to them.
        self.refusals: dict[str, int] = {}
        #: So many of the next broadcasts are too many.
        self.too_many = 0
        self.may_broadcast = True
        #: Users whose devices show nothing.
        self.broken: set[str] = set()
        self._pending: list[tuple[int, str]] = []
        self._token = TOKEN_OF_MESSAGE

    def handle(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("x-viber-auth-token")
        if given != TOKEN:
            return answer(
                200,
                {
                    "status": 2,
                    "status_message": "invalidAuthToken" if given else "missing_auth_token",
                },
            )
        content = json.loads(request.body)
        problem = 3 if len(request.body) > 30 * 1024 else _problem(content)
        if problem is not None:
            return reply(problem)
        match request.url:
            case "/pa/send_message":
                return self._send(content)
            case "/pa/broadcast_message":
                return self._broadcast(content)
        return answer(404, b"<html>")

    def _send(self, content: dict[str, Any]) -> HttpResponse:
        receiver = content.get("receiver")
        if not receiver:
            return reply(4)
        if receiver in self.refusals:
            return reply(self.refusals[receiver])
        self._token += 1
        self._take(receiver, content)
        return reply(0, message_token=self._token, chat_hostname="SN-CHAT-01_")

    def _broadcast(self, content: dict[str, Any]) -> HttpResponse:
        receivers = content.get("broadcast_list")
        if not isinstance(receivers, list) or not 0 < len(receivers) <= 300:
            return reply(3)
        if not self.may_broadcast:
            return reply(20)
        if self.too_many:
            self.too_many -= 1
            return reply(12)
        self._token += 1
        failed = [failure(each, self.refusals[each]) for each in receivers if each in self.refusals]
        for receiver in receivers:
            if receiver not in self.refusals:
                self._take(receiver, content)
        return reply(0, message_token=self._token, failed_list=failed)

    def _take(self, receiver: str, content: dict[str, Any]) -> None:
        self.taken.append((receiver, content["text"]))
        self._pending.append((self._token, receiver))

    def reports(self) -> Sequence[HttpRequest]:
        calls = []
        for token, user in self._pending:
            if user in self.broken:
                calls.append(event("failed", user, token, desc="failure description"))
            else:
                calls += [event("seen", user, token), event("delivered", user, token)]
        self._pending.clear()
        return calls


def _problem(content: dict[str, Any]) -> int | None:
    name = content.get("sender", {}).get("name", "")
    if not name or "type" not in content or "text" not in content:
        return 4
    most = {"text": 7000, "picture": 768}.get(content["type"], 0)
    buttons = content.get("keyboard", {}).get("Buttons", [])
    fine = (
        len(name) <= 28
        and len(content["text"]) <= most
        and (content["type"] != "picture" or content.get("media", "").startswith("http"))
        and all(each["ActionType"] in ("reply", "open-url") for each in buttons)
        and all(each["ActionBody"] and each["Text"] for each in buttons)
        and len(content.get("tracking_data", "")) <= 4000
    )
    return None if fine else 3


MARY, JOHN, ANN = "01234567890A+/a=", "01234567890B+/b=", "01234567890C+/c="
NOW = datetime(2030, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)

#: As many as a broadcast takes, and one more.
USERS = (MARY, JOHN, ANN, *(f"{number:014d}==" for number in range(298)))

PROFILE = Profile(
    name="viber",
    channel="viber",
    url=URL,
    options={"auth_token": TOKEN, "broadcast": True, "reports": True},
    addresses=USERS,
    cases={
        "accepted": Case(reply(0, message_token=77), [Accepted(f"77:{MARY}")]),
        "accepted: a broadcast": Case(
            reply(0, message_token=77, failed_list=[]),
            [Accepted(f"77:{MARY}"), Accepted(f"77:{JOHN}")],
            messages=2,
        ),
        "partly accepted": Case(
            reply(0, message_token=77, failed_list=[failure(JOHN, 6), failure(ANN, 12)]),
            [
                Accepted(f"77:{MARY}"),
                Rejected("receiverNotSubscribed"),
                Failed("tooManyRequests"),
            ],
            messages=3,
        ),
        "accepted: without a token": Case(reply(0), [Accepted()]),
        "throttled: broadcasts": Case(
            reply(12), [Throttled(None, "tooManyRequests")] * 2, messages=2
        ),
        "throttled: by a proxy": Case(
            answer(429, b"", retry_after="9"), [Throttled(9.0, "http_429")]
        ),
        "failed: throttled, this recipient": Case(reply(12), [Failed("tooManyRequests")]),
        "failed: general error": Case(reply(99), [Failed("status_99")]),
        "failed: a whole broadcast": Case(reply(3), [Failed("badData")] * 2, messages=2),
        "failed: a proxy's 403": Case(answer(403, b"<html>"), [Failed("http_403")]),
        "blocked: token": Case(reply(2), [Blocked("invalidAuthToken")]),
        "blocked: webhook": Case(reply(10), [Blocked("webhookNotSet")]),
        "blocked: broadcasts": Case(reply(20), [Blocked("broadcastNotAllowed")] * 2, messages=2),
        "rejected: not registered": Case(reply(5), [Rejected("receiverNotRegistered", gone=True)]),
        "rejected: not subscribed": Case(reply(6), [Rejected("receiverNotSubscribed")]),
        "rejected: content": Case(reply(3), [Rejected("badData")]),
        "unknown: no status": Case(answer(200, {"message_token": 77}), [Unknown("http_200")]),
        "unknown: no JSON": Case(answer(200, b"<html>"), [Unknown("http_200")]),
        "unknown: 502": Case(answer(502, b"<html>"), [Unknown("http_502")]),
        "malformed": Case(
            reply(0, message_token=[7], failed_list=[3, {"receiver": JOHN, "status": "6"}]),
            [Accepted(), Unknown("no_status")],
            messages=2,
        ),
        "oversized": Case(answer(200, b"[" * 10_000), [Unknown("http_200")]),
    },
    reports={
        "delivered": ReportCase(
            event("delivered", MARY),
            [Report(None, f"{TOKEN_OF_MESSAGE}:{MARY}", "delivered", at=NOW)],
        ),
        "failed": ReportCase(
            event("failed", MARY, desc="failure description"),
            [Report(None, f"{TOKEN_OF_MESSAGE}:{MARY}", "failed", at=NOW)],
        ),
        "seen": ReportCase(
            event("seen", MARY),
            [Report(None, f"{TOKEN_OF_MESSAGE}:{MARY}", "opened", at=NOW)],
        ),
    },
    no_reports=(
        callback({"timestamp": 1893456000250}),
        callback({"event": "delivered", "user_id": MARY}),
        callback({"event": "delivered", "message_token": 77}),
    ),
    forged=(
        callback({"event": "delivered", "message_token": 77, "user_id": MARY}, token="guessed"),
        HttpRequest("POST", WEBHOOK, {"x-viber-content-signature": "ÿ"}, b"{}"),
    ),
)
