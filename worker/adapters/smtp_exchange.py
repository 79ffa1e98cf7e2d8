"""What the adapter ``smtp`` and its transport hand each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: How far a message had come when it was answered: the greeting and what follows it up to the
#: login, or the commands of one message (RFC 5321, section 3.3), the last of them its content.
Step = Literal["connect", "login", "mail", "rcpt", "data", "content"]

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where an account's messages are handed in, and as whom."""

    host: str
    port: int
    security: Security
    #: What this client calls itself (RFC 5321, section 4.1.1.1); None: as the machine is called.
    helo: str | None = None
    username: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SmtpRequest:
    """One message with its envelope."""

    sender: str
    recipient: str
    #: With CRLF at the end of each line, as it would stand between DATA and the final dot.
    content: bytes
    #: Its addresses or header fields are not all ASCII, which the server has to know (RFC 6531).
    utf8: bool = False

    def __repr__(self) -> str:
        return f"SmtpRequest({len(self.content)} bytes)"


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """The reply that decided: what refused the message, or the one to its content."""

    code: int
    step: Step
    #: The enhanced status code (RFC 3463), such as "5.1.1", where the reply has one.
    status: str | None = None
