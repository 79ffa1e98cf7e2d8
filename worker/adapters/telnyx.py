"""Adapter ``telnyx``: Telnyx, Messaging API v2.

    POST {url}/v2/messages
    Authorization: Bearer {api_key}
    {"from": "+15550001111", "to": "+353861234567", "text": .., "type": "SMS",
     "messaging_profile_id": .., "webhook_url": "{report_url}?reference=.."}

    200 {"data": {"id": .., "to": [{"phone_number": .., "status": "queued"}], "errors": []}}
    4xx {"errors": [{"code": "10002", "title": .., "detail": ..}]}

A refusal is read by its code, not by its status: 429 is too many requests, a full queue, and also
a daily limit on spending, which no waiting for seconds mends.

========================================  ====================================================
200                                       Accepted
a code of ``_THROTTLED``, or 429          Throttled, with Retry-After where there is one
a code of ``_BLOCKED``, or 401 to 404     Blocked: the account, its level, or what it points to
a code of ``_FAILED``                     Failed: the carrier may take it another time
a code of ``_OPEN``                       Unknown: it timed out, or something unexpected happened
any other code with 4xx; 400, 422         Rejected; dead address where a code of ``_GONE`` says so
500 and anything else                     Unknown
========================================  ====================================================

Nothing of ours comes back in reports, so the reference is put into the query of the report URL.

- https://developers.telnyx.com/api/messaging/send-message
- https://developers.telnyx.com/docs/messaging/messages/error-codes
- https://developers.telnyx.com/development/api-fundamentals/api-errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from worker.adapters import inbound
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
from worker.adapters.options import (
    HeaderValue,
    Options,
    ReportUrl,
    base_url,
    matching,
    read_options,
)
from worker.adapters.reply import at_path, identifier, moment, parse_json, retry_after, short_code
from worker.adapters.report_urls import REFERENCE, fields_of, with_reference
from worker.adapters.senders import prefixed
from worker.adapters.telnyx_signature import check_signature, public_key

_ENDPOINT = "https://api.telnyx.com"

_THROTTLED = frozenset(
    {
        "10011",  # too many requests
        "40011",  # rate of the sender or the profile
        "40318",  # the queue of messages is full
    }
)
_BLOCKED = frozenset(
    {
        "10009",  # authentication
        "10010",  # authorization
        "10039",  # a feature that the account's level limits
        "20012",  # account inactive
        "20013",  # account blocked
        # The daily limit on spending of the messaging profile, which comes with status 429:
        # https://developers.telnyx.com/docs/messaging/messages/configurable-spend-limits
        "40333",
    }
)
_FAILED = frozenset(
    {
        "40002",  # blocked as spam, for now
        "40004",  # the carrier refuses and does not say why
        "40006",  # the carrier cannot be reached
    }
)
_OPEN = frozenset({"10007", "10008"})
_GONE = frozenset(
    {
        "40001",  # a landline
        "40012",  # no number that gets messages
    }
)
#: No phone number, and not in the form of one: the recipient's or the sender's.
_NO_NUMBER = frozenset({"10002", "10016"})
_RECIPIENT = re.compile(r"(.*/)?to(/.*)?")

#: Of ``message.finalized``. It is not known whether what is "delivery_unconfirmed" arrived:
#: https://developers.telnyx.com/docs/messaging/messages/receiving-webhooks
_FINAL: Mapping[str, ReportKind] = {
    "delivered": "delivered",
    "sending_failed": "failed",
    "delivery_failed": "failed",
    "expired": "failed",
}


def _checked_key(text: str) -> str:
    public_key(text)
    return text


class TelnyxOptions(Options):
    """What the adapter ``telnyx`` can be told."""

    api_key: HeaderValue
    #: Wanted for senders that are names, and for number pools.
    messaging_profile_id: (
        Annotated[str, matching(r"[0-9A-Za-z-]{1,64}", "must be 1 to 64 letters, digits and '-'")]
        | None
    ) = None
    report_url: ReportUrl | None = None
    #: The account's, base64, as Mission Control shows it; unset: reports prove nothing.
    public_key: Annotated[str, AfterValidator(_checked_key)] | None = None


def build(config: ProviderConfig, clock: Clock) -> TelnyxAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(TelnyxOptions, config)
    return TelnyxAdapter(base_url(config, _ENDPOINT), clock, options)


class TelnyxAdapter:
    """One message per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: TelnyxOptions) -> None:
        self._url = f"{url}/v2/messages"
        self._clock = clock
        self._profile = options.messaging_profile_id
        self._report_url = options.report_url
        self._key = None if options.public_key is None else public_key(options.public_key)
        self._headers = {"authorization": f"Bearer {options.api_key.get_secret_value()}"}
        reports = options.report_url is not None
        self.capabilities = Capabilities(
            reports=reports,
            echoes_reference=reports,
            channels=frozenset({"sms"}),
            report_proof=None if self._key is None else "Ed25519",
            inbound=self._key is not None,
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        content: dict[str, Any] = {
            "from": prefixed(message.sender, "+"),
            "to": f"+{message.address}",
            "text": message.text,
            "type": "SMS",
        }
        if self._profile is not None:
            content["messaging_profile_id"] = self._profile
        if self._report_url is not None:
            content["webhook_url"] = with_reference(self._report_url, message.reference)
        return json_post(self._url, self._headers, content)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        status = response.status
        if status == 200:
            return Accepted(identifier(at_path(content, "data.id")))
        known = short_code(identifier(at_path(content, "errors.0.code")))
        code = known or f"http_{status}"
        if not 400 <= status < 500:
            return Unknown(code)
        if code in _BLOCKED:
            return Blocked(code)
        if code in _THROTTLED or status == 429:
            return Throttled(retry_after(response.headers, self._clock.now()), code)
        if code in _FAILED:
            return Failed(code)
        if code in _OPEN:
            return Unknown(code)
        # 40xxx are about the message, whatever status they come with.
        if status in (401, 402, 403, 404) and not code.startswith("40"):
            return Blocked(code)
        if known is None and status not in (400, 422):
            return Unknown(code)
        return Rejected(code, gone=code in _GONE or (code in _NO_NUMBER and _is_of_to(content)))

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature, where the account's public key is set.

        It is of the body alone. What the query says is proven by itself, see
        :data:`worker.adapters.report_urls.REFERENCE`.

        Raises:
            ForgedReport: it is missing, wrong, or too old.
        """
        if self._key is not None:
            check_signature(self._key, request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it tells of a step on the way, or of something else.

        Raises:
            ValueError: the call is no event, or one that does not say of which message.
        """
        data = at_path(parse_json(request.body), "data")
        event = identifier(at_path(data, "event_type"))
        if event is None:
            raise ValueError("a call must hold data with an event_type")
        if event != "message.finalized":
            return []
        message_id = identifier(at_path(data, "payload.id"))
        status = identifier(at_path(data, "payload.to.0.status"))
        if message_id is None or status is None:
            raise ValueError("a report must hold the id of a message and the status of a recipient")
        kind = _FINAL.get(status)
        if kind is None:
            return []
        reference = identifier(fields_of(request.url).get(REFERENCE))
        at = moment(at_path(data, "payload.completed_at")) or moment(at_path(data, "occurred_at"))
        code = short_code(identifier(at_path(data, "payload.errors.0.code")))
        if kind != "failed":
            return [Report(reference, message_id, kind, at)]
        return [Report(reference, message_id, kind, at, code, gone=code in _GONE)]

    # See worker.adapters.receiving.
    verify_inbound = verify_report
    parse_inbound = staticmethod(inbound.telnyx)


def _is_of_to(content: Any) -> bool:
    """Whether an error points to the recipient."""
    place = at_path(content, "errors.0.source.pointer")
    return isinstance(place, str) and _RECIPIENT.fullmatch(place) is not None
