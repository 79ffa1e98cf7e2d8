"""A notification, and the adapter for it, against the push service of tests/fakes/webpush.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from campaigns.template.content import Content, Push
from tests.fakes.webpush import KEYS, ORIGIN, PROFILE, Fake
from tests.support.clock import FakeClock
from worker.adapters.base import Message, Outcome
from worker.adapters.webpush import WebPushAdapter

PUSH = Push(
    "Sale",
    "Everything must go",
    "https://shop.example/icon.png",
    "https://shop.example/sale.jpg",
    "https://shop.example/",
    "high",
    "sale-2030",
)


def adapter(clock: FakeClock | None = None, **options: Any) -> WebPushAdapter:
    found = PROFILE.adapter(clock, **options)
    assert isinstance(found, WebPushAdapter)
    return found


def message(content: Content, address: str = f"{ORIGIN}/w/a1", **more: Any) -> Message:
    one = Message("17-0-aaaaaaaaaaaaa", address, "Sluice", content, address_keys=KEYS)
    return replace(one, **more)


def exchange(fake: Fake, one: Message, **options: Any) -> Outcome:
    sender = adapter(**options)
    request = sender.encode([one])
    path = replace(request, url=request.url.removeprefix(PROFILE.url))
    (found,) = sender.decode([one], fake.handle(path))
    return found
