"""Adapter ``infobip``: Infobip, SMS API v3.

    POST {url}/sms/3/messages
    Authorization: App {api_key}
    {"messages": [{"sender": .., "destinations": [{"to": .., "messageId": ..}],
      "content": {"text": .., "transliteration": "NONE"},
      "options": {"validityPeriod": {"amount": 3600, "timeUnit": "SECONDS"}},
      "webhooks": {"delivery": {"url": ..}, "contentType": "application/json",
                   "callbackData": ..}}]}

The id of a message is ours, its reference, and Infobip refuses one that it has seen. That makes a
repetition harmless: its answer, 23, says that the message is there already. Or that it was refused
under this id before, for nowhere does Infobip say that it forgets those.

The answer to the request holds a status for each message, also where it refuses it.

==============================  ==============================================================
group 0, 1, 3                   Accepted
group 5, id 23                  Accepted where an earlier request may have arrived; else Unknown
group 5, ids of the tables      Blocked, Failed, or Rejected with a dead address
group 2, 4, 5, any other id     Rejected
any other group, or none        Unknown
==============================  ==============================================================

An answer to the request as a whole:

==============================  ==============================================================
400, 413, 415, 422 of one       Rejected
the same of several             Rejected for those that it names; the others Failed, since each may
                                be right by itself
401, 403, 404                   Blocked: the key, what it may do, or the account's own address
429                             Throttled, with Retry-After where there is one
500 and anything else           Unknown
==============================  ==============================================================

- https://www.infobip.com/docs/api/channels/sms/outbound-sms/send-sms-messages
- https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from typing import Any

from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters import inbound
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
from worker.adapters.infobip_reports import parse_reports
from worker.adapters.infobip_statuses import REJECTED, Status, status_of
from worker.adapters.json_post import json_post
from worker.adapters.options import HeaderValue, Options, ReportUrl, base_url, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, short_code

_PATH = "/sms/3/messages"

#: Far below what the size of a request allows; one that goes wrong puts so many in doubt.
_MAX_BATCH = 100

#: Longer is not supported and would be cut to it, see ValidityPeriod in
#: https://www.infobip.com/docs/api/channels/sms/outbound-sms/send-sms-messages
_LONGEST_VALIDITY = 48 * 3600

_TAKEN_GROUPS, _REFUSED_GROUPS = frozenset({0, 1, 3}), frozenset({2, 4, 5})

#: Of group 5, what is said of the account: no credits, credits that expired, on trial, no route.
_BLOCKED = frozenset({12, 17, 18, 19})
#: The number is none: its prefix or its length is wrong.
_DEAD = frozenset({8, 52})
_FLOODED, _SYSTEM_ERROR = 20, 21

#: The flooding filter counts what one number gets within an hour; the account may go on.
_FLOODING_PERIOD = 3600.0

_VIOLATED = re.compile(r"messages\[([0-9]{1,6})\]")


class InfobipOptions(Options):
    """What the adapter ``infobip`` can be told."""

    api_key: HeaderValue
    #: Where reports are to go; unset: where the subscription of the account sends them, if
    #: ``report_authorization`` says that there is one.
    report_url: ReportUrl | None = None
    #: The whole field ``Authorization`` that the calls with reports must carry, as it is set up
    #: at Infobip; unset: they prove nothing.
    report_authorization: HeaderValue | None = None


def build(config: ProviderConfig, clock: Clock) -> InfobipAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule, or there is no URL: each account
            has its own.
    """
    options = read_options(InfobipOptions, config)
    if not config.url:
        raise ConfigurationError(
            f"providers.{config.name}.url: must be the account's own base URL, such as "
            "https://xyz123.api.infobip.com."
        )
    return InfobipAdapter(base_url(config, "") + _PATH, clock, options)


class InfobipAdapter:
    """Many messages per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: InfobipOptions) -> None:
        self._url = url
        self._clock = clock
        self._options = options
        self._headers = {"authorization": f"App {options.api_key.get_secret_value()}"}
        proven = options.report_authorization is not None
        self.capabilities = Capabilities(
            max_batch=_MAX_BATCH,
            idempotent=True,
            reports=proven or options.report_url is not None,
            echoes_reference=True,
            channels=frozenset({"sms"}),
            validity="validityPeriod, s",
            report_proof="Authorization" if proven else None,
            inbound=proven,
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One POST for all.

        Raises:
            ValueError: there are none or too many messages, or two with the same reference.
        """
        if not 0 < len(messages) <= _MAX_BATCH:
            raise ValueError(f"a request holds 1 to {_MAX_BATCH} messages")
        if len({message.reference for message in messages}) < len(messages):
            raise ValueError("the second of two messages with one id would be refused")
        content = {"messages": [self._message(message) for message in messages]}
        return json_post(self._url, self._headers, content)

    def _message(self, message: Message) -> dict[str, Any]:
        webhooks: dict[str, Any] = {"callbackData": message.reference}
        if self._options.report_url is not None:
            webhooks["delivery"] = {"url": self._options.report_url}
            webhooks["contentType"] = "application/json"
        content: dict[str, Any] = {
            "sender": message.sender,
            "destinations": [{"to": message.address, "messageId": message.reference}],
            # Otherwise the account's setting might change the text, and what it costs.
            "content": {"text": message.text, "transliteration": "NONE"},
            "webhooks": webhooks,
        }
        validity = message.validity(self._clock.now())
        if validity is not None:
            period = {"amount": min(validity, _LONGEST_VALIDITY), "timeUnit": "SECONDS"}
            content["options"] = {"validityPeriod": period}
        return content

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the tables at the head of this module."""
        content = parse_json(response.body)
        if response.status == 200:
            return _each(messages, at_path(content, "messages"))
        code = _error_code(content) or f"http_{response.status}"
        match response.status:
            case 400 | 413 | 415 | 422:
                return _refused(messages, content, code)
            case 401 | 403 | 404:
                return [Blocked(code)] * len(messages)
            case 429:
                wait = retry_after(response.headers, self._clock.now())
                return [Throttled(wait, code)] * len(messages)
            case _:
                return [Unknown(code)] * len(messages)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the field ``Authorization``, which is all that Infobip proves itself with.

        Raises:
            ForgedReport: it is not what was set up.
        """
        expected = self._options.report_authorization
        if expected is None:
            return
        found = request.headers.get("authorization", "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(found, expected.get_secret_value().encode()):
            raise ForgedReport("the field Authorization is not the one that was set up")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The final reports in one call.

        Raises:
            ValueError: the call is not in this provider's form; nothing of it is used then.
        """
        return parse_reports(request.body)

    # See worker.adapters.receiving.
    verify_inbound = verify_report
    parse_inbound = staticmethod(inbound.infobip)


def _each(messages: Sequence[Message], entries: Any) -> list[Outcome]:
    """The outcomes by the ids that the entries are of, in whatever order they stand."""
    found: dict[str, Any] = {}
    for entry in entries if isinstance(entries, list) else ():
        message_id = identifier(at_path(entry, "messageId"))
        if message_id is not None:
            found.setdefault(message_id, entry)
    return [_outcome(found.get(message.reference), message) for message in messages]


def _outcome(entry: Any, message: Message) -> Outcome:
    status = status_of(entry)
    if status is None or status.id is None:
        return Unknown("no_status")
    if status.group in _TAKEN_GROUPS or (status.is_repetition and message.in_doubt):
        return Accepted(message.reference)
    if status.group not in _REFUSED_GROUPS or status.is_repetition:
        return Unknown(status.name)
    return _refusal(status) if status.group == REJECTED else Rejected(status.name)


def _refusal(status: Status) -> Outcome:
    if status.id in _BLOCKED:
        return Blocked(status.name)
    if status.id == _FLOODED:
        return Failed(status.name, retry_after=_FLOODING_PERIOD)
    if status.id == _SYSTEM_ERROR:
        return Failed(status.name)
    return Rejected(status.name, gone=status.id in _DEAD)


def _refused(messages: Sequence[Message], content: Any, code: str) -> list[Outcome]:
    """A request is refused as a whole, be it for one message; its ``violations`` say for which."""
    violations = at_path(content, "violations")
    named: set[int] = set()
    for violation in violations if isinstance(violations, list) else ():
        place = at_path(violation, "property")
        match = _VIOLATED.search(place) if isinstance(place, str) else None
        if match is not None:
            named.add(int(match.group(1)))
    if len(messages) == 1:
        return [Rejected(code)]
    return [Rejected(code) if n in named else Failed(code) for n in range(len(messages))]


def _error_code(content: Any) -> str | None:
    """``{"errorCode": ..}``, or the older ``{"requestError": {"serviceException": ..}}``."""
    older = at_path(content, "requestError.serviceException.messageId")
    return short_code(at_path(content, "errorCode")) or short_code(older)
