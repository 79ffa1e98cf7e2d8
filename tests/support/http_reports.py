"""Calls with reports to an account of the adapter ``http``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from campaigns.providers import ProviderConfig
from tests.fakes.base import SECRET
from tests.support.adapters import URL
from tests.support.clock import FakeClock
from worker.adapters.base import Adapter, HttpRequest, Report
from worker.adapters.registry import build

REPORT_URL = "https://sluice.example.com/reports/acme"
BASE = {"report_status_path": "s", "report_id_path": "i"}
NOW = FakeClock().now()


def adapter(clock: FakeClock | None = None, **table: Any) -> Adapter[Any, Any]:
    given = {"name": "acme", "adapter": "http", "channel": "sms", "url": URL, **BASE, **table}
    return build(ProviderConfig(**given), clock or FakeClock())


def call(content: Any, url: str = REPORT_URL, **headers: str) -> HttpRequest:
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpRequest("POST", url, {"content-type": "application/json", **fields}, body)


def form(fields: dict[str, str], url: str = REPORT_URL) -> HttpRequest:
    kind = "application/x-www-form-urlencoded; charset=utf-8"
    return HttpRequest("POST", url, {"content-type": kind}, urlencode(fields).encode())


def query(fields: dict[str, str]) -> HttpRequest:
    return HttpRequest("GET", f"{REPORT_URL}?{urlencode(fields)}", {}, b"")


def reports(request: HttpRequest, **table: Any) -> Sequence[Report]:
    return adapter(**table).parse_report(request)


DELIVERED = {"s": "delivered", "i": "m-1"}


def signature(**more: Any) -> dict[str, Any]:
    return {"report_signature": {"secret": SECRET, "header": "X-Signature", **more}}
