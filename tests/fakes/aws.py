"""AWS End User Messaging SMS, as its API and its events are documented."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from campaigns.clock import Clock
from tests.fakes.amazon import AT, OPTIONS, changed, failure, published, refusal
from tests.fakes.base import Case, Profile, ReportCase, answer, reference
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    HttpResponse,
    Rejected,
    Report,
    Throttled,
    Unknown,
)

IDENT = "862a8790-60c0-4430-9b2b-658bdexample"
MILLISECONDS = int(AT.timestamp()) * 1000


def told(name: str, *, final: bool = True, **more: Any) -> dict[str, Any]:
    """An event."""
    return {
        "eventType": name,
        "eventVersion": "1.0",
        "eventTimestamp": MILLISECONDS,
        "isFinal": final,
        "destinationPhoneNumber": "+353861234567",
        "messageId": IDENT,
        "messageStatus": name.removeprefix("TEXT_"),
        "messageStatusDescription": "something about +353861234567",
        "context": {"reference": reference()},
        "totalMessageParts": 1,
        **more,
    }


DELIVERED = published(told("TEXT_DELIVERED"))
VALIDATION = {"Reason": "CANNOT_PARSE"}
OPTED_OUT = {"Reason": "DESTINATION_PHONE_NUMBER_OPTED_OUT"}

PROFILE = Profile(
    name="aws",
    channel="sms",
    options=OPTIONS,
    cases={
        "accepted": Case(answer(200, {"MessageId": IDENT}), [Accepted(IDENT)]),
        "rejected": Case(failure(400, "ValidationException"), [Rejected("ValidationException")]),
        "rejected: no such number": Case(
            failure(400, "ValidationException", **VALIDATION),
            [Rejected(VALIDATION["Reason"])],
        ),
        "rejected: opted out": Case(
            failure(400, "ConflictException", **OPTED_OUT), [Rejected(OPTED_OUT["Reason"])]
        ),
        "failed": Case(
            failure(500, "InternalServerException"), [Failed("InternalServerException")]
        ),
        "blocked: permission": Case(
            failure(400, "AccessDeniedException", Reason="ACCOUNT_DISABLED"),
            [Blocked("ACCOUNT_DISABLED")],
        ),
        "blocked: spent": Case(
            failure(
                400, "ServiceQuotaExceededException", Reason="MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"
            ),
            [Blocked("MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT")],
        ),
        "blocked: no such sender": Case(
            failure(400, "ResourceNotFoundException"), [Blocked("ResourceNotFoundException")]
        ),
        "blocked: sender not active": Case(
            failure(400, "ConflictException", Reason="RESOURCE_NOT_ACTIVE"),
            [Blocked("RESOURCE_NOT_ACTIVE")],
        ),
        "throttled": Case(
            failure(400, "ThrottlingException"), [Throttled(None, "ThrottlingException")]
        ),
        "unknown": Case(answer(500), [Unknown("http_500")]),
        "unknown: error": Case(failure(400, "NoSuchThing"), [Unknown("NoSuchThing")]),
        "malformed": Case(answer(200, b'{"Messa'), [Accepted()]),
    },
    reports={
        "delivered": ReportCase(DELIVERED, [Report(reference(), IDENT, "delivered", AT)]),
        "taken by the carrier, and that is all": ReportCase(
            published(told("TEXT_SUCCESSFUL")), [Report(reference(), IDENT, "delivered", AT)]
        ),
        "failed": ReportCase(
            published(told("TEXT_CARRIER_BLOCKED")),
            [Report(reference(), IDENT, "failed", AT, "CARRIER_BLOCKED")],
        ),
        "expired": ReportCase(
            published(told("TEXT_TTL_EXPIRED")),
            [Report(reference(), IDENT, "failed", AT, "TTL_EXPIRED")],
        ),
        "taken by the carrier for now": ReportCase(
            published(told("TEXT_SUCCESSFUL", final=False)), []
        ),
        "nothing is known": ReportCase(published(told("TEXT_UNKNOWN")), []),
        "of others": ReportCase(published(told("TEXT_DELIVERED", context={})), []),
    },
    no_reports=[published("hello"), published({"eventType": "TEXT_DELIVERED"})],
    forged=[
        changed(DELIVERED, Message="{}"),
        published(told("TEXT_DELIVERED"), TopicArn="arn:aws:sns:eu-west-1:666666666666:sluice"),
    ],
    proof_expires=4_200,
    proof="body",
)


class Fake:
    """The account of ``PROFILE``."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self.taken: list[tuple[str, str]] = []
        self.throttle = 0
        self._events: list[dict[str, Any]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        refused = refusal(request, "sms-voice", self._clock)
        if refused is not None:
            return refused
        if request.headers.get("x-amz-target") != "PinpointSMSVoiceV2.SendTextMessage":
            return failure(400, "UnknownOperationException")
        if self.throttle:
            self.throttle -= 1
            return failure(400, "ThrottlingException", "Rate exceeded")
        content = json.loads(request.body)
        number = content.get("DestinationPhoneNumber", "")
        if not re.fullmatch(r"\+[1-9][0-9]{1,14}", number):
            return failure(400, "ValidationException", **VALIDATION)
        if not 0 < len(content.get("MessageBody", "")) <= 1600:
            return failure(400, "ValidationException", Reason="INVALID_PARAMETER")
        if not 5 <= content.get("TimeToLive", 3600) <= 259_200:
            return failure(400, "ValidationException", Reason="INVALID_PARAMETER")
        if number.endswith("000"):
            return failure(400, "ConflictException", **OPTED_OUT)
        self.taken.append((number.removeprefix("+"), content["MessageBody"]))
        ident = f"862a8790-60c0-4430-9b2b-{len(self.taken):012}"
        if "ConfigurationSetName" in content:
            event = told("TEXT_DELIVERED", messageId=ident, context=content.get("Context", {}))
            self._events.append({**event, "destinationPhoneNumber": number})
        return answer(200, {"MessageId": ident})

    def reports(self) -> Sequence[HttpRequest]:
        """A call for each event."""
        due, self._events = self._events, []
        return [published(event, clock=self._clock) for event in due]
