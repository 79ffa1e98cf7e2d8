"""What people send by SMPP is read whatever it is written in, and told from receipts."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template.segments import BASIC, EXTENDED
from tests.fakes.smpp import PROFILE, call
from tests.fakes.smpp_units import receipt, written
from worker.adapters.receiving import Inbound
from worker.adapters.smpp_pdu import Command, Pdu
from worker.adapters.smpp_text import gsm, read_gsm

SENDER, NUMBER = "353861234567", "353860000001"


def unit(content: bytes, **more: Any) -> bytes:
    return written(SENDER, NUMBER, content, **more)


def texts(data: bytes, **options: Any) -> list[str]:
    found = PROFILE.adapter(**options).parse_inbound(call(data))
    assert all((one.sender, one.recipient) == (SENDER, NUMBER) for one in found)
    return [one.text for one in found]


@pytest.mark.parametrize(
    ("content", "data_coding", "options", "text"),
    [
        (gsm("Stop @ £5 {now} €"), 0, {}, "Stop @ £5 {now} €"),
        ("Stóp £5".encode("latin-1"), 0, {"alphabet": "latin1"}, "Stóp £5"),
        (b"STOP", 1, {}, "STOP"),
        ("Stóp".encode("latin-1"), 3, {}, "Stóp"),
        ("СТОП 😀".encode("utf-16-be"), 8, {}, "СТОП 😀"),
    ],
)
def test_in_each_alphabet(
    content: bytes, data_coding: int, options: dict[str, Any], text: str
) -> None:
    assert texts(unit(content, data_coding=data_coding), **options) == [text]
    payload = {0x0424: content}
    assert texts(unit(b"", data_coding=data_coding, tlvs=payload), **options) == [text]


def test_what_is_no_text_says_nothing() -> None:
    for data_coding in (2, 4, 0xF5):
        assert texts(unit(b"STOP", data_coding=data_coding)) == []


@pytest.mark.parametrize(
    ("header", "is_first"),
    [
        (b"\x05\x00\x03\x2a\x02\x01", True),
        (b"\x05\x00\x03\x2a\x02\x02", False),
        (b"\x06\x08\x04\x00\x2a\x02\x01", True),
        (b"\x06\x08\x04\x00\x2a\x02\x02", False),
        # Ports first, and the part behind them.
        (b"\x0b\x05\x04\x00\x01\x00\x02\x00\x03\x2a\x02\x02", False),
        (b"\x06\x05\x04\x00\x01\x00\x02", True),
        (b"\x00", True),
        (b"\x01\x00", True),
    ],
)
def test_the_first_part_of_a_long_message_has_its_first_word(header: bytes, is_first: bool) -> None:
    assert texts(unit(header + b"STOP", esm_class=0x40)) == (["STOP"] if is_first else [])


def test_parts_may_be_numbered_beside_the_text() -> None:
    assert texts(unit(b"STOP", tlvs={0x020F: b"\1"})) == ["STOP"]
    assert texts(unit(b"STOP", tlvs={0x020F: b"\2"})) == []
    assert texts(unit(b"STOP", tlvs={0x020F: b""})) == ["STOP"]


@pytest.mark.parametrize(
    "data",
    [
        receipt(),
        receipt(esm_class=0, tlvs={0x001E: b"ABCD\0"}),
        receipt(esm_class=0x20),
        unit(b"", esm_class=0x40),
        unit(b"\x09STOP", esm_class=0x40),
        unit(b"STOP")[:-1],
        Pdu(Command.SUBMIT_SM, 1, 0, b"").encode(),
        b"",
    ],
)
def test_what_is_no_message_of_a_person_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        texts(data)


@given(st.binary(max_size=80), st.integers(0, 255), st.integers(0, 255))
def test_whatever_comes_is_read_or_refused(content: bytes, data_coding: int, kind: int) -> None:
    try:
        found = PROFILE.adapter().parse_inbound(
            call(unit(content, data_coding=data_coding, esm_class=kind))
        )
    except ValueError:
        return
    assert all(isinstance(one, Inbound) for one in found)


def test_nothing_of_a_message_shows() -> None:
    (found,) = PROFILE.adapter().parse_inbound(call(unit(b"STOP")))
    assert not any(word in repr(found) for word in (SENDER, NUMBER, "STOP"))


@given(st.text(st.sampled_from(BASIC + EXTENDED)))
def test_the_alphabet_is_read_as_it_is_written(text: str) -> None:
    assert read_gsm(gsm(text)) == text


def test_septets_that_are_none_are_marked() -> None:
    assert read_gsm(b"\x1b") == " "
    assert read_gsm(b"a\x1b\x41\x80") == "aA\ufffd"
