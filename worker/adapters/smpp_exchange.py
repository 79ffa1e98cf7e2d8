"""What the adapter ``smpp`` and its transport hand each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from worker.adapters.smpp_pdu import ShortMessage

#: The SMSC takes no more of this account just now (section 5.1.3): too fast, or its queue is full.
THROTTLED, QUEUE_FULL = 0x58, 0x14


@dataclass(frozen=True, slots=True)
class SmppServer:
    """Where an account binds, and as whom."""

    host: str
    port: int
    tls: bool
    system_id: str
    password: str = field(repr=False)
    system_type: str = ""
    #: Seconds without anything from the SMSC after which it is asked whether it is there.
    enquire_link: float = 30.0


@dataclass(frozen=True, slots=True)
class SmppRequest:
    """One message, in as many parts as it has segments."""

    parts: Sequence[ShortMessage]

    def __repr__(self) -> str:
        return f"SmppRequest({len(self.parts)} parts)"


@dataclass(frozen=True, slots=True)
class PartReply:
    """What the SMSC answered to one part."""

    status: int
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class SmppReply:
    """The answers to the parts, in order; none to those after one that was refused."""

    parts: Sequence[PartReply]
