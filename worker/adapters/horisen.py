"""Adapter ``horisen``: SMS through HORISEN's SMS HTTP API, version 4 (HTTP Bulk Service).

    POST {url}   JSON, with the credentials in the body

https://developers.horisen.com/en/sms-http-api and the vendor's own client in
https://github.com/horisen/smsgate-smshttpclient-golang, whose list of codes this is:

============================  =========  =====================================================
answer                        outcome    why
============================  =========  =====================================================
202, or 200 with an id        Accepted   with an id for each part
420, code 105                 Throttled  too many messages in a short time
420, code 103, 104, 113       Blocked    no such account, address not allowed, no credit
420, code 101, or none        Failed     an error of the application, which the client, too,
                                         takes an unreadable refusal for
420, any other code           Rejected   sender, text, parameters, or no route to the receiver
429, 401, 403, 404            Throttled  of a server before it; the last three: Blocked
any other                     Unknown
============================  =========  =====================================================

A message has one id however many parts it has, and each part is reported alone. So a part is named
by the id and its number, ``id:1``, ``id:2`` and so on; a message of one part by the id. Whether
HORISEN counts parts from 0 or from 1 it does not say, so both are understood.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from campaigns.template.segments import Encoding, parts
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
from worker.adapters.message_ids import of_part, of_parts, part_count
from worker.adapters.options import (
    AccountName,
    Options,
    ReportUrl,
    Secret,
    checked_url,
    read_options,
)
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, short_code

_THROTTLED = frozenset({"105"})
_BLOCKED = frozenset({"103", "104", "113"})
_FAILED = frozenset({"101"})

#: Delivered, undelivered, rejected; not buffered (4), nor sent to the carrier (8).
_FINAL_EVENTS = 1 | 2 | 16

_KINDS: Mapping[str, ReportKind | None] = {
    "DELIVERED": "delivered",
    **dict.fromkeys(("UNDELIVERED", "REJECTED", "EXPIRED", "UNKNOWN"), "failed"),
    **dict.fromkeys(("BUFFERED", "SENT_TO_SMSC")),
}


class HorisenOptions(Options):
    """What the adapter ``horisen`` can be told."""

    username: AccountName = Field(min_length=1)
    password: Secret
    report_url: ReportUrl | None = None


def build(config: ProviderConfig, clock: Clock) -> HorisenAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    return HorisenAdapter(checked_url(config), read_options(HorisenOptions, config), clock)


class HorisenAdapter:
    """One message per request."""

    def __init__(self, url: str, options: HorisenOptions, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._auth = {
            "username": options.username,
            "password": options.password.get_secret_value(),
        }
        self._report_url = options.report_url
        self.capabilities = Capabilities(
            reports=options.report_url is not None,
            echoes_reference=True,
            channels=frozenset({"sms"}),
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message. There is no field for its expiry.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        content: dict[str, Any] = {
            "type": "text",
            "auth": self._auth,
            "sender": message.sender.removeprefix("+"),
            "receiver": message.address,
            "dcs": "gsm" if parts(message.text).encoding is Encoding.GSM_7 else "ucs",
            "text": message.text,
            "flash": False,
            "dlrMask": 0,
            "custom": {"reference": message.reference},
        }
        if self._report_url is not None:
            content |= {"dlrMask": _FINAL_EVENTS, "dlrUrl": self._report_url}
        return json_post(self._url, {}, content)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        code = f"http_{response.status}"
        wait = retry_after(response.headers, self._clock.now())
        match response.status:
            case 200 | 202:
                ids = _ids(content)
                return Accepted(*ids) if ids or response.status == 202 else Unknown(code)
            case 420:
                return _refusal(short_code(identifier(at_path(content, "error.code"))), wait)
            case 429:
                return Throttled(wait, code)
            case 401 | 403 | 404:
                return Blocked(code)
            case _:
                return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Nothing is signed: calls are to be let in from HORISEN's addresses alone.

        What is left is the reference, which only HORISEN and Sluice know.
        """

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call, of a part or of a message of one part; none if it is not final.

        Raises:
            ValueError: the call is not a delivery report with our reference.
        """
        content = parse_json(request.body)
        event = at_path(content, "event")
        message_id = _part_id(content)
        reference = identifier(at_path(content, "custom.reference"))
        if not isinstance(event, str) or message_id is None or reference is None:
            raise ValueError(
                "a delivery report must hold msgId, event, partNum of numParts, "
                "and custom with the reference"
            )
        kind = _KINDS.get(event)
        if kind is None:
            return []
        number = identifier(at_path(content, "errorCode"))
        code = short_code(event if number in (None, "0") else number)
        return [
            Report(
                reference,
                message_id,
                kind,
                at=_moment(at_path(content, "dlrTime")),
                code=None if kind == "delivered" else code,
                part=part_count(at_path(content, "numParts")) != 1,
            )
        ]


def _refusal(code: str | None, wait: float | None) -> Outcome:
    if code is None:
        return Failed("http_420")
    if code in _THROTTLED:
        return Throttled(wait, code)
    if code in _BLOCKED:
        return Blocked(code)
    return Failed(code) if code in _FAILED else Rejected(code)


def _ids(content: Any) -> list[str]:
    """The ids of the parts of a message that was accepted; of one if it does not say how many."""
    message_id = identifier(at_path(content, "msgId"))
    count = part_count(at_path(content, "numParts")) or 1
    return [] if message_id is None else of_parts(message_id, count)


def _part_id(content: Any) -> str | None:
    message_id = identifier(at_path(content, "msgId"))
    number, count = at_path(content, "partNum"), at_path(content, "numParts")
    return None if message_id is None else of_part(message_id, number, count)


def _moment(value: Any) -> datetime | None:
    """A moment in seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int) or not 10**9 <= value < 10**11:
        return None
    return datetime.fromtimestamp(value, UTC)
