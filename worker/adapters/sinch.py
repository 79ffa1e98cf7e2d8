"""Adapter ``sinch``: Sinch, SMS REST API (XMS).

    POST {url}/xms/v1/{service_plan_id}/batches
    Authorization: Bearer {api_token}
    {"type": "mt_text", "from": .., "to": ["353861234567", ..], "body": "${t0}${t1}",
     "parameters": {"t0": {"353861234567": ..}, "t1": ..}, "expire_at": "2030-01-01T00:00:00.000Z",
     "delivery_report": "per_recipient_final", "callback_url": ..}

A request is one batch: one sender, one body, one expiry. What differs goes in as parameters, and
since a parameter's value is short, each text is cut into as many of them as the longest one needs.
Messages that differ in sender or expiry, or go to one number, do not fit in one batch.

The answer has one id, for the batch. The id of a message is made of it and of the recipient, here
and in reports alike: ``batch:353861234567``.

===================================  =========================================================
201                                  Accepted; Unknown for a recipient that is not repeated
400 that quotes some recipients      Rejected; the others Failed, to be sent again without them
400 of several, that quotes none     Failed: each may be right by itself
400 of one, 403 with a known code    Rejected
401, 402, 403, 404                   Blocked: the token, or the plan and what it may do
429                                  Throttled, with Retry-After where there is one
503 with Retry-After                 Failed: it says that it did not take it
503 without, 500 and anything else   Unknown
===================================  =========================================================

- https://developers.sinch.com/docs/sms/api-reference/sms/batches
- https://developers.sinch.com/docs/sms/api-reference/status-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
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
    AccountName,
    HeaderValue,
    Options,
    ReportUrl,
    Secret,
    base_url,
    matching,
    read_options,
)
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, short_code
from worker.adapters.sinch_reports import check_signature, digits, message_id, parse_report

#: Each region is an installation of its own, in which an account is or is not.
_ENDPOINT = "https://us.sms.api.sinch.com"

#: The vendor takes 1000; one that goes wrong puts so many in doubt.
_MAX_BATCH = 100

#: Of a parameter's value, in UTF-16 units:
#: https://developers.sinch.com/docs/sms/resources/message-info/message-parameterization
_LONGEST_VALUE = 160

#: "Default and max": a later one would be refused. The minute is for clocks that disagree.
_LONGEST_VALIDITY = 3 * 86_400 - 60

#: Refusals of 403 that are about the request and not about who makes it.
_REJECTED = frozenset({"unknown_group", "unknown_campaign", "missing_callback_url"})


class SinchOptions(Options):
    """What the adapter ``sinch`` can be told."""

    service_plan_id: Annotated[
        AccountName,
        matching(r"[A-Za-z0-9_-]{1,64}", "must be 1 to 64 letters, digits, '_' and '-'"),
    ]
    api_token: HeaderValue
    report_url: ReportUrl | None = None
    #: With which Sinch signs its calls, set up for the service plan; unset: they prove nothing.
    hmac_secret: Secret | None = None


def build(config: ProviderConfig, clock: Clock) -> SinchAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(SinchOptions, config)
    return SinchAdapter(base_url(config, _ENDPOINT), clock, options)


class SinchAdapter:
    """One batch per request; see the module for how answers are read."""

    def __init__(self, url: str, clock: Clock, options: SinchOptions) -> None:
        self._url = f"{url}/xms/v1/{options.service_plan_id}/batches"
        self._clock = clock
        self._report_url = options.report_url
        self._secret = options.hmac_secret
        self._headers = {"authorization": f"Bearer {options.api_token.get_secret_value()}"}
        self.capabilities = Capabilities(
            max_batch=_MAX_BATCH,
            reports=options.report_url is not None,
            channels=frozenset({"sms"}),
            validity="expire_at, moment",
            report_proof=None if options.hmac_secret is None else "HMAC-SHA256",
            inbound=options.hmac_secret is not None,
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One POST for all.

        Raises:
            ValueError: there are none or too many messages, or some that do not fit in one batch.
        """
        if not 0 < len(messages) <= _MAX_BATCH:
            raise ValueError(f"a batch holds 1 to {_MAX_BATCH} messages")
        first = messages[0]
        if any(
            (each.sender, each.expires_at) != (first.sender, first.expires_at) for each in messages
        ):
            raise ValueError("messages of one batch have the same sender and the same expiry")
        texts = {message.address: message.text for message in messages}
        if len(texts) < len(messages):
            raise ValueError("a batch goes to each number once")
        content: dict[str, Any] = {
            "type": "mt_text",
            "from": first.sender,
            "to": list(texts),
            **_parameters(texts),
            **self._expiry(first),
            **self._reporting(),
        }
        return json_post(self._url, self._headers, content)

    def _expiry(self, message: Message) -> dict[str, str]:
        now = self._clock.now()
        validity = message.validity(now)
        if validity is None:
            return {}
        return {"expire_at": _iso(now + timedelta(seconds=min(validity, _LONGEST_VALIDITY)))}

    def _reporting(self) -> dict[str, str]:
        if self._report_url is None:
            return {"delivery_report": "none"}
        return {"delivery_report": "per_recipient_final", "callback_url": self._report_url}

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        content = parse_json(response.body)
        if response.status == 201:
            return _taken(messages, content)
        code = short_code(at_path(content, "code")) or f"http_{response.status}"
        if response.status == 400:
            return _refused(messages, at_path(content, "text"), code)
        return [self._outcome(response, code)] * len(messages)

    def _outcome(self, response: HttpResponse, code: str) -> Outcome:
        wait = retry_after(response.headers, self._clock.now())
        match response.status:
            case 403 if code in _REJECTED:
                return Rejected(code)
            case 401 | 402 | 403 | 404:
                return Blocked(code)
            case 429:
                return Throttled(wait, code)
            case 503 if wait is not None:
                # RFC 9110, section 15.6.4: who names a time has not tried. A bare 503 may come
                # from something on the way that lost the request half-way through.
                return Failed(code, wait)
            case _:
                return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature, where a secret for it is set.

        Raises:
            ForgedReport: it is missing, wrong, or too old.
        """
        if self._secret is not None:
            check_signature(self._secret.get_secret_value(), request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it tells of something else.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        return parse_report(request.body)

    # See worker.adapters.receiving.
    verify_inbound = verify_report
    parse_inbound = staticmethod(inbound.sinch)


def _parameters(texts: Mapping[str, str]) -> dict[str, Any]:
    """Body and parameters that come to these texts, by recipient."""
    # "${" in a text would be taken for a parameter; in a parameter's value it is text.
    first, *others = set(texts.values())
    if not others and "${" not in first:
        return {"body": first}
    # Without this there would be values that are empty, which nobody promises to be taken.
    count = max(_pieces(text) for text in texts.values())
    if any(len(text) < count for text in texts.values()):
        raise ValueError("texts of one batch must be cut into the same number of parameters")
    values = {address: _cut(text, count) for address, text in texts.items()}
    names = [f"t{n}" for n in range(count)]
    return {
        "body": "".join(f"${{{name}}}" for name in names),
        "parameters": {
            name: {address: pieces[n] for address, pieces in values.items()}
            for n, name in enumerate(names)
        },
    }


def _pieces(text: str) -> int:
    """How many values hold the text, if it is cut evenly."""
    # A character beyond the basic plane counts as two where lengths are those of UTF-16.
    longest = _LONGEST_VALUE if not text or max(text) <= "\uffff" else _LONGEST_VALUE // 2
    return max(-(-len(text) // longest), 1)


def _cut(text: str, count: int) -> list[str]:
    edges = [len(text) * n // count for n in range(count + 1)]
    return [text[start:end] for start, end in pairwise(edges)]


def _taken(messages: Sequence[Message], content: Any) -> list[Outcome]:
    batch = identifier(at_path(content, "id"))
    if batch is None:
        return [Accepted()] * len(messages)
    to = at_path(content, "to")
    listed = {digits(each) for each in to} if isinstance(to, list) else None
    return [
        Accepted(message_id(batch, message.address))
        if listed is None or message.address in listed
        else Unknown("recipient_missing")
        for message in messages
    ]


def _refused(messages: Sequence[Message], text: Any, code: str) -> list[Outcome]:
    """A batch is refused as a whole, be it for one number, which the text then quotes."""
    if len(messages) == 1:
        return [Rejected(code)]
    quoted = set(re.findall(r"[0-9]+", text)) if isinstance(text, str) else set()
    return [Rejected(code) if message.address in quoted else Failed(code) for message in messages]


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
