"""A mail server: aiosmtpd, with mailboxes that are full, greylisted or unknown, and its bounces."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from campaigns.template.content import Mail
from tests.fakes.base import SECRET, Case, Profile, ReportCase, reference
from tests.support.fault_server import unused_port
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.smtp_exchange import SmtpReply

USERNAME = "sluice"
PASSWORD = f"{SECRET}-password"
BOUNCES = "bounces.example.com"
AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)
MAIL = Mail(
    "Your order, Mary",
    "Dear Mary, your order has left.",
    "<p>Dear <b>Mary</b>, your order has left.</p>",
    reply_to="help@shop.example",
    unsubscribe_url="https://sluice.example.com/u/17-0-aaaaaaaaaaaaa",
)

_DSN = """\
From: MAILER-DAEMON@mail.example.com
To: {to}
Subject: Undelivered Mail Returned to Sender
Date: Mon, 31 Dec 2029 23:59:58 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

This is the mail system at host mail.example.com.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.example.com
Arrival-Date: Mon, 31 Dec 2029 23:59:00 +0000

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} <{recipient}>: no such user

--b
Content-Type: text/rfc822-headers

From: Shop <news@shop.example>
Message-ID: <{ident}>

--b--
"""


def notification(
    action: str = "failed",
    status: str = "5.1.1",
    *,
    to: str = f"{reference()}@{BOUNCES}",
    ident: str = f"{reference()}@shop.example",
    recipient: str = "mary0@example.com",
) -> HttpRequest:
    """A delivery status notification, as a server sends it to an envelope sender."""
    text = _DSN.format(action=action, status=status, to=to, ident=ident, recipient=recipient)
    body = text.replace("\n", "\r\n").encode()
    return HttpRequest("POST", "/reports/mail", {"content-type": "message/rfc822"}, body)


def replied(code: int, status: str | None = None, step: Any = "content") -> SmtpReply:
    return SmtpReply(code, step, status)


IDENT = f"{reference()}@shop.example"

PROFILE = Profile(
    name="smtp",
    channel="email",
    url="smtp://127.0.0.1:2525",
    options={
        "security": "none",
        "username": USERNAME,
        "password": PASSWORD,
        "bounce_domain": BOUNCES,
        "max_in_flight": 4,
    },
    content=MAIL,
    sender="Shop <news@shop.example>",
    addresses=("mary0@example.com", "mary1@example.com", "mary2@example.com"),
    cases={
        "accepted": Case(replied(250, "2.0.0"), [Accepted(IDENT)]),
        "accepted: without a status": Case(replied(250), [Accepted(IDENT)]),
        "rejected": Case(replied(554, "5.6.0"), [Rejected("5.6.0")]),
        "rejected: no such mailbox": Case(
            replied(550, "5.1.1", "rcpt"), [Rejected("5.1.1", gone=True)]
        ),
        "rejected: no such domain": Case(
            replied(550, "5.1.2", "rcpt"), [Rejected("5.1.2", gone=True)]
        ),
        "rejected: disabled for now": Case(replied(550, "5.2.1", "rcpt"), [Rejected("5.2.1")]),
        "rejected: without a status": Case(replied(550, None, "rcpt"), [Rejected("smtp_550")]),
        "rejected: no such sender": Case(replied(550, "5.1.1", "mail"), [Rejected("5.1.1")]),
        "rejected: sender": Case(replied(553, "5.7.1", "mail"), [Rejected("5.7.1")]),
        "failed": Case(replied(451, "4.7.1", "rcpt"), [Failed("4.7.1")]),
        "failed: content": Case(replied(452), [Failed("smtp_452")]),
        "blocked: login": Case(replied(535, "5.7.8", "login"), [Blocked("5.7.8")]),
        "blocked: login wanted": Case(replied(530, "5.7.0", "mail"), [Blocked("5.7.0")]),
        "blocked: client": Case(replied(554, "5.7.1", "connect"), [Blocked("5.7.1")]),
        "throttled": Case(replied(421, "4.7.0", "mail"), [Throttled(None, "4.7.0")]),
        "throttled: greeting": Case(replied(421, None, "connect"), [Throttled(None, "smtp_421")]),
        "throttled: login for now": Case(
            replied(454, "4.7.0", "login"), [Throttled(None, "4.7.0")]
        ),
        "unknown": Case(replied(354), [Unknown("smtp_354")]),
        "malformed": Case(replied(0), [Unknown("smtp_0")]),
        "oversized": Case(replied(10**9), [Unknown(f"smtp_{10**9}")]),
        "taken before there was a content": Case(replied(250, None, "rcpt"), [Unknown("smtp_250")]),
    },
    reports={
        "failed": ReportCase(
            notification(), [Report(reference(), None, "bounced", AT, "5.1.1", gone=True)]
        ),
        "failed, for now": ReportCase(
            notification(status="4.4.7"), [Report(reference(), None, "bounced", AT, "4.4.7")]
        ),
        "failed, known by the message": ReportCase(
            notification(to="bounces@example.com"),
            [Report(reference(), None, "bounced", AT, "5.1.1", gone=True)],
        ),
        "delivered": ReportCase(
            notification("delivered", "2.1.5"), [Report(reference(), None, "delivered", AT)]
        ),
        "intermediate": ReportCase(notification("delayed", "4.4.1"), []),
        "of another message": ReportCase(
            notification(to="postmaster@example.com", ident="1@shop.example"), []
        ),
    },
    no_reports=[HttpRequest("POST", "/", {}, b"Subject: Out of office\r\n\r\nBack on Monday\r\n")],
)


class Fake:
    """The server of ``PROFILE``, on loopback; to be used as a context manager.

    What it says depends on the local part: ``unknown..``, ``full..``, ``grey..`` and ``bounce..``.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, most_per_connection: int = 0) -> None:
        #: What was accepted: (address, text) in order.
        self.taken: list[tuple[str, str]] = []
        #: Envelope sender, recipient and the whole content of it.
        self.received: list[tuple[str, str, bytes]] = []
        #: How often somebody connected.
        self.connections = 0
        #: So many messages are refused with 421.
        self.throttle = 0
        self._most = most_per_connection
        self._unreported: list[tuple[str, str]] = []
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            # It connects to itself once it listens, so it has to know where beforehand.
            port=unused_port(),
            tls_context=tls,
            require_starttls=tls is not None,
            authenticator=_authenticated,
            auth_require_tls=tls is not None,
        )

    def __enter__(self) -> Fake:
        self._controller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._controller.stop()

    @property
    def url(self) -> str:
        """Where messages are handed in."""
        return f"smtp://localhost:{self._controller.port}"

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        session.host_name = hostname
        session.messages = 0  # type: ignore[attr-defined]
        if session.ssl is None:
            self.connections += 1
        return lines

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        session.messages += 1  # type: ignore[attr-defined]
        if self.throttle or 0 < self._most < session.messages:  # type: ignore[attr-defined]
            self.throttle = max(self.throttle - 1, 0)
            return "421 4.7.0 Too much mail, closing"
        envelope.mail_from = sender
        return "250 2.1.0 Ok"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        for name, refusal in {
            "unknown": f"550 5.1.1 <{address}>: Recipient address rejected: User unknown",
            "full": f"452 4.2.2 <{address}>: Mailbox full",
            "grey": f"451 4.7.1 <{address}>: Greylisted, try again in 300 seconds",
        }.items():
            if address.startswith(name):
                return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        found = message_from_bytes(content, EmailMessage, policy=policy.default)
        body = found.get_body(("plain", "html"))
        (recipient,) = envelope.rcpt_tos
        sender = envelope.mail_from or ""
        self.received.append((sender, recipient, content))
        self.taken.append((recipient, "" if body is None else str(body.get_content()).rstrip()))
        if recipient.startswith("bounce"):
            self._unreported.append((sender, recipient))
        return "250 2.0.0 Ok: queued as 4F2Q1x"

    def reports(self) -> Sequence[HttpRequest]:
        """The bounces that have come by now."""
        due, self._unreported = self._unreported, []
        return [notification(to=to, recipient=recipient, ident="x") for to, recipient in due]


def _authenticated(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
) -> AuthResult:
    good = data == LoginPassword(USERNAME.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=good)
