"""Adapter ``smtp``: any mail server that takes messages (RFC 5321, RFC 6409).

One message with its own envelope, carried by :mod:`worker.transport.smtp`. What the server replies
is read by the step at which it came, and by its class:

==============================  =========================================================
2yz to the content              Accepted
421, whenever                   Throttled: the server closes, to this whole account
4yz before a message            Throttled: nobody asked about a message yet
4yz to a message                Failed: greylisting, a full mailbox, a limit
5yz before a message            Blocked: this client, or its login
530, 534, 535, 538, whenever    Blocked: it wants a login, or another one (RFC 4954)
5yz, status of ``DEAD``         Rejected, and the address is dead, once it was named
other 5yz to a message          Rejected
anything else                   Unknown
==============================  =========================================================

A bounce that comes later is read by ``parse_report``, whose call holds the notification as it was
received. Only failures come back that way, so nobody waits for reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.mailboxes import Mailbox
from campaigns.providers import ProviderConfig
from campaigns.template.content import Mail
from worker.adapters.base import (
    Accepted,
    Blocked,
    Capabilities,
    Failed,
    HttpRequest,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.dkim import Signer
from worker.adapters.mail_fields import mailbox, only_mail
from worker.adapters.mail_statuses import DEAD
from worker.adapters.options import read_options
from worker.adapters.smtp_bounces import parse_bounce
from worker.adapters.smtp_exchange import SmtpReply, SmtpRequest
from worker.adapters.smtp_message import compose, message_id, needs_utf8
from worker.adapters.smtp_options import SmtpOptions, check

#: Where a status can speak of the recipient. At MAIL FROM it is the sender who does not exist.
_OF_THE_RECIPIENT = ("rcpt", "data", "content")

_LOGIN_WANTED = frozenset({530, 534, 535, 538})


def build(config: ProviderConfig, clock: Clock) -> SmtpAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule, or several contradict each other.
    """
    options = read_options(SmtpOptions, config)
    check(config, options)
    return SmtpAdapter(options, _signer(config, options), clock)


def _signer(config: ProviderConfig, options: SmtpOptions) -> Signer | None:
    if options.dkim_key is None or options.dkim_selector is None:
        return None
    try:
        return Signer(options.dkim_key.get_secret_value(), options.dkim_selector)
    except ValueError as error:
        raise ConfigurationError(f"providers.{config.name}.dkim_key: {error}.") from None


class SmtpAdapter:
    """One message per request; see the module for how replies are read."""

    def __init__(self, options: SmtpOptions, signer: Signer | None, clock: Clock) -> None:
        self._bounce_domain = options.bounce_domain
        self._return_path = options.return_path
        self._dkim_domain = options.dkim_domain
        self._signer = signer
        self._clock = clock
        self.capabilities = Capabilities(
            echoes_reference=True,
            channels=frozenset({"email"}),
            contents=frozenset({Mail}),
            protocol="smtp",
        )

    def encode(self, messages: Sequence[Message]) -> SmtpRequest:
        """One message and its envelope.

        Raises:
            ValueError: there is not exactly one message, or it is no e-mail that could be sent.
        """
        ((message, mail),) = only_mail(messages, 1)
        sender = mailbox(message.sender)
        now = self._clock.now()
        content = compose(message, mail, sender, now)
        if self._signer is not None:
            content = self._signer.sign(content, self._dkim_domain or sender.domain, now)
        return SmtpRequest(
            self._envelope_sender(message, sender),
            message.address,
            content,
            needs_utf8(message, mail, sender),
        )

    def _envelope_sender(self, message: Message, sender: Mailbox) -> str:
        """Where bounces go: each to an address of its own, by which it is known again."""
        domain = message.bounce_domain or self._bounce_domain
        if domain is not None:
            return f"{message.reference}@{domain}"
        if self._return_path is not None:
            local, _, host = self._return_path.partition("@")
            return f"{local}+{message.reference}@{host}"
        return sender.address

    def decode(self, messages: Sequence[Message], response: SmtpReply) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(message, response) for message in messages]

    def _outcome(self, message: Message, reply: SmtpReply) -> Outcome:
        code = reply.status or f"smtp_{reply.code}"
        before = reply.step in ("connect", "login")
        match reply.code // 100:
            case 2 if reply.step == "content":
                return Accepted(message_id(message, mailbox(message.sender)))
            case 4 if before or reply.code == 421:
                return Throttled(None, code)
            case 4:
                return Failed(code)
            case 5 if before or reply.code in _LOGIN_WANTED:
                return Blocked(code)
            case 5:
                named = reply.step in _OF_THE_RECIPIENT
                return Rejected(code, gone=named and reply.status in DEAD)
            case _:
                return Unknown(f"smtp_{reply.code}")

    def verify_report(self, request: HttpRequest) -> None:
        """A bounce proves nothing but that it knows the reference, which Sluice signed."""

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The bounce in one call, whose body is the notification as it was received.

        Raises:
            ValueError: it is not a delivery status notification.
        """
        return parse_bounce(request.body)
