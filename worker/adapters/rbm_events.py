"""Events of RCS Business Messaging, pushed to a webhook, and that Google says them.

    {"message": {"data": "eyJldmVudFR5cGUiOi..", "attributes": {..}}, "subscription": ".."}

``data`` is in base64, and what is signed is what it stands for: ``X-Goog-Signature`` is the
HMAC-SHA512 of that with the webhook's client token, in base64
(https://developers.google.com/business-communications/rcs-business-messaging/guides/integrate/webhooks).

===============================  =================================================================
DELIVERED                        delivered
READ                             opened
TTL_EXPIRATION_REVOKED           failed: it had not arrived in time, and never will
TTL_EXPIRATION_REVOKE_FAILED     left out: nobody knows whether it arrived
any other, or none               left out: typing, subscriptions, messages of the user
===============================  =================================================================

https://developers.google.com/business-communications/rcs-business-messaging/guides/build/events
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence

from campaigns.run.events import ReportKind
from worker.adapters.base import ForgedReport, HttpRequest, Report
from worker.adapters.greeting import echoed
from worker.adapters.reply import at_path, identifier, moment, parse_json

_KINDS: Mapping[str, ReportKind] = {
    "DELIVERED": "delivered",
    "READ": "opened",
    "TTL_EXPIRATION_REVOKED": "failed",
}


def greeting(client_token: str | None, request: HttpRequest) -> str | None:
    """What Google wants to hear when a webhook is set up; ``None`` where it asks nothing.

        {"clientToken": "..", "secret": "1234567890"}

    https://developers.google.com/business-communications/rcs-business-messaging/guides/integrate/webhooks

    Raises:
        ForgedReport: it is not asked with the webhook's client token, or there is none.
    """
    content = parse_json(request.body)
    given, secret = at_path(content, "clientToken"), at_path(content, "secret")
    if not isinstance(given, str) or secret is None:
        return None
    told = given.encode("utf-8", "replace")
    if client_token is None or not hmac.compare_digest(client_token.encode(), told):
        raise ForgedReport("clientToken is not the client_token that is set")
    return echoed(secret)


def signed_by(client_token: str, request: HttpRequest) -> bool:
    """Whether the event in ``request`` is signed with the webhook's client token."""
    data = _data(request.body)
    if data is None:
        return False
    expected = base64.b64encode(hmac.digest(client_token.encode(), data, hashlib.sha512))
    given = request.headers.get("x-goog-signature", "")
    return hmac.compare_digest(expected, given.encode("utf-8", "replace"))


def parse(body: bytes) -> Sequence[Report]:
    """The report in one push.

    Raises:
        ValueError: it is not a push with an event; nothing of it is used then.
    """
    event = parse_json(_data(body) or b"")
    if not isinstance(event, dict):
        raise ValueError("a push must hold an event in message.data")  # noqa: TRY004
    word = event.get("eventType")
    kind = _KINDS.get(word) if isinstance(word, str) else None
    if kind is None:
        return []
    message_id = identifier(event.get("messageId"))
    if message_id is None:
        raise ValueError("an event about a message must hold its messageId")
    code = word if kind == "failed" else None
    return [Report(None, message_id, kind, at=moment(event.get("sendTime")), code=code)]


def _data(body: bytes) -> bytes | None:
    data = at_path(parse_json(body), "message.data")
    if not isinstance(data, str):
        return None
    try:
        return base64.b64decode(data, validate=True)
    except ValueError:
        return None
