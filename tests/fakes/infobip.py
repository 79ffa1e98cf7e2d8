"""Infobip, as its SMS API v3 is documented: a status for each message, ids that are kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.fakes.base import SECRET, Case, Profile, ReportCase, answer, reference
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

API_KEY = f"{SECRET}-api-key"
REPORT_URL = "https://sluice.example.com/reports/infobip"

#: Group and name of each status that is made use of here, by its id.
STATUSES = {
    2: (3, "DELIVERED_TO_OPERATOR"),
    4: (2, "UNDELIVERABLE_REJECTED_OPERATOR"),
    5: (3, "DELIVERED_TO_HANDSET"),
    6: (5, "REJECTED_NETWORK"),
    9: (2, "UNDELIVERABLE_NOT_DELIVERED"),
    12: (5, "REJECTED_NOT_ENOUGH_CREDITS"),
    14: (5, "REJECTED_DESTINATION_BLOCKLISTED"),
    15: (4, "EXPIRED_EXPIRED"),
    20: (5, "REJECTED_FLOODING_FILTER"),
    21: (5, "REJECTED_SYSTEM_ERROR"),
    23: (5, "REJECTED_DUPLICATE_MESSAGE_ID"),
    26: (1, "PENDING_ACCEPTED"),
    52: (5, "REJECTED_DESTINATION"),
}
GROUPS = ("ACCEPTED", "PENDING", "UNDELIVERABLE", "DELIVERED", "EXPIRED", "REJECTED")


def status(number: int) -> dict[str, Any]:
    group, name = STATUSES[number]
    return {
        "groupId": group,
        "groupName": GROUPS[group],
        "id": number,
        "name": name,
        "description": f"What {name} means, in a sentence",
    }


def entry(number: int, index: int = 0) -> dict[str, Any]:
    """What the answer says of one message."""
    return {
        "messageId": reference(index),
        "status": status(number),
        "destination": "353861234567",
        "details": {"messageCount": 1},
    }


def answered(*numbers: int) -> HttpResponse:
    entries = [entry(number, index) for index, number in enumerate(numbers)]
    return answer(200, {"bulkId": "b-1", "messages": entries})


def problem(code: str, *violations: tuple[str, str]) -> dict[str, Any]:
    return {
        "errorCode": code,
        "description": "A sentence about what is wrong.",
        "action": "A sentence about what to do.",
        "violations": [{"property": name, "violation": text} for name, text in violations],
        "resources": [],
    }


def legacy(message_id: str) -> dict[str, Any]:
    exception = {"messageId": message_id, "text": "Invalid login details"}
    return {"requestError": {"serviceException": exception}}


def result(number: int, message_id: str, to: str, error: str = "NO_ERROR") -> dict[str, Any]:
    """One delivery report."""
    return {
        "bulkId": "b-1",
        "messageId": message_id,
        "to": to,
        "sentAt": "2029-12-31T23:59:57.000+0000",
        "doneAt": "2030-01-01T00:59:58.000+0100",
        "messageCount": 1,
        "price": {"pricePerMessage": 0.01, "currency": "EUR"},
        "status": status(number),
        "error": {"groupId": 0, "groupName": "OK", "id": 0, "name": error, "permanent": False},
        "callbackData": message_id,
    }


def call(*results: dict[str, Any]) -> HttpRequest:
    body = json.dumps({"results": list(results)}).encode()
    return HttpRequest("POST", REPORT_URL, {"content-type": "application/json"}, body)


TO = "353861234567"
AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)

PROFILE = Profile(
    name="infobip",
    channel="sms",
    options={"api_key": API_KEY, "report_url": REPORT_URL},
    cases={
        "accepted": Case(answered(26), [Accepted(reference())]),
        "partly accepted": Case(
            answered(26, 52, 14),
            [
                Accepted(reference()),
                Rejected("REJECTED_DESTINATION", gone=True),
                Rejected("REJECTED_DESTINATION_BLOCKLISTED"),
            ],
            messages=3,
        ),
        "unknown: its id was seen": Case(answered(23), [Unknown("REJECTED_DUPLICATE_MESSAGE_ID")]),
        "unknown: no word on one of them": Case(
            answered(), [Unknown("no_status"), Unknown("no_status")], messages=2
        ),
        "rejected: network": Case(answered(6), [Rejected("REJECTED_NETWORK")]),
        "rejected: dead number": Case(answered(52), [Rejected("REJECTED_DESTINATION", gone=True)]),
        "rejected: request": Case(answer(400, problem("E400")), [Rejected("E400")]),
        "failed: system error": Case(answered(21), [Failed("REJECTED_SYSTEM_ERROR")]),
        "failed: throttled, this recipient": Case(
            answered(20), [Failed("REJECTED_FLOODING_FILTER", retry_after=3600.0)]
        ),
        "blocked: credits": Case(answered(12), [Blocked("REJECTED_NOT_ENOUGH_CREDITS")]),
        "blocked: key": Case(answer(401, legacy("UNAUTHORIZED")), [Blocked("UNAUTHORIZED")]),
        "blocked: permission": Case(answer(403, problem("E403")), [Blocked("E403")]),
        "throttled": Case(answer(429, problem("E429")), [Throttled(None, "E429")]),
        "throttled: with a wait": Case(
            answer(429, legacy("TOO_MANY_REQUESTS"), retry_after="7"),
            [Throttled(7.0, "TOO_MANY_REQUESTS")],
        ),
        "unknown: server error": Case(answer(500, problem("E500")), [Unknown("E500")]),
        "malformed": Case(answer(200, b'{"messages": ['), [Unknown("no_status")]),
    },
    reports={
        "delivered": ReportCase(
            call(result(5, reference(), TO)), [Report(reference(), reference(), "delivered", AT)]
        ),
        "failed": ReportCase(
            call(
                result(9, reference(), TO, "EC_UNKNOWN_SUBSCRIBER"),
                result(15, reference(1), TO),
            ),
            [
                Report(reference(), reference(), "failed", AT, "EC_UNKNOWN_SUBSCRIBER"),
                Report(reference(1), reference(1), "failed", AT, "EXPIRED_EXPIRED"),
            ],
        ),
        "intermediate": ReportCase(
            call(result(2, reference(), TO), result(26, reference(1), TO)), []
        ),
        "of a repetition": ReportCase(call(result(23, reference(), TO)), []),
    },
    no_reports=[
        call({}),
        call({"messageId": reference()}),
        call({"status": status(5)}),
        call({"messageId": reference(), "status": {"groupId": "3"}}),
    ],
)


class Fake:
    """The account of ``PROFILE``."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        #: As many requests are refused next for being too many.
        self.throttle = 0
        #: How many messages the credits are good for; None: any number.
        self.credits: int | None = None
        #: Destinations that got too much within this hour.
        self.flooded: set[str] = set()
        #: Destinations that no operator has.
        self.unknown: set[str] = set()
        self._ids: set[str] = set()
        self._unreported: list[tuple[str, dict[str, Any]]] = []

    def handle(self, request: HttpRequest) -> HttpResponse:
        if request.headers.get("authorization") != f"App {API_KEY}":
            return answer(401, legacy("UNAUTHORIZED"))
        if self.throttle:
            self.throttle -= 1
            return answer(429, legacy("TOO_MANY_REQUESTS"), retry_after="1")
        if (request.method, request.url) != ("POST", "/sms/3/messages"):
            return answer(404, problem("E404"))
        messages = json.loads(request.body)["messages"]
        violations = [
            found
            for index, message in enumerate(messages)
            for found in _violations(f"messages[{index}]", message)
        ]
        if violations:
            return answer(400, problem("E400", *violations))
        entries = [self._take(message) for message in messages]
        return answer(200, {"bulkId": "b-1", "messages": entries})

    def _take(self, message: dict[str, Any]) -> dict[str, Any]:
        (destination,) = message["destinations"]
        message_id = destination["messageId"]
        number = self._judge(destination["to"], message_id)
        # What was refused is kept in the logs under its id, too.
        self._ids.add(message_id)
        if number == 26:
            self.taken.append((destination["to"], message["content"]["text"]))
            webhooks = message["webhooks"]
            if "delivery" in webhooks:
                report = result(5, message_id, destination["to"])
                report["callbackData"] = webhooks["callbackData"]
                self._unreported.append((webhooks["delivery"]["url"], report))
        return {
            "messageId": message_id,
            "status": status(number),
            "destination": destination["to"],
            "details": {"messageCount": 1},
        }

    def _judge(self, to: str, message_id: str) -> int:
        if message_id in self._ids:
            return 23
        if to in self.unknown:
            return 52
        if to in self.flooded:
            return 20
        if self.credits is not None and len(self.taken) >= self.credits:
            return 12
        return 26

    def reports(self) -> Sequence[HttpRequest]:
        """Up to 100 reports a call, to each URL that was asked for."""
        due, self._unreported = self._unreported, []
        calls = []
        for url in dict.fromkeys(url for url, _ in due):
            results = [report for target, report in due if target == url]
            for start in range(0, len(results), 100):
                sent = call(*results[start : start + 100])
                calls.append(HttpRequest("POST", url, sent.headers, sent.body))
        return calls


def _violations(place: str, message: dict[str, Any]) -> list[tuple[str, str]]:
    found = []
    if not 1 <= len(message["sender"]) <= 16:
        found.append((f"{place}.sender", "size must be between 1 and 16"))
    for index, destination in enumerate(message["destinations"]):
        if len(destination["to"]) > 64:
            found.append((f"{place}.destinations[{index}].to", "size must be between 0 and 64"))
        if len(destination["messageId"]) > 200:
            found.append((f"{place}.destinations[{index}].messageId", "must be at most 200"))
    if not message["content"]["text"]:
        found.append((f"{place}.content.text", "must not be blank"))
    period = message.get("options", {}).get("validityPeriod", {"amount": 1})
    if period["amount"] < 1 or period.get("timeUnit") not in (None, "SECONDS", "MINUTES"):
        found.append((f"{place}.options.validityPeriod", "must be positive"))
    return found
