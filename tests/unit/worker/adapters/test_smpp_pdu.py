"""Units of SMPP to bytes and back, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.adapters.smpp_pdu import (
    HEADER,
    LONGEST,
    Address,
    Command,
    Pdu,
    ShortMessage,
    bind_body,
    decode,
    first_text,
    length,
    text_body,
)

OCTET = st.integers(0, 255)
WORD = st.integers(0, 2**32 - 1)


def ascii_text(most: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=most)


ADDRESSES = st.builds(Address, OCTET, OCTET, ascii_text(20))
MESSAGES = st.builds(
    ShortMessage,
    ADDRESSES,
    ADDRESSES,
    st.binary(max_size=254),
    OCTET,
    OCTET,
    OCTET,
    ascii_text(16),
    ascii_text(5),
    st.dictionaries(st.integers(0, 65535), st.binary(max_size=40), max_size=4),
)


@given(st.builds(Pdu, WORD, WORD, WORD, st.binary(max_size=300)))
def test_a_unit_comes_back_as_it_was(pdu: Pdu) -> None:
    assert decode(pdu.encode()) == pdu
    assert length(pdu.encode()) == len(pdu.encode())


@given(MESSAGES)
def test_a_message_comes_back_as_it_was(message: ShortMessage) -> None:
    assert ShortMessage.decode(message.encode()) == message


@given(MESSAGES, st.data())
def test_a_message_that_was_cut_short_is_refused(
    message: ShortMessage, data: st.DataObject
) -> None:
    bare = ShortMessage(message.source, message.destination, message.content)
    body = bare.encode()
    with pytest.raises(ValueError):
        ShortMessage.decode(body[: data.draw(st.integers(0, len(body) - 1))])


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_refused(body: bytes) -> None:
    try:
        ShortMessage.decode(body)
    except ValueError:
        return


def test_the_bytes_are_those_of_the_specification() -> None:
    """Section 3.2.2 has them as an example: a bind_transmitter; here a bind_transceiver."""
    body = bind_body("SMPP3TEST", "secret08", "SUBMIT1")
    unit = Pdu(Command.BIND_TRANSCEIVER, 1, 0, body).encode()
    assert unit.hex(" ") == (
        "00 00 00 2f 00 00 00 09 00 00 00 00 00 00 00 01 53 4d 50 50 33 54 45 53 54 00 "
        "73 65 63 72 65 74 30 38 00 53 55 42 4d 49 54 31 00 34 00 00 00"
    )


def test_a_submit_sm_byte_for_byte() -> None:
    """As the package smpp of npm reads it."""
    message = ShortMessage(
        Address(5, 0, "Shop"),
        Address(1, 1, "353861234567"),
        b"Hi",
        registered_delivery=1,
        validity_period="000001000000000R",
        tlvs={0x0424: b"x"},
    )
    assert message.encode() == b"".join(
        (
            b"\0",
            b"\5\0Shop\0",
            b"\1\1" + b"353861234567\0",
            b"\0\0\0",
            b"\0",
            b"000001000000000R\0",
            b"\1\0\0\0",
            b"\2Hi",
            b"\4\x24\0\1x",
        )
    )


@pytest.mark.parametrize("size", [0, HEADER - 1, LONGEST + 1, 2**32 - 1])
def test_a_length_that_cannot_be_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="bad_length"):
        length(size.to_bytes(4, "big") + bytes(12))


@pytest.mark.parametrize("unit", [b"", b"\0\0\0\x10", Pdu(4, 1).encode() + b"x"])
def test_a_unit_is_as_long_as_it_says(unit: bytes) -> None:
    with pytest.raises(ValueError, match="bad_length"):
        decode(unit)


@pytest.mark.parametrize(
    "message",
    [
        ShortMessage(Address(1, 1, "1" * 21), Address(1, 1, "2"), b""),
        ShortMessage(Address(1, 1, "1"), Address(1, 1, "é"), b""),
        ShortMessage(Address(1, 1, "1\0002"), Address(1, 1, "2"), b""),
        ShortMessage(Address(1, 1, "1"), Address(1, 1, "2"), b"", service_type="ABCDEF"),
        ShortMessage(Address(1, 1, "1"), Address(1, 1, "2"), bytes(255)),
        ShortMessage(Address(256, 1, "1"), Address(1, 1, "2"), b""),
    ],
)
def test_what_the_protocol_has_no_room_for_is_refused(message: ShortMessage) -> None:
    with pytest.raises(ValueError):
        message.encode()


def test_the_id_of_an_answer_may_be_missing() -> None:
    assert first_text(text_body("ABC")) == "ABC"
    assert [first_text(body) for body in (b"", b"\0", b"ABC")] == [None, None, None]


def test_no_text_shows() -> None:
    message = ShortMessage(Address(1, 1, "12345678"), Address(1, 1, "87654321"), b"secret")
    shown = repr(message) + repr(Pdu(Command.SUBMIT_SM, 1, 0, message.encode()))
    assert not any(word in shown for word in ("secret", "12345678", "87654321"))
