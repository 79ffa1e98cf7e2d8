"""The adapter contract: pure translation between messages and one vendor's requests.

An adapter does no I/O. It encodes messages into one request and decodes the response into one
outcome per message; a transport carries the request. What a vendor answers is classified here
and nowhere else, into the five outcomes below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from campaigns.run.events import ReportKind


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered message to one recipient."""

    #: Identifies the delivery, the same at every attempt; echoed by providers that can
    #: (:mod:`worker.reference`).
    reference: str
    #: Normalised address: E.164 digits, lower-case domain e-mail, chat id.
    address: str
    sender: str
    text: str
    #: After this moment the message is worthless; passed on where the provider has a field for it.
    expires_at: datetime | None = None

    def validity(self, now: datetime) -> int | None:
        """Whole seconds left at ``now``; ``None``: it does not expire.

        Never 0: many providers take that for "no limit".
        """
        if self.expires_at is None:
            return None
        return max(int((self.expires_at - now).total_seconds()), 1)

    def __repr__(self) -> str:
        return f"Message(reference={self.reference!r})"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request, ready to be carried by any transport."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HttpRequest({self.method}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A complete response. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HttpResponse({self.status}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True, init=False)
class Accepted:
    """The provider took the message: ``Accepted("id")``, or with an id for each part of it.

    An id that it did not give, or that makes no sense, is ``None`` and left out.
    """

    #: One id, or one for each part of the message.
    message_ids: tuple[str, ...]

    def __init__(self, *message_ids: str | None) -> None:
        found = tuple(each for each in message_ids if each is not None)
        object.__setattr__(self, "message_ids", found)


@dataclass(frozen=True, slots=True)
class Throttled:
    """Not sent, because the account is too fast. Costs no attempt, slows the whole account."""

    #: Seconds until the provider wants to hear from the account again; None: it did not say.
    retry_after: float | None = None
    code: str = "throttled"


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not sent, and never will be to this recipient or with this content."""

    code: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Not sent, but may be tried again."""

    code: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have arrived. Never sent again on its own."""

    code: str


Outcome = Accepted | Throttled | Rejected | Failed | Unknown


@dataclass(frozen=True, slots=True)
class Report:
    """What a provider says about a message afterwards.

    Needs a reference or a message id, to tell whose it is.
    """

    reference: str | None
    message_id: str | None
    kind: ReportKind
    at: datetime | None = None
    code: str | None = None
    #: It speaks of one part of a message only. To be set, for every report, by the adapters of
    #: providers that give each part an id and report on each.
    part: bool = False
    #: The provider's own id of an opening or a click, of which there may be many.
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do; the engine asks these, never the adapter's name."""

    #: Messages per request.
    max_batch: int = 1
    #: A repeated request with the same reference is recognised by the provider.
    idempotent: bool = False
    #: Delivery reports come back.
    reports: bool = False
    #: The provider echoes :attr:`Message.reference` in its reports.
    echoes_reference: bool = False
    channels: frozenset[str] = field(default_factory=frozenset)

    @property
    def needs_message_ids(self) -> bool:
        """Reports come back, and only the message id tells whose they are."""
        return self.reports and not self.echoes_reference


#: Of a provider that never reports anything.
SILENT = Capabilities()


class Adapter(Protocol):
    """Translates for one configured account."""

    capabilities: Capabilities

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One request for at most ``capabilities.max_batch`` messages."""
        ...

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, in order. An answer that is not understood is ``Unknown``."""
        ...

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The reports in one call of the provider.

        Raises:
            ValueError: the call is not a report in this provider's form.
        """
        ...
