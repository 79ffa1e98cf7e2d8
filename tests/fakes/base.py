"""What the contract suite knows of a vendor, and what its fake has to offer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Content, Text
from tests.support.clock import FakeClock
from worker.adapters.base import AnyAdapter, HttpRequest, HttpResponse, Message, Outcome, Report
from worker.adapters.registry import build

#: Where the profiles' accounts send to; a fake's real address takes its place when it is served.
URL = "http://127.0.0.1:9000"

#: In every secret of a profile, so that a test can look for it wherever nothing secret may be.
SECRET = "s3cret-7f3a9c"

#: What an SMS channel's profile is asked to send, unless it says otherwise.
TEXT = "Dear Mary, your code is 4711"


def answer(status: int, body: Any = b"", **headers: str) -> HttpResponse:
    """A response; ``body`` is bytes or what will be JSON. ``retry_after`` becomes a header."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpResponse(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, content
    )


@dataclass(frozen=True)
class Case:
    """An answer of the vendor to the request for ``Profile.messages()``, and what it means."""

    response: Any
    #: One for each message of the request.
    outcomes: Sequence[Outcome]
    #: How many messages the request was for.
    messages: int = 1


@dataclass(frozen=True)
class ReportCase:
    """A call of the vendor with reports, signed as it would sign it at the clock's moment."""

    request: HttpRequest
    reports: Sequence[Report]


class Vendor(Protocol):
    """A vendor as a small pure object: it checks what it is sent as the real one does.

    It refuses wrong credentials, missing fields and values out of range in the vendor's own words,
    signals throttling, gives ids as the vendor does (one per part, one per batch, ...), and keeps
    what it took in ``taken``. One that judges moments takes a ``clock``, by default the profiles'.
    """

    #: Everything that was accepted: (address, text) in order.
    taken: list[tuple[str, str]]

    def handle(self, request: HttpRequest) -> HttpResponse:
        """The vendor's answer. ``request.url`` is the path with its query; header names are lower
        case."""
        ...

    def reports(self) -> Sequence[HttpRequest]:
        """The calls that the vendor makes now, in its own form and signed: one or more for what
        was accepted since the last time. ``url`` is what the account gave as its report URL."""
        ...


@dataclass(frozen=True)
class Profile:
    """One adapter, configured, with what its vendor says."""

    #: The adapter's name in the registry.
    name: str
    channel: str
    options: Mapping[str, Any]
    #: By name, for the report of a test: at least ``accepted``, one for each class of error that
    #: the vendor has ("rejected: ...", "failed: ...", "blocked: ...", "throttled: ..."), one for
    #: "throttled, this recipient" where it does that, "unknown: ...", "oversized" and "malformed";
    #: "partly accepted" where a request holds several messages.
    cases: Mapping[str, Case]
    #: By name: "delivered", "failed", and "part" where the vendor reports on parts.
    reports: Mapping[str, ReportCase] = field(default_factory=dict)
    #: Calls that are no reports in this vendor's form: ``parse_report`` refuses them.
    no_reports: Sequence[HttpRequest] = ()
    #: Calls that are well formed and not proven: ``verify_report`` refuses them. The suite makes
    #: more of them by changing the bodies, the proof and the age of the good ones.
    forged: Sequence[HttpRequest] = ()
    #: Seconds after which a good report is refused as a repetition of an old one; ``None`` where
    #: the proof does not say when it was made.
    proof_expires: float | None = None
    #: What a proof is lost with when it is changed: the header of a call, its body, or either.
    proof: Literal["either", "header", "body"] = "either"
    url: str = URL
    content: Content = field(default_factory=lambda: Text(TEXT))
    addresses: Sequence[str] = ("353861234567", "353861234568", "353861234569")
    sender: str = "Sluice"
    #: What is stored with an address, see ``Message.address_keys``.
    address_keys: Mapping[str, str] = field(default_factory=dict)
    #: A stretch of its secrets, to look for wherever none may be.
    secret: str = SECRET

    def config(self, **more: Any) -> ProviderConfig:
        """The table of the providers file, with further keys."""
        table = {"name": "carrier", "adapter": self.name, "channel": self.channel, "url": self.url}
        return ProviderConfig(**{**table, **self.options, **more})

    def adapter(self, clock: Clock | None = None, **more: Any) -> AnyAdapter:
        """The adapter, with further keys."""
        return build(self.config(**more), clock or FakeClock())

    def messages(self, count: int = 1) -> list[Message]:
        """``count`` messages with the references ``17-0-aaaaaaaaaaaaa``, ``17-1-...`` and so on."""
        return [
            Message(
                reference(index),
                self.addresses[index % len(self.addresses)],
                self.sender,
                self.content,
                address_keys=self.address_keys,
            )
            for index in range(count)
        ]


def reference(index: int = 0) -> str:
    """The reference of a profile's message, in the form of :mod:`worker.reference`."""
    return f"17-{index}-aaaaaaaaaaaaa"
