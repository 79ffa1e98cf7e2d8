"""Adapter ``sendgrid``: Twilio SendGrid, Mail Send of the Web API v3.

    POST {url}/v3/mail/send
    Authorization: Bearer {api_key}
    {"personalizations": [{"to": [{"email": ..}], "subject": .., "headers": {..},
      "custom_args": {"reference": ..}, "substitutions": {"[[text]]": .., "[[html]]": ..}}, ..],
     "from": {"email": .., "name": ..},
     "content": [{"type": "text/plain", "value": "[[text]]"}, ..]}

A request has one content. Where texts differ it consists of placeholders, and each recipient's own
text stands in the substitutions, of which there is room for 10,000 bytes: longer ones go alone.

The answer has one id for all, in a field of its header. The id of a message is made of it and of
the reference, which comes back in every report.

===============================  =============================================================
202, 200                         Accepted
400, 413 of one                  Rejected
400 that names a recipient       Rejected; the others Failed, to be sent again without it
400, 413 of several otherwise    Failed: each may be right by itself
403 that names ``from``          Rejected: the sender of that campaign is not verified
401, 403, 404, 405               Blocked: the key, or what it may do
429                              Throttled until X-RateLimit-Reset
500 and anything else            Unknown
===============================  =============================================================

- https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
- https://www.twilio.com/docs/sendgrid/api-reference/mail-send/errors
- https://www.twilio.com/docs/sendgrid/for-developers/sending-email/personalizations
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.mailboxes import Mailbox
from campaigns.providers import ProviderConfig
from campaigns.template.content import Mail
from worker.adapters.base import (
    Accepted,
    Blocked,
    Capabilities,
    Failed,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.json_post import json_post
from worker.adapters.mail_batch import Batch, batch
from worker.adapters.mail_fields import one_line, unsubscribing
from worker.adapters.options import HeaderValue, Options, base_url, check_proof, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, unix_moment
from worker.adapters.sendgrid_events import Key, message_id, parse_events, read_key, verify

#: Accounts of the European region have api.eu.sendgrid.com.
_ENDPOINT = "https://api.sendgrid.com"

#: The vendor takes 1000; one that goes wrong puts so many in doubt.
_MAX_BATCH = 100

#: In bytes, of one recipient: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send
_LONGEST_SUBSTITUTIONS = 10_000

_TEXT, _HTML = "[[sluice-text]]", "[[sluice-html]]"

_PLACE = re.compile(r"personalizations\.([0-9]{1,4})(?:\.|\Z)")


class SendgridOptions(Options):
    """What the adapter ``sendgrid`` can be told."""

    api_key: HeaderValue
    #: The event webhook of the account calls Sluice's door for reports.
    reports: bool = False
    #: What SendGrid shows where the signed event webhook is switched on; unset: calls prove
    #: nothing.
    webhook_public_key: str | None = None


def build(config: ProviderConfig, clock: Clock) -> SendgridAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(SendgridOptions, config)
    check_proof(config, options, "webhook_public_key", "reports")
    key = None
    if options.webhook_public_key is not None:
        try:
            key = read_key(options.webhook_public_key)
        except ValueError as error:
            where = f"providers.{config.name}.webhook_public_key"
            raise ConfigurationError(f"{where}: {error}.") from None
    return SendgridAdapter(base_url(config, _ENDPOINT), clock, options, key)


class SendgridAdapter:
    """Many messages per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: SendgridOptions, key: Key | None) -> None:
        self._url = f"{url}/v3/mail/send"
        self._clock = clock
        self._key = key
        self._headers = {"authorization": f"Bearer {options.api_key.get_secret_value()}"}
        self.capabilities = Capabilities(
            max_batch=_MAX_BATCH,
            reports=options.reports,
            echoes_reference=True,
            channels=frozenset({"email"}),
            contents=frozenset({Mail}),
            report_proof=None if key is None else "ECDSA",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One POST for all.

        Raises:
            ValueError: they are no e-mails, or do not fit in one request.
        """
        mails = batch(messages, _MAX_BATCH)
        differ = len({(mail.text, mail.html) for _, mail in mails.mails}) > 1
        content: dict[str, Any] = {
            "personalizations": [_personal(*each, differ=differ) for each in mails.mails],
            "from": _mailbox(mails.sender),
            # Wanted, though each has one of their own.
            "subject": one_line(mails.first.subject),
            "content": _content(mails, differ=differ),
        }
        if mails.reply_to is not None:
            content["reply_to"] = _mailbox(mails.reply_to)
        return json_post(self._url, self._headers, content)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        code = f"http_{response.status}"
        match response.status:
            case 200 | 202:
                own = identifier(response.headers.get("x-message-id"))
                return [Accepted(own and message_id(own, each.reference)) for each in messages]
            case 400 | 413:
                return _refused(messages, parse_json(response.body), code)
            case 403 if _refuses_the_sender(parse_json(response.body)):
                return [Rejected(code)] * len(messages)
            case 401 | 403 | 404 | 405:
                return [Blocked(code)] * len(messages)
            case 429:
                return [Throttled(self._wait(response), code)] * len(messages)
            case _:
                return [Unknown(code)] * len(messages)

    def _wait(self, response: HttpResponse) -> float | None:
        """https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits"""
        now = self._clock.now()
        until = unix_moment(response.headers.get("x-ratelimit-reset", ""))
        if until is None:
            return retry_after(response.headers, now)
        return max((until - now).total_seconds(), 0.0)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature, where a key for it is set.

        Raises:
            ForgedReport: it is missing, wrong, or too old.
        """
        if self._key is not None:
            verify(self._key, request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The events in one call that are about messages of ours.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        return parse_events(request.body)


def _mailbox(box: Mailbox) -> dict[str, str]:
    return {"email": box.address, "name": box.name} if box.name else {"email": box.address}


def _content(mails: Batch, *, differ: bool) -> list[dict[str, str]]:
    """Plain text has to come first."""
    text, html = (_TEXT, _HTML) if differ else (mails.first.text, mails.first.html)
    parts = [{"type": "text/plain", "value": text}] if mails.first.text else []
    if mails.first.html is not None:
        parts.append({"type": "text/html", "value": html or " "})
    return parts


def _personal(message: Message, mail: Mail, *, differ: bool) -> dict[str, Any]:
    personal: dict[str, Any] = {
        "to": [{"email": message.address}],
        "subject": one_line(mail.subject),
        "custom_args": {"reference": message.reference},
    }
    headers = unsubscribing(mail)
    if headers:
        personal["headers"] = headers
    if differ:
        personal["substitutions"] = _substitutions(mail)
    return personal


def _substitutions(mail: Mail) -> dict[str, str]:
    values = {_TEXT: mail.text, _HTML: mail.html or ""}
    if any(name in value for name in values for value in (*values.values(), mail.subject)):
        raise ValueError("a text that holds a placeholder must go alone")
    if sum(len(name) + len(value.encode()) for name, value in values.items()) > (
        _LONGEST_SUBSTITUTIONS
    ):
        raise ValueError(f"texts of more than {_LONGEST_SUBSTITUTIONS} bytes must go alone")
    return values


def _refuses_the_sender(content: Any) -> bool:
    return any(field.split(".")[0] == "from" for field in _fields(content))


def _fields(content: Any) -> list[str]:
    """The places in the request that its errors name."""
    errors = at_path(content, "errors")
    listed = errors if isinstance(errors, list) else []
    return [field for each in listed if isinstance(field := at_path(each, "field"), str)]


def _refused(messages: Sequence[Message], content: Any, code: str) -> list[Outcome]:
    """A request is refused as a whole, be it for one recipient, whose place its errors name."""
    if len(messages) == 1:
        return [Rejected(code)]
    places = map(_PLACE.match, _fields(content))
    named = {int(place.group(1)) for place in places if place is not None}
    return [Rejected(code) if n in named else Failed(code) for n in range(len(messages))]
