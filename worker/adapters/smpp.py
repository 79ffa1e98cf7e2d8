"""Adapter ``smpp``: SMS through any SMSC or aggregator that speaks SMPP 3.4.

One message is one submit_sm for each of its segments, carried by :mod:`worker.transport.smpp`. What
the SMSC answers is read by its command_status (section 5.1.3):

=========================  =======================================================================
0                          Accepted, with an id for each part
throttled, queue full      Throttled
bind, system or service    Blocked: the account
destination                Rejected: this number
length, sender, TON, ..    Rejected: the content, or what the account is set up for
system error, any other    Failed: it was not taken
no part answered           Unknown
=========================  =======================================================================

A later part may be refused alone. Such a message counts as accepted, with the ids of those that
were taken: they are paid for and on their way, and their receipts show what became of them.

Receipts come over the same connection (:mod:`worker.adapters.smpp_receipts`), and what people send
to the account's numbers (:mod:`worker.adapters.smpp_answers`). A call of either holds the whole
deliver_sm. It proves nothing: it came from whom we had bound to.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Text
from worker.adapters import smpp_answers, smpp_options, smpp_receipts
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
from worker.adapters.options import read_options
from worker.adapters.receiving import Inbound
from worker.adapters.smpp_exchange import QUEUE_FULL, THROTTLED, SmppReply, SmppRequest
from worker.adapters.smpp_options import SmppOptions
from worker.adapters.smpp_pdu import Address, ShortMessage
from worker.adapters.smpp_text import contents

#: What is not said here was not taken and may be next time: 0x08, 0x45, 0x64, 0xFF, and those from
#: 0x0400 on, which are each vendor's own.
_OUTCOMES: Mapping[int, Outcome] = {
    THROTTLED: Throttled(None, "ESME_RTHROTTLED"),
    QUEUE_FULL: Throttled(None, "ESME_RMSGQFUL"),
    0x05: Blocked("ESME_RALYBND"),
    0x0D: Blocked("ESME_RBINDFAIL"),
    0x0E: Blocked("ESME_RINVPASWD"),
    0x0F: Blocked("ESME_RINVSYSID"),
    0x15: Blocked("ESME_RINVSERTYP"),
    0x53: Blocked("ESME_RINVSYSTYP"),
    0x01: Rejected("ESME_RINVMSGLEN"),
    0x02: Rejected("ESME_RINVCMDLEN"),
    0x03: Rejected("ESME_RINVCMDID"),
    0x06: Rejected("ESME_RINVPRTFLG"),
    0x07: Rejected("ESME_RINVREGDLVFLG"),
    0x0A: Rejected("ESME_RINVSRCADR"),
    0x0B: Rejected("ESME_RINVDSTADR"),
    0x43: Rejected("ESME_RINVESMCLASS"),
    0x48: Rejected("ESME_RINVSRCTON"),
    0x49: Rejected("ESME_RINVSRCNPI"),
    0x50: Rejected("ESME_RINVDSTTON"),
    0x51: Rejected("ESME_RINVDSTNPI"),
    0x61: Rejected("ESME_RINVSCHED"),
    0x62: Rejected("ESME_RINVEXPIRY"),
    0x65: Rejected("ESME_RX_P_APPN"),
    0x66: Rejected("ESME_RX_R_APPN"),
    0xC2: Rejected("ESME_RINVPARLEN"),
    0xC3: Rejected("ESME_RMISSINGOPTPARAM"),
    0xC4: Rejected("ESME_RINVOPTPARAMVAL"),
}

#: TON and NPI (sections 5.2.5 and 5.2.6).
_INTERNATIONAL, _ALPHANUMERIC, _UNKNOWN = (1, 1), (5, 0), (0, 1)

_NUMBER = re.compile(r"\+?([0-9]{1,15})")
_NAME = re.compile(r"[ -~]{1,11}")
#: Numbers up to this long are short codes.
_SHORT_CODE = 8

#: Two digits each for days, hours, minutes and seconds (section 7.1.1.2).
LONGEST_VALIDITY = timedelta(days=30)


def build(config: ProviderConfig, clock: Clock) -> SmppAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(SmppOptions, config)
    smpp_options.server(config, options)
    return SmppAdapter(clock, options)


class SmppAdapter:
    """One message per request."""

    def __init__(self, clock: Clock, options: SmppOptions) -> None:
        self._clock = clock
        self._options = options
        self.capabilities = Capabilities(
            reports=options.receipts,
            channels=frozenset({"sms"}),
            contents=frozenset({Text}),
            protocol="smpp",
            validity="validity_period, s",
            inbound=True,
        )

    def encode(self, messages: Sequence[Message]) -> SmppRequest:
        """The parts of one message.

        Raises:
            ValueError: there is not exactly one message, or it has no such form.
        """
        (message,) = messages
        if not isinstance(message.content, Text):
            raise ValueError("SMPP carries texts only")  # noqa: TRY004
        # The same for the same message: parts of two attempts would not mix.
        number = hashlib.sha256(message.reference.encode()).digest()[0]
        found = contents(message.text, self._options.alphabet, number)
        source = self._source(message.sender)
        destination = Address(*_INTERNATIONAL, message.address)
        parts = tuple(
            ShortMessage(
                source,
                destination,
                part,
                data_coding=found.data_coding,
                esm_class=found.esm_class,
                registered_delivery=1 if self._options.receipts else 0,
                validity_period=self._validity(message),
                service_type=self._options.service_type,
            )
            for part in found.parts
        )
        for part in parts:
            part.encode()
        return SmppRequest(parts)

    def _source(self, sender: str) -> Address:
        number = _NUMBER.fullmatch(sender)
        if number is not None:
            digits = number[1]
            kind = _UNKNOWN if len(digits) <= _SHORT_CODE else _INTERNATIONAL
        elif _NAME.fullmatch(sender):
            digits, kind = sender, _ALPHANUMERIC
        else:
            raise ValueError("the sender must be a number, or a name of up to 11 ASCII characters")
        ton, npi = self._options.source_ton, self._options.source_npi
        return Address(kind[0] if ton is None else ton, kind[1] if npi is None else npi, digits)

    def _validity(self, message: Message) -> str:
        now = self._clock.now()
        seconds = message.validity(now)
        if seconds is None:
            return ""
        left = min(timedelta(seconds=seconds), LONGEST_VALIDITY)
        if self._options.validity == "absolute":
            return f"{(now + left).astimezone(UTC):%y%m%d%H%M%S}000+"
        minutes, second = divmod(left.seconds, 60)
        hour, minute = divmod(minutes, 60)
        return f"0000{left.days:02}{hour:02}{minute:02}{second:02}000R"

    def decode(self, messages: Sequence[Message], response: SmppReply) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, reply: SmppReply) -> Outcome:
        taken = [part for part in reply.parts if part.status == 0]
        if taken:
            ids = self._options.receipt_ids
            return Accepted(*(smpp_receipts.answer_id(part.message_id, ids) for part in taken))
        if not reply.parts:
            return Unknown("no_answer")
        status = reply.parts[0].status
        return _OUTCOMES.get(status) or Failed(f"smpp_0x{status & 0xFFFFFFFF:02X}")

    def verify_report(self, request: HttpRequest) -> None:
        """Nothing in a receipt could be checked; it came over a connection that we opened."""

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The receipt in one call, whose body is a whole deliver_sm, and is of one part.

        Raises:
            ValueError: it is no receipt.
        """
        return smpp_receipts.read(request.body, self._options.receipt_ids, self._options.zone)

    # See worker.adapters.receiving.
    verify_inbound = verify_report

    def parse_inbound(self, request: HttpRequest) -> Sequence[Inbound]:
        """The message in one call, whose body is a whole deliver_sm, or the first part of it.

        Raises:
            ValueError: it is no message of a person.
        """
        return smpp_answers.read(request.body, self._options.alphabet)
