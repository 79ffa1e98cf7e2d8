"""Webhooks of the WhatsApp Cloud API: what became of messages, and that Meta says it.

    {"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "messages",
        "value": {"statuses": [{"id": "wamid...", "status": "delivered", "timestamp": "1750263773",
            "biz_opaque_callback_data": ".."}]}}]}]}

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status

=================  ===============================================================================
delivered          delivered
read, played       opened
failed             failed, with the code of the first error
sent, any other    on the way, left out
=================  ===============================================================================

Incoming messages, and changes of other fields, come through the same door and hold no reports.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from campaigns.run.events import ReportKind
from worker.adapters.base import ForgedReport, HttpRequest, Report
from worker.adapters.greeting import echoed
from worker.adapters.reply import at_path, identifier, parse_form, parse_json, unix_moment

_KINDS: Mapping[str, ReportKind] = {
    "delivered": "delivered",
    "read": "opened",
    "played": "opened",
    "failed": "failed",
}


def greeting(verify_token: str | None, request: HttpRequest) -> str | None:
    """What Meta wants to hear when a webhook is set up; ``None`` where it asks nothing.

        GET ..?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=..

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#verification-requests

    Raises:
        ForgedReport: it is not asked with the token that stands at Meta, or there is none.
    """
    query = dict(parse_form(urlsplit(request.url).query))
    if request.method != "GET" or query.get("hub.mode") != "subscribe":
        return None
    given = query.get("hub.verify_token", "").encode("utf-8", "replace")
    if verify_token is None or not hmac.compare_digest(verify_token.encode(), given):
        raise ForgedReport("hub.verify_token is not the verify_token that is set")
    return echoed(query.get("hub.challenge"))


def signed_by(secret: str, request: HttpRequest) -> bool:
    """Whether ``X-Hub-Signature-256`` is the HMAC-SHA256 of the body with the app's secret.

    https://developers.facebook.com/docs/graph-api/webhooks/getting-started#validate-payloads
    """
    expected = "sha256=" + hmac.new(secret.encode(), request.body, hashlib.sha256).hexdigest()
    given = request.headers.get("x-hub-signature-256", "")
    return hmac.compare_digest(expected.encode(), given.encode("utf-8", "replace"))


def parse(body: bytes) -> Sequence[Report]:
    """The reports in one webhook.

    Raises:
        ValueError: it is not a webhook of WhatsApp; nothing of it is used then.
    """
    content = parse_json(body)
    if at_path(content, "object") != "whatsapp_business_account":
        raise ValueError("a webhook must be of a 'whatsapp_business_account'")
    reports = [_report(status) for status in _statuses(content)]
    return [report for report in reports if report is not None]


def _statuses(content: Any) -> Iterator[Any]:
    for entry in _list(content, "entry"):
        for change in _list(entry, "changes"):
            value = at_path(change, "value")
            if at_path(change, "field") == "messages" and at_path(value, "statuses") is not None:
                yield from _list(value, "statuses")


def _list(content: Any, name: str) -> list[Any]:
    match at_path(content, name):
        case list() as found:
            return found
    raise ValueError(f"{name} must be a list")


def _report(status: Any) -> Report | None:
    word = at_path(status, "status")
    message_id = identifier(at_path(status, "id"))
    if not isinstance(word, str) or message_id is None:
        raise ValueError("a status must hold a status and an id")
    kind = _KINDS.get(word)
    if kind is None:
        return None
    return Report(
        identifier(at_path(status, "biz_opaque_callback_data")),
        message_id,
        kind,
        at=unix_moment(at_path(status, "timestamp")),
        code=identifier(at_path(status, "errors.0.code")) if kind == "failed" else None,
    )
