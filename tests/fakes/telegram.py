"""The Telegram Bot API: https://core.telegram.org/bots/api."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from tests.fakes.base import SECRET, URL, Case, Profile, answer
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    HttpResponse,
    Rejected,
    Throttled,
    Unknown,
)

TOKEN = f"110201543:{SECRET}"


def refusal(code: int, description: str, **parameters: int) -> HttpResponse:
    """An error in Telegram's form; the HTTP status is the error code."""
    body: dict[str, Any] = {"ok": False, "error_code": code, "description": description}
    if parameters:
        body["parameters"] = parameters
    return answer(code, body, content_type="application/json")


def sent(chat: str, message_id: int) -> HttpResponse:
    """The message as it was sent, shortened."""
    result = {
        "message_id": message_id,
        "from": {"id": 110201543, "is_bot": True, "first_name": "Sluice"},
        "chat": {"id": int(chat), "type": "private"},
        "date": 1893456000,
    }
    return answer(200, {"ok": True, "result": result}, content_type="application/json")


class Fake:
    """One bot."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: Chats, and what is answered for them.
        self.refusals: dict[str, HttpResponse] = {}
        #: So many of the next calls are too many.
        self.too_many = 0

    def handle(self, request: HttpRequest) -> HttpResponse:
        _, bot, method = request.url.split("/")
        if bot != f"bot{TOKEN}":
            return refusal(401, "Unauthorized")
        if self.too_many:
            self.too_many -= 1
            return refusal(429, "Too Many Requests: retry after 5", retry_after=5)
        content = json.loads(request.body)
        chat = str(content.get("chat_id", ""))
        problem = _problem(method, content)
        if problem is not None:
            return problem
        if chat in self.refusals:
            return self.refusals[chat]
        if not chat.lstrip("-").isdigit():
            return refusal(400, "Bad Request: chat not found")
        self.taken.append((chat, content.get("text") or content.get("caption", "")))
        return sent(chat, len(self.taken))

    def reports(self) -> Sequence[HttpRequest]:
        return ()


def _problem(method: str, content: dict[str, Any]) -> HttpResponse | None:
    match method:
        case "sendMessage" if not content.get("text"):
            return refusal(400, "Bad Request: message text is empty")
        case "sendMessage" if len(content["text"]) > 4096:
            return refusal(400, "Bad Request: message is too long")
        case "sendPhoto" if not content.get("photo"):
            return refusal(400, "Bad Request: there is no photo in the request")
        case "sendPhoto" if len(content.get("caption", "")) > 1024:
            return refusal(400, "Bad Request: message caption is too long")
        case "sendMessage" | "sendPhoto":
            rows = content.get("reply_markup", {}).get("inline_keyboard", [])
        case _:
            return refusal(404, "Not Found: method not found")
    for row in rows:
        for button in row:
            if not button.get("text") or ("url" in button) == ("callback_data" in button):
                return refusal(
                    400, "Bad Request: text buttons are unallowed in the inline keyboard"
                )
            if len(button.get("callback_data", "").encode()) > 64:
                return refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return None


PROFILE = Profile(
    name="telegram",
    channel="telegram",
    url=URL,
    options={"token": TOKEN},
    addresses=("5551001", "5551002", "-1001234567890"),
    cases={
        "accepted": Case(sent("5551001", 7), [Accepted("7")]),
        "unknown: 200 of somebody else": Case(answer(200, b"<html>"), [Unknown("not_ok")]),
        "throttled: the whole bot": Case(
            refusal(429, "Too Many Requests: retry after 5", retry_after=5),
            [Throttled(5.0, "too_many_requests")],
        ),
        "throttled: without a word": Case(
            answer(429, b"<html>", retry_after="3"), [Throttled(3.0, "too_many_requests")]
        ),
        "blocked: token": Case(refusal(401, "Unauthorized"), [Blocked("unauthorized")]),
        "blocked: no such bot": Case(refusal(404, "Not Found"), [Blocked("unauthorized")]),
        "rejected: blocked by the user": Case(
            refusal(403, "Forbidden: bot was blocked by the user"),
            [Rejected("blocked_by_user")],
        ),
        "rejected: deactivated": Case(
            refusal(403, "Forbidden: user is deactivated"),
            [Rejected("user_deactivated", gone=True)],
        ),
        "rejected: never started": Case(
            refusal(403, "Forbidden: bot can't initiate conversation with a user"),
            [Rejected("bot_not_started")],
        ),
        "rejected: the group was deleted": Case(
            refusal(403, "Forbidden: the group chat was deleted"),
            [Rejected("group_deleted", gone=True)],
        ),
        "rejected: another 403": Case(
            refusal(403, "Forbidden: the weather"), [Rejected("forbidden")]
        ),
        "rejected: no such chat": Case(
            refusal(400, "Bad Request: chat not found"), [Rejected("chat_not_found")]
        ),
        "rejected: migrated": Case(
            refusal(
                400,
                "Bad Request: group chat was upgraded to a supergroup chat",
                migrate_to_chat_id=-1001234567890,
            ),
            [Rejected("chat_has_migrated", gone=True)],
        ),
        "rejected: content": Case(
            refusal(400, "Bad Request: message is too long"), [Rejected("bad_request")]
        ),
        "rejected: too large": Case(
            refusal(413, "Request Entity Too Large"), [Rejected("http_413")]
        ),
        "unknown: its own 502": Case(refusal(502, "Bad Gateway"), [Unknown("http_502")]),
        "unknown: it stops": Case(
            refusal(500, "Internal Server Error: restart"), [Unknown("http_500")]
        ),
        "failed: a proxy's 400": Case(answer(400, b"<html>"), [Failed("http_400")]),
        "failed: a proxy's 403": Case(answer(403, b"<html>"), [Failed("http_403")]),
        "unknown: 502 of somebody else": Case(answer(502, b"<html>"), [Unknown("http_502")]),
        "unknown: 200 that says no": Case(
            answer(200, {"ok": False, "description": "?"}), [Unknown("not_ok")]
        ),
        "malformed": Case(answer(200, b'{"ok": true, "resu'), [Unknown("not_ok")]),
        "oversized": Case(answer(200, b"[" * 10_000), [Unknown("not_ok")]),
    },
)
