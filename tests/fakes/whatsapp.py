"""The WhatsApp Cloud API: https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.fakes.base import SECRET, URL, Case, Profile, ReportCase, answer, reference
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

TOKEN = f"EAAG{SECRET}"
APP_SECRET = f"app-{SECRET}"
NUMBER = "106540352242922"
WEBHOOK = "/reports/carrier"

#: What Meta calls some of its errors.
TITLES = {
    1: "An unknown error has occurred.",
    100: "Invalid parameter",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132000: "Number of parameters does not match the expected number of params",
    132001: "Template name does not exist in the translation",
    190: "Invalid OAuth access token - Cannot parse access token",
}


def refusal(code: int, status: int = 400, **more: Any) -> HttpResponse:
    """An error in the form of the Graph API."""
    error = {
        "message": f"(#{code}) {TITLES.get(code, 'Something went wrong')}",
        "type": "OAuthException",
        "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "Dear 353861234567, no"},
        "fbtrace_id": "AeB1aBcDeFg",
        **more,
    }
    return answer(status, {"error": error}, content_type="application/json; charset=UTF-8")


def sent(address: str, message_id: str) -> HttpResponse:
    """Taken; whether it can be delivered is told by webhook."""
    body = {
        "messaging_product": "whatsapp",
        "contacts": [{"input": address, "wa_id": address}],
        "messages": [{"id": message_id, "message_status": "accepted"}],
    }
    return answer(200, body, content_type="application/json; charset=UTF-8")


def status(word: str, message_id: str, echoed: str, *errors: int) -> dict[str, Any]:
    """One of the ``statuses`` of a webhook."""
    found: dict[str, Any] = {
        "id": message_id,
        "status": word,
        "timestamp": "1893456000",
        "recipient_id": "353861234567",
        "biz_opaque_callback_data": echoed,
    }
    if errors:
        found["errors"] = [
            {"code": code, "title": TITLES.get(code, ""), "href": "https://developers.facebook.com"}
            for code in errors
        ]
    return found


def webhook(*statuses: Mapping[str, Any], secret: str = APP_SECRET) -> HttpRequest:
    """A call with ``statuses``, signed."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
        "statuses": list(statuses),
    }
    entry = {"id": "102290129340398", "changes": [{"value": value, "field": "messages"}]}
    return signed({"object": "whatsapp_business_account", "entry": [entry]}, secret)


def signed(content: Any, secret: str = APP_SECRET) -> HttpRequest:
    """A call with any content."""
    body = json.dumps(content).encode()
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}
    return HttpRequest("POST", WEBHOOK, headers, body)


class Fake:
    """One business phone number."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: Addresses, and what is answered for them.
        self.refusals: dict[str, HttpResponse] = {}
        #: So many of the next calls are too many.
        self.too_many = 0
        #: Templates and how many parameters their bodies have.
        self.templates = {("order_ready", "en_US"): 2}
        #: Who has not written lately, and gets templates only.
        self.outside_window: set[str] = set()
        #: Who is not on WhatsApp.
        self.unknown: set[str] = set()
        self._pending: list[tuple[str, str, int | None]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return refusal(190, 401)
        _, version, number, method = request.url.split("/")
        if number != NUMBER or method != "messages" or not version.startswith("v"):
            return refusal(100, error_subcode=33, type="GraphMethodException")
        if self.too_many:
            self.too_many -= 1
            return refusal(130429, 429)
        content = json.loads(request.body)
        address = content.get("to", "")
        problem = self._problem(content)
        if problem is not None:
            return refusal(problem, 404 if problem == 132001 else 400)
        if address in self.refusals:
            return self.refusals[address]
        message_id = f"wamid.HBgL{len(self.taken)}AA=="
        failure = 131026 if address in self.unknown else None
        if address in self.outside_window and content["type"] != "template":
            failure = 131047
        self.taken.append((address, _text(content)))
        self._pending.append((message_id, content.get("biz_opaque_callback_data", ""), failure))
        return sent(address, message_id)

    def _problem(self, content: dict[str, Any]) -> int | None:
        kind = content.get("type", "text")
        if content.get("messaging_product") != "whatsapp" or not content.get("to"):
            return 100
        if len(content.get("biz_opaque_callback_data", "")) > 512 or kind not in content:
            return 100
        match kind:
            case "text" if not 0 < len(content["text"].get("body", "")) <= 4096:
                return 100
            case "image" if not content["image"].get("link"):
                return 100
            case "interactive":
                return _interactive_problem(content["interactive"])
            case "template":
                return self._template_problem(content["template"])
        return None

    def _template_problem(self, template: dict[str, Any]) -> int | None:
        expected = self.templates.get((template["name"], template["language"]["code"]))
        if expected is None:
            return 132001
        bodies = [each for each in template.get("components", ()) if each["type"] == "body"]
        given = sum(len(each["parameters"]) for each in bodies)
        return None if given == expected else 132000

    def reports(self) -> Sequence[HttpRequest]:
        calls = []
        for message_id, echoed, failure in self._pending:
            if failure is not None:
                calls.append(webhook(status("failed", message_id, echoed, failure)))
                continue
            steps = [status(word, message_id, echoed) for word in ("sent", "delivered", "read")]
            calls += [webhook(*steps[:2]), webhook(steps[2])]
        self._pending.clear()
        return calls


def _interactive_problem(content: dict[str, Any]) -> int | None:
    if not 0 < len(content.get("body", {}).get("text", "")) <= 1024:
        return 100
    if content.get("type") == "cta_url":
        parameters = content["action"]["parameters"]
        labels = [parameters["display_text"]]
        fine = content["action"]["name"] == "cta_url" and parameters["url"].startswith("http")
    else:
        buttons = content["action"]["buttons"]
        labels = [each["reply"]["title"] for each in buttons]
        ids = {each["reply"]["id"] for each in buttons}
        fine = content["type"] == "button" and len(buttons) <= 3 and len(ids) == len(buttons)
    return None if fine and all(0 < len(label) <= 20 for label in labels) else 131009


def _text(content: dict[str, Any]) -> str:
    match content["type"]:
        case "text":
            return str(content["text"]["body"])
        case "image":
            return str(content["image"].get("caption", ""))
        case "interactive":
            return str(content["interactive"]["body"]["text"])
        case _:
            return str(content["template"]["name"])


NOW = datetime(2030, 1, 1, tzinfo=UTC)

PROFILE = Profile(
    name="whatsapp",
    channel="whatsapp",
    url=URL,
    options={"phone_number_id": NUMBER, "access_token": TOKEN, "app_secret": APP_SECRET},
    cases={
        "accepted": Case(sent("353861234567", "wamid.HBgL"), [Accepted("wamid.HBgL")]),
        "unknown: 200 of somebody else": Case(answer(200, b"<html>"), [Unknown("http_200")]),
        "throttled: throughput": Case(refusal(130429, 429), [Throttled(None, "130429")]),
        "throttled: with 400": Case(refusal(80007), [Throttled(None, "80007")]),
        "throttled: app": Case(refusal(4), [Throttled(None, "4")]),
        "throttled: calls of this kind": Case(refusal(613), [Throttled(None, "613")]),
        "throttled: by a proxy": Case(
            answer(429, b"", retry_after="7"), [Throttled(7.0, "http_429")]
        ),
        "failed: throttled, this recipient": Case(refusal(131056), [Failed("131056", 6.0)]),
        "failed: this recipient has enough": Case(refusal(131049), [Failed("131049", 86_400.0)]),
        "failed: overloaded": Case(refusal(2, 500), [Failed("2")]),
        "failed: its trouble": Case(refusal(131000, 500), [Failed("131000")]),
        "failed: a proxy's 403": Case(answer(403, b"<html>"), [Failed("http_403")]),
        "blocked: token": Case(refusal(190, 401), [Blocked("190")]),
        "blocked: session": Case(refusal(102, 401), [Blocked("102")]),
        "blocked: permission": Case(refusal(200, 403), [Blocked("200")]),
        "blocked: permission with 500": Case(refusal(3, 500), [Blocked("3")]),
        "blocked: payment": Case(refusal(131042), [Blocked("131042")]),
        "blocked: spam": Case(refusal(131048), [Blocked("131048")]),
        "blocked: no such phone number": Case(refusal(100, error_subcode=33), [Blocked("100")]),
        "rejected: content": Case(refusal(100), [Rejected("100")]),
        "rejected: not on WhatsApp": Case(refusal(131026), [Rejected("131026")]),
        "rejected: needs a template": Case(refusal(131047), [Rejected("131047")]),
        "rejected: no such template": Case(refusal(132001, 404), [Rejected("132001")]),
        "unknown: an unknown error": Case(refusal(1, 500), [Unknown("1")]),
        "unknown: 500 with a code of which nothing is known": Case(
            refusal(131099, 500), [Unknown("131099")]
        ),
        "unknown: 500 without a code": Case(answer(500, b"<html>"), [Unknown("http_500")]),
        "malformed": Case(answer(200, b'{"messages": [{"id'), [Unknown("http_200")]),
        "oversized": Case(answer(200, b"[" * 10_000), [Unknown("http_200")]),
    },
    reports={
        "delivered": ReportCase(
            webhook(status("delivered", "wamid.HBgL", reference())),
            [Report(reference(), "wamid.HBgL", "delivered", at=NOW)],
        ),
        "failed": ReportCase(
            webhook(status("failed", "wamid.HBgL", reference(), 131026)),
            [Report(reference(), "wamid.HBgL", "failed", at=NOW, code="131026")],
        ),
        "read": ReportCase(
            webhook(status("read", "wamid.HBgL", reference())),
            [Report(reference(), "wamid.HBgL", "opened", at=NOW)],
        ),
        "several, one of them on the way": ReportCase(
            webhook(
                status("sent", "wamid.A", reference(0)),
                status("delivered", "wamid.A", reference(0)),
                status("failed", "wamid.B", reference(1), 131047),
            ),
            [
                Report(reference(0), "wamid.A", "delivered", at=NOW),
                Report(reference(1), "wamid.B", "failed", at=NOW, code="131047"),
            ],
        ),
    },
    no_reports=(
        signed({"object": "page", "entry": []}),
        signed({"object": "whatsapp_business_account"}),
        signed({"object": "whatsapp_business_account", "entry": [{}]}),
        webhook({"status": "delivered"}),
        webhook({"id": "wamid.A"}),
    ),
    forged=(
        webhook(status("delivered", "wamid.HBgL", reference()), secret="guessed"),
        HttpRequest("POST", WEBHOOK, {"x-hub-signature-256": "sha256=ÿ"}, b"{}"),
    ),
)
