"""What an adapter and its vendor's fake say to each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from tests.fakes.base import Profile, Vendor
from tests.support.vendor_schemas import problems
from worker.adapters.base import HttpRequest, Message, Outcome


def carried(request: HttpRequest, **headers: str) -> HttpRequest:
    """A request as the vendor's server sees it."""
    parts = urlsplit(request.url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    names = {name.lower(): value for name, value in {**request.headers, **headers}.items()}
    return replace(request, url=path, headers=names)


def content_of(profile: Profile, messages: Sequence[Message], **options: Any) -> Any:
    """The JSON of a request, which is as the vendor's schema has it."""
    content = json.loads(profile.adapter(**options).encode(messages).body)
    assert problems(profile.name, "request", content) == []
    return content


def exchanged(profile: Profile, fake: Vendor, messages: Sequence[Message]) -> list[Outcome]:
    """What becomes of messages that the fake is asked to take."""
    adapter = profile.adapter()
    answered = fake.handle(carried(adapter.encode(messages)))
    return list(adapter.decode(messages, answered))
