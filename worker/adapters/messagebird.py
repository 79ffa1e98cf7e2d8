"""Adapter ``messagebird``: MessageBird (now Bird), the REST API for SMS.

    POST {url}/messages
    Authorization: AccessKey {access_key}
    {"originator": .., "recipients": ["353861234567"], "body": .., "datacoding": "auto",
     "reference": .., "validity": 3600, "reportUrl": ..}

    201 {"id": .., "recipients": {"items": [{"recipient": 353861234567, "status": "sent"}]}}
    4xx {"errors": [{"code": 9, "description": .., "parameter": "recipients"}]}

A request has one text for all of its recipients, so each message gets its own.

=======================================  =====================================================
201                                      Accepted
code 2 or 25, or 401, 402, 403, 404      Blocked: the key or what it may do, or no balance
429                                      Throttled, with Retry-After where there is one
code 9 or 10 that names the recipient    Rejected with a dead address
400, 422 otherwise                       Rejected
5xx with code 99                         Failed: the vendor says that to repeat it is safe
500 and anything else                    Unknown
=======================================  =====================================================

- https://developers.messagebird.com/api/sms-messaging/
- https://developers.messagebird.com/api/#api-errors
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
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
from worker.adapters.messagebird_signature import check_signature
from worker.adapters.options import (
    HeaderValue,
    Options,
    ReportUrl,
    Secret,
    base_url,
    check_proof,
    read_options,
)
from worker.adapters.reply import at_path, identifier, moment, parse_json, retry_after
from worker.adapters.report_urls import as_called, fields_of

_ENDPOINT = "https://rest.messagebird.com"

_NOT_ALLOWED, _MISSING, _INVALID, _NO_BALANCE, _INTERNAL = 2, 9, 10, 25, 99

_FINAL: Mapping[str, ReportKind] = {
    "delivered": "delivered",
    "expired": "failed",
    "delivery_failed": "failed",
}
_INTERMEDIATE = frozenset({"scheduled", "sent", "buffered"})

_ERROR_CODE = re.compile(r"[1-9][0-9]{0,8}")


class MessageBirdOptions(Options):
    """What the adapter ``messagebird`` can be told."""

    access_key: HeaderValue
    report_url: ReportUrl | None = None
    #: Where MessageBird is told to call for incoming messages; unset: they are not taken.
    inbound_url: ReportUrl | None = None
    #: Which is not the access key; unset: reports prove nothing.
    signing_key: Secret | None = None


def build(config: ProviderConfig, clock: Clock) -> MessageBirdAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(MessageBirdOptions, config)
    if options.inbound_url is None:
        check_proof(config, options, "signing_key", "report_url")
    elif options.signing_key is None:
        raise ConfigurationError(
            f"providers.{config.name}.inbound_url: needs signing_key, or anybody could opt "
            "anybody out."
        )
    return MessageBirdAdapter(base_url(config, _ENDPOINT), clock, options)


class MessageBirdAdapter:
    """One message per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: MessageBirdOptions) -> None:
        self._url = f"{url}/messages"
        self._clock = clock
        self._report_url = options.report_url
        self._inbound_url = options.inbound_url
        self._key = options.signing_key
        self._headers = {"authorization": f"AccessKey {options.access_key.get_secret_value()}"}
        reports = options.report_url is not None
        self.capabilities = Capabilities(
            reports=reports,
            echoes_reference=reports,
            channels=frozenset({"sms"}),
            validity="validity, s",
            report_proof=None if options.signing_key is None else "JWT",
            inbound=options.inbound_url is not None and options.signing_key is not None,
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        content: dict[str, Any] = {
            "originator": message.sender,
            "recipients": [message.address],
            "body": message.text,
            # The default, plain, puts question marks where the GSM alphabet has no character.
            "datacoding": "auto",
            "reference": message.reference,
        }
        validity = message.validity(self._clock.now())
        if validity is not None:
            content["validity"] = validity
        if self._report_url is not None:
            content["reportUrl"] = self._report_url
        return json_post(self._url, self._headers, content)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        if response.status == 201:
            return Accepted(identifier(at_path(content, "id")))
        number = _number(at_path(content, "errors.0.code"))
        code = f"http_{response.status}" if number is None else str(number)
        match response.status:
            case 429:
                return Throttled(retry_after(response.headers, self._clock.now()), code)
            case 401 | 402 | 403 | 404:
                return Blocked(code)
            case 400 | 422 if number in (_NOT_ALLOWED, _NO_BALANCE):
                return Blocked(code)
            case 400 | 422:
                return Rejected(code, gone=_is_about_recipient(content, number))
            case status if status >= 500 and number == _INTERNAL:
                return Failed(code)
            case _:
                return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the token that signs the URL and the body, where the signing key is set.

        Raises:
            ForgedReport: it is missing, wrong, of another URL or body, or too old.
        """
        self._check_signature(self._report_url, request)

    def _check_signature(self, url: str | None, request: HttpRequest) -> None:
        if self._key is not None and url is not None:
            called = as_called(url, request.url)
            check_signature(self._key.get_secret_value(), called, request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call, a GET with all of it in the query.

        None where it is of a step on the way.

        Raises:
            ValueError: the query is not a status report of a message with a reference.
        """
        fields = fields_of(request.url)
        message_id, reference = identifier(fields.get("id")), identifier(fields.get("reference"))
        status = fields.get("status", "")
        kind = _FINAL.get(status)
        if message_id is None or reference is None or not (kind or status in _INTERMEDIATE):
            raise ValueError("a status report must hold id, reference and status in the query")
        if kind is None:
            return []
        # A plus that was not escaped reads as a space.
        at = moment(fields.get("statusDatetime", "").replace(" ", "+"))
        code = fields.get("statusErrorCode", "")
        known = kind == "failed" and _ERROR_CODE.fullmatch(code)
        return [Report(reference, message_id, kind, at, code if known else None)]

    def verify_inbound(self, request: HttpRequest) -> None:
        """Check the token that signs ``inbound_url`` and the body; raises ``ForgedReport``."""
        self._check_signature(self._inbound_url, request)

    # See worker.adapters.receiving.
    parse_inbound = staticmethod(inbound.messagebird)


def _number(value: Any) -> int | None:
    is_number = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**6
    return value if is_number else None


def _is_about_recipient(content: Any, number: int | None) -> bool:
    return number in (_MISSING, _INVALID) and at_path(content, "errors.0.parameter") in (
        "recipient",
        "recipients",
    )
