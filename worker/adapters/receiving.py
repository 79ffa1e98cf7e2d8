"""The part of the adapter contract about what people send back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, runtime_checkable

from worker.adapters.base import HttpRequest


@dataclass(frozen=True, slots=True)
class Inbound:
    """What somebody sent to a number of the account."""

    #: In international form, with or without a plus.
    sender: str = field(repr=False)
    #: The number that it was sent to.
    recipient: str = field(repr=False)
    text: str = field(repr=False)
    #: The provider's own id of it.
    id: str | None = None
    at: datetime | None = None
    #: What a campaign may have as its sender beside the number: a pool that the number is in.
    pool: str | None = None


@runtime_checkable
class Receiver(Protocol):
    """What an adapter also is whose provider passes on what people send to the account's numbers.

    Anybody could opt out anybody by a call that needs no proof. So ``capabilities.inbound`` is set
    only where there is one, and this is used only where that is set.
    """

    def verify_inbound(self, request: HttpRequest) -> None:
        """Check that a call with messages comes from the provider, and lately.

        Raises:
            ForgedReport: it does not prove it.
        """
        ...

    def parse_inbound(self, request: HttpRequest) -> Sequence[Inbound]:
        """The messages in one call of the provider, which was verified; none where it tells of
        something else.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        ...
