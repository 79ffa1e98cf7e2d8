"""What people send to an account's numbers, as each vendor words it.

One function for each vendor; each raises ``ValueError`` for what is not in the vendor's form, and
gives nothing for what is something else than a text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from worker.adapters.base import HttpRequest
from worker.adapters.receiving import Inbound
from worker.adapters.reply import at_path, identifier, moment, parse_form, parse_json

#: Characters of a message that are looked at; what is longer is no word.
LONGEST = 10_000

_REFUSAL = "a message must hold who sent it, where to, and a text"


def message(
    sender: Any,
    recipient: Any,
    text: Any,
    id_: Any = None,
    at: datetime | None = None,
    pool: Any = None,
) -> Inbound:
    """The message of these values of a call; raises ``ValueError`` where one is missing."""
    found, to = identifier(sender), identifier(recipient)
    if found is None or to is None or not isinstance(text, str):
        raise ValueError(_REFUSAL)
    return Inbound(found, to, text[:LONGEST], identifier(id_), at, identifier(pool))


def twilio(request: HttpRequest) -> Sequence[Inbound]:
    """https://www.twilio.com/docs/messaging/guides/webhook-request"""
    form = dict(parse_form(request.body))
    return [
        message(
            form.get("From"),
            form.get("To"),
            form.get("Body"),
            form.get("MessageSid"),
            pool=form.get("MessagingServiceSid"),
        )
    ]


def vonage(fields: Mapping[str, str]) -> Sequence[Inbound]:
    """https://developer.vonage.com/en/messaging/sms/guides/inbound-sms

    The parts of a long message come one by one, and its first word is in the first one.
    """
    if fields.get("type") == "binary" or fields.get("concat-part", "1") != "1":
        return []
    sender, to, text = fields.get("msisdn"), fields.get("to"), fields.get("text")
    return [message(sender, to, text, fields.get("messageId"))]


def messagebird(request: HttpRequest) -> Sequence[Inbound]:
    """A form, or a query of the same fields: https://developers.messagebird.com/api/sms-messaging/"""
    query = request.url.partition("?")[2]
    form = dict(parse_form(query if request.method == "GET" else request.body))
    at = moment(form.get("createdDatetime", "").replace(" ", "+"))
    sender, to, text = form.get("originator"), form.get("recipient"), form.get("body")
    return [message(sender, to, text, form.get("id"), at)]


def telnyx(request: HttpRequest) -> Sequence[Inbound]:
    """https://developers.telnyx.com/api-reference/callbacks/inbound-message"""
    data = at_path(parse_json(request.body), "data")
    event = identifier(at_path(data, "event_type"))
    if event is None:
        raise ValueError("a call must hold data with an event_type")
    if event != "message.received":
        return []
    given = at_path(data, "payload")
    return [
        message(
            at_path(given, "from.phone_number"),
            at_path(given, "to.0.phone_number"),
            at_path(given, "text"),
            at_path(given, "id"),
            moment(at_path(given, "received_at")),
        )
    ]


def infobip(request: HttpRequest) -> Sequence[Inbound]:
    """https://www.infobip.com/docs/api/channels/sms/inbound-sms/receive-inbound-sms-messages"""
    results = at_path(parse_json(request.body), "results")
    return [
        message(
            at_path(one, "from"),
            at_path(one, "to"),
            at_path(one, "text"),
            at_path(one, "messageId"),
            moment(at_path(one, "receivedAt")),
        )
        for one in _listed(results)
    ]


def sinch(request: HttpRequest) -> Sequence[Inbound]:
    """https://developers.sinch.com/docs/sms/api-reference/sms/tag/Webhooks/"""
    given = parse_json(request.body)
    kind = identifier(at_path(given, "type"))
    if kind is None:
        raise ValueError("a call must hold a type")
    if kind != "mo_text":
        return []
    return [
        message(
            at_path(given, "from"),
            at_path(given, "to"),
            at_path(given, "body"),
            at_path(given, "id"),
            moment(at_path(given, "received_at")),
        )
    ]


def sandbox(request: HttpRequest) -> Sequence[Inbound]:
    """``{"messages": [{"id": .., "from": .., "to": .., "text": .., "at": ..}]}``"""
    return [
        message(
            at_path(one, "from"),
            at_path(one, "to"),
            at_path(one, "text"),
            at_path(one, "id"),
            moment(at_path(one, "at")),
        )
        for one in _listed(at_path(parse_json(request.body), "messages"))
    ]


def _listed(value: Any) -> Iterable[Any]:
    if isinstance(value, list):
        return value
    raise ValueError("a call must hold a list of messages")
