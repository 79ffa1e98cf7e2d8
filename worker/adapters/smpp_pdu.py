"""What goes over an SMPP 3.4 connection: protocol data units, to and from bytes. Pure.

Section numbers are those of the "Short Message Peer to Peer Protocol Specification v3.4, Issue
1.2". Only what a client needs that sends and takes receipts is here. It is written out because
neither of the two libraries there are will do: aiosmpplib (0.7.4) keeps messages in a queue of its
own, so that one may leave long after its pause, its window or its expiry, and answers through a
hook, from which nobody learns whether a message that failed had been written; smpplib (2.2.4)
blocks, and its splitting cuts escaped characters and surrogate pairs in two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from types import MappingProxyType

HEADER = 16

#: Longest unit that is read, in bytes: a message_payload holds 64 KiB (section 5.3.2.32).
LONGEST = 70_000

#: Longest content outside of message_payload (section 4.4.1).
LONGEST_CONTENT = 254

#: Sequence numbers go from 1 to this, and begin anew (section 3.2).
LAST_SEQUENCE = 0x7FFFFFFF

#: Tells a response from its request.
RESPONSE = 0x80000000

#: TLVs (section 5.3.2): the message that a receipt is about, and what became of it.
MESSAGE_PAYLOAD, RECEIPTED_MESSAGE_ID, MESSAGE_STATE = 0x0424, 0x001E, 0x0427


class Command(IntEnum):
    """Section 5.1.2.1."""

    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    GENERIC_NACK = 0x80000000


@dataclass(frozen=True, slots=True)
class Pdu:
    """One unit; ``command`` may be one that is not in :class:`Command`."""

    command: int
    sequence: int
    status: int = 0
    body: bytes = field(default=b"", repr=False)

    def encode(self) -> bytes:
        """Its bytes."""
        numbers = (HEADER + len(self.body), self.command, self.status, self.sequence)
        return b"".join(number.to_bytes(4, "big") for number in numbers) + self.body

    def response(self, status: int = 0, body: bytes = b"") -> Pdu:
        """The answer to it."""
        return Pdu(self.command | RESPONSE, self.sequence, status, body)


def length(header: bytes) -> int:
    """The bytes of the whole unit, by the first four of them.

    Raises:
        ValueError: no unit is so short or long; whoever sent this cannot be understood any more.
    """
    found = int.from_bytes(header[:4], "big")
    if not HEADER <= found <= LONGEST:
        raise ValueError("bad_length")
    return found


def decode(data: bytes) -> Pdu:
    """The unit that ``data`` is.

    Raises:
        ValueError: it is none.
    """
    if len(data) < HEADER or length(data) != len(data):
        raise ValueError("bad_length")
    command, status, sequence = (
        int.from_bytes(data[start : start + 4], "big") for start in (4, 8, 12)
    )
    return Pdu(command, sequence, status, data[HEADER:])


@dataclass(frozen=True, slots=True)
class Address:
    """A number with its type (TON) and plan (NPI), sections 5.2.5 and 5.2.6."""

    ton: int
    npi: int
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """The body of submit_sm and of deliver_sm, which are the same (sections 4.4.1 and 4.6.1)."""

    source: Address
    destination: Address
    content: bytes = field(repr=False)
    data_coding: int = 0
    esm_class: int = 0
    registered_delivery: int = 0
    validity_period: str = ""
    service_type: str = ""
    tlvs: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def encode(self) -> bytes:
        """The body.

        Raises:
            ValueError: a field is longer than the protocol allows, or not ASCII.
        """
        if len(self.content) > LONGEST_CONTENT:
            raise ValueError("the content of one part is too long")
        fields = (
            _text(self.service_type, 5),
            *_address(self.source),
            *_address(self.destination),
            bytes((self.esm_class, 0, 0)),
            _text("", 0),
            _text(self.validity_period, 16),
            bytes((self.registered_delivery, 0, self.data_coding, 0, len(self.content))),
            self.content,
            *(
                number.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
                for number, value in self.tlvs.items()
            ),
        )
        return b"".join(fields)

    @staticmethod
    def decode(body: bytes) -> ShortMessage:
        """The message in a body.

        Raises:
            ValueError: it ends before all of its fields.
        """
        reader = _Reader(body)
        service_type = reader.text()
        source = Address(reader.number(), reader.number(), reader.text())
        destination = Address(reader.number(), reader.number(), reader.text())
        esm_class, _, _ = reader.number(), reader.number(), reader.number()
        _, validity_period = reader.text(), reader.text()
        registered_delivery, _, data_coding, _ = (reader.number() for _ in range(4))
        content = reader.take(reader.number())
        return ShortMessage(
            source,
            destination,
            content,
            data_coding,
            esm_class,
            registered_delivery,
            validity_period,
            service_type,
            reader.tlvs(),
        )


def bind_body(system_id: str, password: str, system_type: str) -> bytes:
    """The body of bind_transceiver (section 4.1.5), for version 3.4 and no address range.

    Raises:
        ValueError: a field is not ASCII.
    """
    return b"".join(
        (
            _text(system_id, 64),
            # 8 by the specification; there are SMSCs that give out longer ones.
            _text(password, 64),
            _text(system_type, 12),
            b"\x34\0\0\0",
        )
    )


def first_text(body: bytes) -> str | None:
    """The text at the beginning of a body: the id in a submit_sm_resp, which may be left out."""
    try:
        return _Reader(body).text() or None
    except ValueError:
        return None


def text_body(text: str) -> bytes:
    """A body that is one text, as that of submit_sm_resp."""
    return _text(text, 64)


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        found = self._body[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("truncated")
        self._at += count
        return found

    def number(self, octets: int = 1) -> int:
        return int.from_bytes(self.take(octets), "big")

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise ValueError("truncated")
        found = self._body[self._at : end]
        self._at = end + 1
        return found.decode("latin-1")

    def tlvs(self) -> Mapping[int, bytes]:
        found: dict[int, bytes] = {}
        while self._at < len(self._body):
            number = self.number(2)
            found[number] = self.take(self.number(2))
        return found


def _text(text: str, most: int) -> bytes:
    if len(text) > most or not text.isascii() or "\0" in text:
        raise ValueError("a field is too long, or not ASCII")
    return text.encode("ascii") + b"\0"


def _address(address: Address) -> tuple[bytes, bytes]:
    return bytes((address.ton, address.npi)), _text(address.value, 20)
