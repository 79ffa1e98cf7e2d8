"""Adapter ``aws``: AWS End User Messaging SMS.

    POST {url}/, signed (SigV4, service sms-voice)
    X-Amz-Target: PinpointSMSVoiceV2.SendTextMessage
    {"DestinationPhoneNumber": "+353861234567", "OriginationIdentity": .., "MessageBody": ..,
     "MessageType": "PROMOTIONAL", "ConfigurationSetName": .., "TimeToLive": 3600,
     "Context": {"reference": ..}}

===================================================  ==========================================
200                                                  Accepted, with MessageId
429, ThrottlingException                             Throttled
ConflictException whose reason is ``_NOT_THERE``     Rejected
other ConflictException, ResourceNotFound..          Blocked: the number, the pool, the set
ServiceQuotaExceededException, 403, ``aws_errors``   Blocked: what was spent, who may do what
ValidationException                                  Rejected; no reason says that a number is dead
InternalServerException                              Failed: "couldn't complete the request"
any other 500, and anything else                     Unknown
===================================================  ==========================================

- https://docs.aws.amazon.com/pinpoint/latest/apireference_smsvoicev2/API_SendTextMessage.html
- https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-types.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from worker.adapters import sns
from worker.adapters.aws_errors import REFUSED, error_name, throttled
from worker.adapters.aws_signature import Signer
from worker.adapters.aws_signature import endpoint as aws_endpoint
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
    Unknown,
)
from worker.adapters.json_post import json_post
from worker.adapters.options import base_url, matching, read_options
from worker.adapters.reply import at_path, identifier, parse_json, short_code, unix_moment

_TARGET = "PinpointSMSVoiceV2.SendTextMessage"

#: In seconds, and no more than three days.
_SHORTEST_VALIDITY, _LONGEST_VALIDITY = 5, 259_200

#: Characters; beyond it the request is refused whole.
_LONGEST_BODY = 1600

_HELD = frozenset(
    {"ConflictException", "ResourceNotFoundException", "ServiceQuotaExceededException"}
)
#: How the reasons of a ConflictException begin that are about the number, or the country it is of:
#: opted out, not verified, blocked by a protect configuration, nothing to send there from.
_NOT_THERE = ("DESTINATION_", "NO_ORIGINATION_IDENTITIES_FOUND")

#: Of an event that is final. Successful is all that many carriers ever say; whatever is still to
#: come is then not final. Of Unknown, which comes after 72 hours without a word, nothing is known:
#: https://docs.aws.amazon.com/sms-voice/latest/userguide/configuration-sets-event-format.html
_KINDS: Mapping[str, ReportKind] = {
    "TEXT_DELIVERED": "delivered",
    "TEXT_SUCCESSFUL": "delivered",
    "TEXT_INVALID": "failed",
    "TEXT_INVALID_MESSAGE": "failed",
    "TEXT_UNREACHABLE": "failed",
    "TEXT_CARRIER_UNREACHABLE": "failed",
    "TEXT_BLOCKED": "failed",
    "TEXT_CARRIER_BLOCKED": "failed",
    "TEXT_SPAM": "failed",
    "TEXT_TTL_EXPIRED": "failed",
    "TEXT_PROTECT_BLOCKED": "failed",
}


class AwsSmsOptions(sns.SnsOptions):
    """What the adapter ``aws`` can be told."""

    message_type: Literal["PROMOTIONAL", "TRANSACTIONAL"] = "PROMOTIONAL"
    #: US dollars that a message may cost.
    max_price: (
        Annotated[
            str, matching(r"[0-9]{1,2}\.[0-9]{1,5}", "must be a decimal number in quotes: '0.05'")
        ]
        | None
    ) = None


def build(config: ProviderConfig, clock: Clock) -> AwsSmsAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(AwsSmsOptions, config)
    url = base_url(config, aws_endpoint(config, "sms-voice", options.region))
    return AwsSmsAdapter(url, clock, options, sns.Topic.of(config, options))


class AwsSmsAdapter:
    """One message per request; see the module for how answers are read."""

    def __init__(
        self, url: str, clock: Clock, options: AwsSmsOptions, topic: sns.Topic | None
    ) -> None:
        self._url = f"{url}/"
        self._clock = clock
        self._options = options
        self._topic = topic
        self._signer = Signer.of("sms-voice", options)
        proven = topic is not None and topic.key is not None
        self.capabilities = Capabilities(
            reports=topic is not None,
            echoes_reference=True,
            channels=frozenset({"sms"}),
            validity="TimeToLive, s",
            report_proof="SNS, RSA" if proven else None,
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message, or it is too long.
        """
        (message,) = messages
        if len(message.text) > _LONGEST_BODY:
            raise ValueError(f"a text has at most {_LONGEST_BODY} characters")
        now = self._clock.now()
        content: dict[str, Any] = {
            "DestinationPhoneNumber": f"+{message.address}",
            "OriginationIdentity": message.sender,
            "MessageBody": message.text,
            "MessageType": self._options.message_type,
            "Context": {"reference": message.reference},
        }
        validity = message.validity(now)
        if validity is not None:
            content["TimeToLive"] = min(max(validity, _SHORTEST_VALIDITY), _LONGEST_VALIDITY)
        if self._options.configuration_set is not None:
            content["ConfigurationSetName"] = self._options.configuration_set
        if self._options.max_price is not None:
            content["MaxPrice"] = self._options.max_price
        headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": _TARGET}
        request = json_post(self._url, headers, content)
        return self._signer.sign(request, now)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        if response.status == 200:
            return Accepted(identifier(at_path(content, "MessageId")))
        name = error_name(response)
        slow = throttled(response, name)
        if slow is not None:
            return slow
        reason = short_code(at_path(content, "Reason"))
        code = reason or name or f"http_{response.status}"
        if name == "InternalServerException":
            return Failed(code)
        if response.status >= 500:
            return Unknown(code)
        if name == "ValidationException":
            return Rejected(code)
        if name == "ConflictException" and (reason or "").startswith(_NOT_THERE):
            return Rejected(code)
        held = name in _HELD or name in REFUSED or response.status in (401, 403, 404)
        return Blocked(code) if held else Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature of SNS, where its certificate is set.

        Raises:
            ForgedReport: it is missing, wrong, too old, or of another topic.
        """
        if self._topic is not None:
            self._topic.verify(request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it is of a step on the way.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        event = sns.event(request)
        if event is None:
            return []
        name = identifier(event.get("eventType"))
        message_id = identifier(event.get("messageId"))
        if name is None or message_id is None:
            raise ValueError("an event must have an eventType and a messageId")
        kind = _KINDS.get(name)
        reference = identifier(at_path(event, "context.reference"))
        if kind is None or reference is None or event.get("isFinal") is not True:
            return []
        at = unix_moment(event.get("eventTimestamp"), 1000)
        code = None if kind == "delivered" else name.removeprefix("TEXT_")
        return [Report(reference, message_id, kind, at, code)]
