"""Adapter ``mailgun``: Mailgun, Messages API v3.

    POST {url}/v3/{domain}/messages
    Authorization: Basic api:{api_key}
    from=..&to=..&to=..&subject=%recipient.subject%&text=%recipient.text%&html=%recipient.html%
    &v:reference=%recipient.reference%&recipient-variables={"mary@example.com": {"text": ..}}

The recipient variables do two things. Each reads a text of their own; and each gets a message of
their own, for without them all would be shown in the field To of one message. So they are always
there, also when all texts are equal.

The answer has one id for all. The id of a message is made of it and of the reference, which comes
back in every report.

===================================  =========================================================
200 with an id                       Accepted
200 without                          Unknown; Blocked if it is the greeting of another path
400, 413 of one                      Rejected
400 that quotes some recipients      Rejected; the others Failed, to be sent again without them
400, 413 of several otherwise        Failed: each may be right by itself
401, 402, 403, 404                   Blocked: the key, the bill, or the domain
429                                  Throttled
500 and anything else                Unknown
===================================  =========================================================

- https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages
- https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/batch-sending
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Mail
from worker.adapters.auth import basic
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
from worker.adapters.header_text import mailbox
from worker.adapters.mail_batch import batch
from worker.adapters.mail_fields import one_line, unsubscribing
from worker.adapters.mailgun_events import VARIABLE, message_id, parse_event, verify
from worker.adapters.options import (
    HeaderValue,
    Options,
    Secret,
    base_url,
    check_proof,
    matching,
    read_options,
)
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, unix_moment

#: Domains of the European region are at api.eu.mailgun.net, and unknown here.
_ENDPOINT = "https://api.mailgun.net"

#: The vendor takes 1000; one that goes wrong puts so many in doubt.
_MAX_BATCH = 100

#: How a variable begins. Who is called so must not be taken for one.
_MARK = "%recipient"

#: What answers 200 wherever no API is, as at a URL that lacks its /v3.
_GREETING = b"Mailgun Magnificent API"

_encode = json.JSONEncoder(separators=(",", ":")).encode


class MailgunOptions(Options):
    """What the adapter ``mailgun`` can be told."""

    domain: Annotated[
        str,
        Field(max_length=253),
        matching(
            r"[a-z0-9-]+(\.[a-z0-9-]+)+", "must be a domain in lower case, such as mg.example.com"
        ),
    ]
    api_key: HeaderValue
    #: The webhooks of the domain call Sluice's door for reports.
    reports: bool = False
    #: With which Mailgun signs its calls; unset: they prove nothing.
    webhook_signing_key: Secret | None = None


def build(config: ProviderConfig, clock: Clock) -> MailgunAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(MailgunOptions, config)
    check_proof(config, options, "webhook_signing_key", "reports")
    return MailgunAdapter(base_url(config, _ENDPOINT), clock, options)


class MailgunAdapter:
    """Many messages per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: MailgunOptions) -> None:
        self._url = f"{url}/v3/{options.domain}/messages"
        self._clock = clock
        self._key = options.webhook_signing_key
        self._headers = {
            "authorization": basic("api", options.api_key.get_secret_value()),
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        self.capabilities = Capabilities(
            max_batch=_MAX_BATCH,
            reports=options.reports,
            echoes_reference=True,
            channels=frozenset({"email"}),
            contents=frozenset({Mail}),
            report_proof=None if self._key is None else "HMAC-SHA256, not of the body",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One POST for all.

        Raises:
            ValueError: they are no e-mails, or do not fit in one request.
        """
        mails = batch(messages, _MAX_BATCH)
        variables = {message.address: _variables(message, mail) for message, mail in mails.mails}
        names = {frozenset(own) for own in variables.values()}
        if len(names) > 1:
            raise ValueError("e-mails of one request have the same header fields")
        fields = [("from", mailbox(mails.sender)), *(("to", address) for address in variables)]
        if mails.reply_to is not None:
            fields.append(("h:Reply-To", mailbox(mails.reply_to)))
        (own, *_) = variables.values()
        fields += [(_FIELDS.get(name, f"h:{name}"), f"{_MARK}.{name}%") for name in own]
        fields.append(("recipient-variables", _encode(variables)))
        return HttpRequest("POST", self._url, self._headers, urlencode(fields).encode("ascii"))

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        content = parse_json(response.body)
        code = f"http_{response.status}"
        match response.status:
            case 200:
                return _taken(messages, content, response.body)
            case 400 | 413:
                return _refused(messages, at_path(content, "message"), code)
            case 401 | 402 | 403 | 404:
                return [Blocked(code)] * len(messages)
            case 429:
                return [Throttled(self._wait(response), code)] * len(messages)
            case _:
                return [Unknown(code)] * len(messages)

    def _wait(self, response: HttpResponse) -> float | None:
        """X-RateLimit-Reset is a moment in milliseconds; Retry-After goes first."""
        now = self._clock.now()
        wait = retry_after(response.headers, now)
        until = unix_moment(response.headers.get("x-ratelimit-reset", ""), 1000)
        if wait is not None or until is None:
            return wait
        return max((until - now).total_seconds(), 0.0)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature, where a key for it is set.

        Raises:
            ForgedReport: it is missing, wrong, or too old.
        """
        if self._key is not None:
            verify(self._key.get_secret_value(), request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it is of a step on the way.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        return parse_event(request.body)


#: The form's own fields, by the variables that fill them; others are header fields.
_FIELDS = {"subject": "subject", "text": "text", "html": "html", VARIABLE: f"v:{VARIABLE}"}


def _variables(message: Message, mail: Mail) -> dict[str, str]:
    found = {"subject": one_line(mail.subject), VARIABLE: message.reference, **unsubscribing(mail)}
    if mail.text:
        found["text"] = mail.text
    if mail.html is not None:
        found["html"] = mail.html
    if any(_MARK in value for value in found.values()):
        raise ValueError(f"{_MARK!r} would be taken for a variable")
    return found


def _taken(messages: Sequence[Message], content: Any, body: bytes) -> list[Outcome]:
    own = identifier(at_path(content, "id"))
    if own is None:
        greeting: Outcome = Blocked("no_api_there")
        return [greeting if _GREETING in body[:200] else Unknown("no_id")] * len(messages)
    return [Accepted(message_id(own, message.reference)) for message in messages]


def _refused(messages: Sequence[Message], text: Any, code: str) -> list[Outcome]:
    """A request is refused as a whole, be it for one address, which the text may quote."""
    if len(messages) == 1:
        return [Rejected(code)]
    words = set(text.lower().replace("'", " ").split()) if isinstance(text, str) else set()
    return [
        Rejected(code) if message.address.lower() in words else Failed(code) for message in messages
    ]
