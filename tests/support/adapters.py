"""What the contract suite has to know about each adapter: a vendor's words for each outcome."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Text
from tests.support.clock import FakeClock
from worker.adapters.base import Adapter, HttpRequest, HttpResponse, Message, Report
from worker.adapters.registry import build

URL = "http://127.0.0.1:9000/messages"
SECRET = "tok-7f3a9c"
ADDRESS = "353861234567"
TEXT = "Dear Mary, your code is 4711"

MESSAGE = Message("17-42", ADDRESS, "Sluice", Text(TEXT))


def response(status: int, body: Any = b"", **headers: str) -> HttpResponse:
    """A reply; ``body`` is bytes or what will be JSON, ``retry_after`` becomes a header."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpResponse(status, fields, content)


def report_call(body: Any) -> HttpRequest:
    """A provider's call with a delivery report."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpRequest("POST", "/reports", {"content-type": "application/json"}, content)


@dataclass(frozen=True)
class Profile:
    """One adapter, configured, with what its vendor sends."""

    name: str
    options: Mapping[str, Any]
    #: The accepted message gets the id ``m-1``.
    accepted: HttpResponse
    #: Accepted, with nothing that can be read.
    accepted_unreadable: HttpResponse
    #: Without any word on how long to wait.
    throttled: HttpResponse
    rejected: Mapping[str, HttpResponse]
    failed: Mapping[str, HttpResponse]
    unknown: Mapping[str, HttpResponse]
    #: Where encoded requests carry the reference.
    reference_in: Callable[[HttpRequest], object]
    report: bytes
    reports: tuple[Report, ...]
    #: Bodies beside the common ones that are no report of this vendor.
    no_reports: tuple[Any, ...] = ()
    #: Seconds: replies that say how long to wait, beside the header Retry-After.
    waits: Mapping[float, HttpResponse] = field(default_factory=dict)

    def config(self, **more: Any) -> ProviderConfig:
        """The table of the providers file."""
        table = {"name": "carrier", "adapter": self.name, "channel": "sms", "url": URL}
        return ProviderConfig(**{**table, **self.options, **more})

    def adapter(self, clock: Clock | None = None, **more: Any) -> Adapter:
        """The adapter, with further keys."""
        return build(self.config(**more), clock or FakeClock())


def _body(request: HttpRequest) -> Any:
    return json.loads(request.body)


HTTP = Profile(
    name="http",
    options={
        "auth": {"type": "bearer", "token": SECRET},
        "headers": {"X-Api-Key": SECRET},
        "idempotency_header": "Idempotency-Key",
        "message_id_path": "messages.0.id",
        "report_reference_path": "message.reference",
        "report_id_path": "message.id",
        "report_status_path": "status",
        "report_delivered": ["DELIVRD"],
        "report_undelivered": ["UNDELIV", "EXPIRED"],
    },
    accepted=response(200, {"messages": [{"id": "m-1"}]}),
    accepted_unreadable=response(202, b"<html>thank you</html>"),
    throttled=response(429),
    rejected={"http_400": response(400), "http_404": response(404, {"error": "unknown number"})},
    failed={"http_503": response(503, b"<html>")},
    unknown={
        "http_500": response(500),
        "http_502": response(502, b"<html>"),
        "http_504": response(504),
        "http_302": response(302),
        "http_999": response(999),
    },
    reference_in=lambda request: (
        _body(request)["reference"],
        request.headers["idempotency-key"],
    ),
    report=json.dumps(
        [
            {"status": "DELIVRD", "message": {"reference": "17-42", "id": "m-1"}},
            {"status": "BUFFERED", "message": {"reference": "17-43", "id": "m-2"}},
            {"status": "EXPIRED", "message": {"id": 77}},
        ]
    ).encode(),
    reports=(
        Report("17-42", "m-1", "delivered"),
        Report(None, "77", "failed", code="EXPIRED"),
    ),
    no_reports=(
        {"status": "DELIVRD"},
        {"message": {"reference": "17-42"}},
        [{"status": "DELIVRD", "message": {"reference": "17-42"}}, {"status": "DELIVRD"}],
    ),
)

SANDBOX = Profile(
    name="sandbox",
    options={"reports": True},
    accepted=response(202, {"id": "m-1"}),
    accepted_unreadable=response(202, b"\xff"),
    throttled=response(429, {"error": "throttled"}),
    rejected={
        "invalid_number": response(400, {"error": "invalid_number"}),
        "invalid_sender": response(400, {"error": "invalid_sender"}),
        "http_400": response(400, {"error": f"no such number {ADDRESS}"}),
    },
    failed={"unavailable": response(503, {"error": "unavailable"}), "http_503": response(503)},
    unknown={
        "http_500": response(500),
        "http_502": response(502, b"<html>"),
        "http_200": response(200, {"id": "m-1"}),
        "not_found": response(404, {"error": "not_found"}),
    },
    reference_in=lambda request: _body(request)["reference"],
    report=json.dumps(
        {
            "reports": [
                {
                    "reference": "17-42",
                    "id": "m-1",
                    "state": "delivered",
                    "at": "2030-01-01T01:00:00+01:00",
                    "code": None,
                },
                {"reference": "17-43", "id": "m-2", "state": "undelivered", "code": "absent"},
            ]
        }
    ).encode(),
    reports=(
        Report("17-42", "m-1", "delivered", at=FakeClock().now()),
        Report("17-43", "m-2", "failed", code="absent"),
    ),
    no_reports=(
        {"reports": [{"reference": "17-42", "state": "sleeping"}]},
        {"reports": [{"state": "delivered"}]},
        {"reports": {}},
    ),
    waits={
        0.25: response(429, {"error": "throttled", "retry_after_ms": 250}, retry_after="1"),
        3.0: response(429, {"error": "throttled", "retry_after_ms": "soon"}, retry_after="3"),
    },
)

PROFILES = (HTTP, SANDBOX)
