"""The adapter contract: pure translation between messages and one vendor's requests.

An adapter does no I/O. It encodes messages into one request and decodes the response into one
outcome per message; a transport carries the request. What a vendor answers is classified here
and nowhere else, into the five outcomes below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeVar, get_args

from campaigns.run.events import ReportKind
from campaigns.template.content import Content, Text

NO_KEYS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Message:
    """One rendered message to one recipient."""

    #: Identifies the delivery, the same at every attempt; echoed by providers that can
    #: (:mod:`worker.reference`).
    reference: str
    #: Normalised address: E.164 digits, lower-case domain e-mail, chat id.
    address: str
    sender: str
    #: One of the contents that the adapter's capabilities name.
    content: Content
    #: After this moment the message is worthless; passed on where the provider has a field for it.
    expires_at: datetime | None = None
    #: What is stored with the address: the keys of a push subscription (RFC 8291, section 2.1).
    address_keys: Mapping[str, str] = field(default_factory=lambda: NO_KEYS)
    #: An earlier request with it may have arrived.
    in_doubt: bool = False
    #: Where the bounces of an e-mail come back to; ``None``: where the account says.
    bounce_domain: str | None = None

    @property
    def text(self) -> str:
        """What it says in plain words."""
        return self.content.text

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
class Blocked:
    """Not sent, because the account itself is refused: its credentials, credit or permissions.

    Costs no attempt and says nothing about the pace. The account is held until somebody has mended
    it, and asked again with one message now and then.
    """

    code: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Not sent, and never will be to this recipient or with this content."""

    code: str
    #: The address is dead: whatever is sent to it in future is wasted.
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """Not sent, but may be tried again."""

    code: str
    #: Seconds until this recipient may be tried again; None: as the backoff says. For providers
    #: that slow down one recipient and nobody else.
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """The request may have arrived. Never sent again on its own."""

    code: str


Outcome = Accepted | Throttled | Blocked | Rejected | Failed | Unknown


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
    #: It did not arrive because the address is dead, as in :attr:`Rejected.gone`. Counts where the
    #: reference says whose it is.
    gone: bool = False


#: All contents that there are.
ALL_CONTENTS: frozenset[type[Content]] = frozenset(get_args(Content))

#: What carries the requests of an adapter.
Protocols = Literal["http", "smtp", "smpp"]


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
    #: The contents that it can translate.
    contents: frozenset[type[Content]] = frozenset({Text})
    protocol: Protocols = "http"
    #: Set where requests go to servers that the recipients named and not the account. Those of this
    #: set speak for the provider; whatever goes wrong with any other one, be it of a domain in it
    #: with a dot in front, is a matter of that recipient (:mod:`worker.transport.guarded`).
    trusted_hosts: frozenset[str] | None = None
    #: How the provider is told until when a message is worth sending: the name of its field and
    #: the unit, such as "ValidityPeriod, s"; None: it cannot be told.
    validity: str | None = None
    #: How a report proves that it comes from the provider: "HMAC-SHA256"; None: it does not.
    report_proof: str | None = None
    #: The adapter is a :class:`worker.adapters.receiving.Receiver`, and what it receives is proven.
    inbound: bool = False
    #: Media type and body of the answer to it; nearly all vendors look at nothing but the status.
    inbound_answer: tuple[str, bytes] = ("text/plain", b"")
    #: The pace that the vendor's documentation names for a new account; None: it names none.
    usual_rate: str | None = None

    @property
    def needs_message_ids(self) -> bool:
        """Reports come back, and only the message id tells whose they are."""
        return self.reports and not self.echoes_reference


def is_trusted(host: str, trusted: Iterable[str]) -> bool:
    """Whether a host is one of :attr:`Capabilities.trusted_hosts`."""
    return any(host.endswith(one) if one.startswith(".") else host == one for one in trusted)


#: Of a provider that never reports anything.
SILENT = Capabilities()


class ForgedReport(ValueError):
    """A call that claims to be the provider's and does not prove it."""


RequestT = TypeVar("RequestT", covariant=True)
ResponseT = TypeVar("ResponseT", contravariant=True)


class Adapter(Protocol[RequestT, ResponseT]):
    """Translates for one configured account; of most adapters the request is an HTTP request."""

    @property
    def capabilities(self) -> Capabilities:
        """What it can do."""
        ...

    def encode(self, messages: Sequence[Message]) -> RequestT:
        """One request for at most ``capabilities.max_batch`` messages.

        Raises:
            ValueError: one of the messages cannot be put in this provider's form.
        """
        ...

    def decode(self, messages: Sequence[Message], response: ResponseT) -> Sequence[Outcome]:
        """One outcome per message, in order. An answer that is not understood is ``Unknown``."""
        ...

    def verify_report(self, request: HttpRequest) -> None:
        """Check that a call with reports comes from the provider, and lately.

        Does nothing where ``capabilities.report_proof`` is ``None``.

        Raises:
            ForgedReport: it does not prove it, or is older than the provider's tolerance.
        """
        ...

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The reports in one call of the provider, which was verified.

        Raises:
            ValueError: the call is not a report in this provider's form.
        """
        ...


#: An adapter of whatever protocol, as the engine holds it.
AnyAdapter = Adapter[Any, Any]
