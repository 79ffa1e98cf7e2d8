"""Amazon SES, as its API v2 and its event publishing are documented."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from campaigns.clock import Clock
from tests.fakes.amazon import AT, OPTIONS, changed, failure, published, refusal
from tests.fakes.base import Case, Profile, ReportCase, answer, reference
from tests.fakes.mail import ADDRESSES, MAIL, SENDER
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

IDENT = "010f0170c8ba5b5d-000000"
STAMP = "2029-12-31T23:59:58.000Z"


def told(name: str, index: int = 0, ident: str = IDENT, **details: Any) -> dict[str, Any]:
    """An event; ``details`` are in the object that is called as the event."""
    key = {"Rendering Failure": "failure"}.get(name, name.lower())
    return {
        "eventType": name,
        "mail": {
            "timestamp": STAMP,
            "source": "news@shop.example",
            "messageId": ident,
            "destination": [ADDRESSES[index]],
            "tags": {"ses:configuration-set": ["sluice"], "reference": [reference(index)]},
        },
        key: {"timestamp": STAMP, **details},
    }


def results(*statuses: str) -> HttpResponse:
    entries = [
        {"Status": status, "MessageId": f"{IDENT}-{n}"}
        if status == "SUCCESS"
        else {"Status": status, "Error": f"no, {ADDRESSES[n]}"}
        for n, status in enumerate(statuses)
    ]
    return answer(200, {"BulkEmailEntryResults": entries})


BOUNCE = told(
    "Bounce",
    bounceType="Permanent",
    bounceSubType="General",
    bouncedRecipients=[{"emailAddress": ADDRESSES[0], "action": "failed", "status": "5.1.1"}],
)
DELIVERED = published(told("Delivery", recipients=[ADDRESSES[0]]))

PROFILE = Profile(
    name="ses",
    channel="email",
    options=OPTIONS,
    content=MAIL,
    sender=SENDER,
    addresses=ADDRESSES,
    cases={
        "accepted": Case(results("SUCCESS"), [Accepted(f"{IDENT}-0")]),
        "partly accepted": Case(
            results("SUCCESS", "MESSAGE_REJECTED", "TRANSIENT_FAILURE", "ACCOUNT_THROTTLED"),
            [
                Accepted(f"{IDENT}-0"),
                Rejected("MESSAGE_REJECTED"),
                Failed("TRANSIENT_FAILURE"),
                Throttled(None, "ACCOUNT_THROTTLED"),
            ],
            messages=4,
        ),
        "rejected": Case(failure(400, "BadRequestException"), [Rejected("BadRequestException")]),
        "rejected: an entry": Case(results("INVALID_PARAMETER"), [Rejected("INVALID_PARAMETER")]),
        "rejected: sender": Case(
            results("MAIL_FROM_DOMAIN_NOT_VERIFIED"), [Rejected("MAIL_FROM_DOMAIN_NOT_VERIFIED")]
        ),
        "failed": Case(results("FAILED"), [Failed("FAILED")]),
        "failed: refused together": Case(
            failure(400, "MessageRejected"), [Failed("MessageRejected")] * 2, messages=2
        ),
        "blocked: key": Case(
            failure(403, "com.amazon.coral.service#UnrecognizedClientException"),
            [Blocked("UnrecognizedClientException")],
        ),
        "blocked: paused": Case(
            failure(400, "SendingPausedException"), [Blocked("SendingPausedException")]
        ),
        "blocked: quota": Case(
            results("ACCOUNT_DAILY_QUOTA_EXCEEDED"), [Blocked("ACCOUNT_DAILY_QUOTA_EXCEEDED")]
        ),
        "blocked: no such set": Case(
            failure(404, "NotFoundException"), [Blocked("NotFoundException")]
        ),
        "throttled": Case(
            failure(429, "TooManyRequestsException"), [Throttled(None, "TooManyRequestsException")]
        ),
        "throttled: by its other name": Case(
            failure(400, "Throttling:http://internal.amazon.com/"), [Throttled(None, "Throttling")]
        ),
        "unknown": Case(answer(500), [Unknown("http_500")]),
        "unknown: status": Case(results("SOMETHING_NEW"), [Unknown("no_status")]),
        "too few": Case(
            results("SUCCESS"), [Accepted(f"{IDENT}-0"), Unknown("no_status")], messages=2
        ),
        "malformed": Case(answer(200, b'{"BulkEm'), [Unknown("no_status")]),
    },
    reports={
        "delivered": ReportCase(DELIVERED, [Report(reference(), IDENT, "delivered", AT)]),
        "delivered, signed by SHA-1": ReportCase(
            published(told("Delivery"), version="1"), [Report(reference(), IDENT, "delivered", AT)]
        ),
        "failed": ReportCase(
            published(BOUNCE, Subject="Amazon SES Email Event Notification"),
            [Report(reference(), IDENT, "bounced", AT, "5.1.1", gone=True)],
        ),
        "bounced, on the account's list": ReportCase(
            published(
                told(
                    "Bounce",
                    bounceType="Permanent",
                    bounceSubType="OnAccountSuppressionList",
                    bouncedRecipients=[{"status": "5.1.1"}],
                )
            ),
            [Report(reference(), IDENT, "bounced", AT, "5.1.1")],
        ),
        "bounced, for now": ReportCase(
            published(told("Bounce", bounceType="Transient", bouncedRecipients=[])),
            [Report(reference(), IDENT, "bounced", AT, "Transient")],
        ),
        "rendering": ReportCase(
            published(told("Rendering Failure")),
            [Report(reference(), IDENT, "failed", AT, "RenderingFailure")],
        ),
        "opened": ReportCase(
            published(told("Open", ipAddress="192.0.2.1")),
            [
                Report(
                    reference(), IDENT, "opened", AT, event_id=f"{IDENT}:2029-12-31T23:59:58+00:00"
                )
            ],
        ),
        "intermediate": ReportCase(published(told("DeliveryDelay")), []),
        "of others": ReportCase(
            published({"eventType": "Delivery", "mail": {"messageId": "x", "tags": {}}}), []
        ),
        "subscription": ReportCase(
            published(
                "You have chosen to subscribe",
                kind="SubscriptionConfirmation",
                Token="2336",
                SubscribeURL="https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
            ),
            [],
        ),
    },
    no_reports=[
        published("hello"),
        published({"eventType": "Delivery"}),
        published([3]),
        HttpRequest("POST", "/", {}, b'{"Type": "Else", "Message": "{}"}'),
    ],
    forged=[
        changed(DELIVERED, Message="{}"),
        changed(DELIVERED, Subject="x"),
        changed(DELIVERED, MessageId="x"),
        changed(DELIVERED, Timestamp="2029-12-31T23:59:59.000Z"),
        changed(DELIVERED, Signature="?"),
        changed(DELIVERED, SignatureVersion="3"),
        changed(DELIVERED, Type="SubscriptionConfirmation"),
        changed(DELIVERED, Type=None),
        published(told("Delivery"), TopicArn="arn:aws:sns:eu-west-1:666666666666:sluice"),
        published(told("Delivery"), Timestamp="2029-12-31T12:00:00.000Z"),
        published(told("Delivery"), Timestamp="yesterday"),
    ],
    proof_expires=4_200,
    proof="body",
)


class Fake:
    """The account of ``PROFILE``."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self.taken: list[tuple[str, str]] = []
        #: Every message as its reader sees it.
        self.letters: list[dict[str, Any]] = []
        self.throttle = 0
        self._events: list[dict[str, Any]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if (request.method, request.url) != ("POST", "/v2/email/outbound-bulk-emails"):
            return failure(404, "UnknownOperationException")
        refused = refusal(request, "ses", self._clock)
        if refused is not None:
            return refused
        if self.throttle:
            self.throttle -= 1
            return failure(429, "TooManyRequestsException", "Maximum sending rate exceeded.")
        content = json.loads(request.body)
        entries = content.get("BulkEmailEntries", [])
        if not 1 <= len(entries) <= 50 or "FromEmailAddress" not in content:
            return failure(400, "BadRequestException")
        if content.get("ConfigurationSetName", "sluice") != "sluice":
            return failure(404, "NotFoundException", "Configuration set does not exist")
        return answer(200, {"BulkEmailEntryResults": [self._take(content, e) for e in entries]})

    def _take(self, content: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
        (address,) = entry["Destination"]["ToAddresses"]
        tags = {tag["Name"]: tag["Value"] for tag in entry.get("ReplacementTags", [])}
        known = all(re.fullmatch(r"[A-Za-z0-9_-]{1,256}", value) for value in tags.values())
        if not address.isascii() or not known:
            return {"Status": "INVALID_PARAMETER", "Error": "Invalid parameter"}
        template = content["DefaultContent"]["Template"]
        data = entry["ReplacementEmailContent"]["ReplacementTemplate"]["ReplacementTemplateData"]
        values = {**json.loads(template["TemplateData"]), **json.loads(data)}
        parts = {
            name: re.sub(r"\{\{(\w+)\}\}", lambda match: str(values[match.group(1)]), text)
            for name, text in template["TemplateContent"].items()
        }
        headers = {one["Name"]: one["Value"] for one in entry.get("ReplacementHeaders", [])}
        self.taken.append((address, parts.get("Text") or parts["Html"]))
        self.letters.append({**parts, **headers, "from": content["FromEmailAddress"]})
        ident = f"{IDENT}-{len(self.taken)}"
        event = told("Delivery", ident=ident)
        event["mail"]["tags"] = {name: [value] for name, value in tags.items()}
        self._events.append(event)
        return {"Status": "SUCCESS", "MessageId": ident}

    def reports(self) -> Sequence[HttpRequest]:
        """A call for each event."""
        due, self._events = self._events, []
        return [published(event, clock=self._clock) for event in due]
