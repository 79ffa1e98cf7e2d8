"""Adapter ``postmark``: Postmark, its batch endpoint.

    POST {url}/email/batch
    X-Postmark-Server-Token: {server_token}
    [{"From": .., "To": .., "ReplyTo": .., "Subject": .., "TextBody": .., "HtmlBody": ..,
      "Headers": [{"Name": "List-Unsubscribe", "Value": ..}], "Metadata": {"reference": ..},
      "MessageStream": "broadcast"}]

Messages of one request have nothing in common but the account. The answer to the request has one
entry for each, in order, also where it refuses one.

==============================  ==============================================================
ErrorCode 0                     Accepted
codes of ``_BLOCKED``           Blocked: the token, the message stream, the account
100, 429                        Failed, Throttled: down for maintenance, too many
any other                       Rejected; 400, 401: the sender is not confirmed, which is a matter
                                of that campaign; 406: bounced or complained before
no code, or too few             Unknown
==============================  ==============================================================

An answer to the request as a whole:

==============================  ==============================================================
401, 403, 404                   Blocked
429                             Throttled
422, 503 with a code            by the code; several that are refused together: Failed
413                             Rejected; of several Failed
500 and anything else           Unknown
==============================  ==============================================================

- https://postmarkapp.com/developer/api/email-api#send-batch-emails
- https://postmarkapp.com/developer/api/overview#error-codes
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import Annotated, Any

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Mail
from worker.adapters.base import (
    Accepted,
    Blocked,
    Capabilities,
    Failed,
    ForgedReport,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.header_text import mailbox as written
from worker.adapters.json_post import json_post
from worker.adapters.mail_fields import mailbox, one_line, only_mail, unsubscribing
from worker.adapters.options import (
    HeaderValue,
    Options,
    base_url,
    check_proof,
    matching,
    read_options,
)
from worker.adapters.postmark_events import VARIABLE, parse_event
from worker.adapters.reply import at_path, identifier, parse_json, retry_after

_ENDPOINT = "https://api.postmarkapp.com"

#: The vendor takes 500; one that goes wrong puts so many in doubt.
_MAX_BATCH = 100

#: Bad token; may not send; account pending, or not to send; message stream not found, or archived.
_BLOCKED = frozenset({10, 405, 412, 413, 1226, 1235})
_MAINTENANCE, _TOO_MANY = 100, 429


class PostmarkOptions(Options):
    """What the adapter ``postmark`` can be told."""

    server_token: HeaderValue
    #: Postmark keeps mail to many apart from mail to one, and so does its reputation.
    message_stream: Annotated[
        str,
        matching(r"[a-z0-9][a-z0-9-]{0,30}", "must be 1 to 31 lower-case letters, digits and '-'"),
    ] = "broadcast"
    #: The webhooks of the message stream call Sluice's door for reports.
    reports: bool = False
    #: The whole field ``Authorization`` that those calls must carry, as it is set up at Postmark;
    #: unset: they prove nothing.
    report_authorization: HeaderValue | None = None


def build(config: ProviderConfig, clock: Clock) -> PostmarkAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(PostmarkOptions, config)
    check_proof(config, options, "report_authorization", "reports")
    return PostmarkAdapter(base_url(config, _ENDPOINT), clock, options)


class PostmarkAdapter:
    """Many messages per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: PostmarkOptions) -> None:
        self._url = f"{url}/email/batch"
        self._clock = clock
        self._stream = options.message_stream
        self._authorization = options.report_authorization
        self._headers = {"x-postmark-server-token": options.server_token.get_secret_value()}
        self.capabilities = Capabilities(
            max_batch=_MAX_BATCH,
            reports=options.reports,
            echoes_reference=True,
            channels=frozenset({"email"}),
            contents=frozenset({Mail}),
            report_proof=None if self._authorization is None else "Authorization",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One POST for all.

        Raises:
            ValueError: there are none or too many, or one is no e-mail that could be sent.
        """
        mails = only_mail(messages, _MAX_BATCH)
        content = [self._message(*each) for each in mails]
        return json_post(self._url, self._headers, content)

    def _message(self, message: Message, mail: Mail) -> dict[str, Any]:
        content: dict[str, Any] = {
            "From": written(mailbox(message.sender)),
            "To": message.address,
            "Subject": one_line(mail.subject),
            "Metadata": {VARIABLE: message.reference},
            "MessageStream": self._stream,
        }
        if mail.text:
            content["TextBody"] = mail.text
        if mail.html is not None:
            content["HtmlBody"] = mail.html
        if not mail.text and not mail.html:
            raise ValueError("an e-mail needs a text or HTML")
        if mail.reply_to is not None:
            content["ReplyTo"] = written(mailbox(mail.reply_to))
        fields = unsubscribing(mail)
        if fields:
            content["Headers"] = [{"Name": k, "Value": v} for k, v in fields.items()]
        return content

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the tables at the head of this module."""
        content = parse_json(response.body)
        count = len(messages)
        if response.status == 200:
            entries = content if isinstance(content, list) else []
            found = [self._each(entry, response) for entry in entries[:count]]
            return found + [Unknown("no_code")] * (count - len(found))
        return [self._whole(content, response, count)] * count

    def _each(self, entry: Any, response: HttpResponse) -> Outcome:
        code = _code(entry)
        if code == 0:
            return Accepted(identifier(at_path(entry, "MessageID")))
        return Unknown("no_code") if code is None else self._refusal(code, response)

    def _whole(self, content: Any, response: HttpResponse, count: int) -> Outcome:
        code = _code(content)
        word = f"http_{response.status}" if code is None else f"error_{code}"
        match response.status:
            case 401 | 403 | 404:
                return Blocked(word)
            case 429:
                return Throttled(self._wait(response), word)
            case 413:
                return Rejected(word) if count == 1 else Failed(word)
            case 422 | 503 if code:
                found = self._refusal(code, response)
                # Of several, each may be right by itself.
                return Failed(word) if count > 1 and isinstance(found, Rejected) else found
            case _:
                return Unknown(word)

    def _refusal(self, code: int, response: HttpResponse) -> Outcome:
        word = f"error_{code}"
        if code in _BLOCKED:
            return Blocked(word)
        if code == _TOO_MANY:
            return Throttled(self._wait(response), word)
        return Failed(word) if code == _MAINTENANCE else Rejected(word)

    def _wait(self, response: HttpResponse) -> float | None:
        return retry_after(response.headers, self._clock.now())

    def verify_report(self, request: HttpRequest) -> None:
        """Check the field ``Authorization``, which is all that Postmark proves itself with.

        Raises:
            ForgedReport: it is not what was set up.
        """
        if self._authorization is None:
            return
        found = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(found, self._authorization.get_secret_value().encode()):
            raise ForgedReport("the field Authorization is not the one that was set up")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it is of something else.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        return parse_event(request.body)


def _code(entry: Any) -> int | None:
    code = at_path(entry, "ErrorCode")
    whole = isinstance(code, int) and not isinstance(code, bool)
    return code if whole and 0 <= code < 10_000 else None
