"""Receipts of SMSCs, in the form of appendix B and in those that are found besides."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.smpp import PROFILE, call, replied
from tests.fakes.smpp_units import RECEIPT, receipt
from worker.adapters.base import Accepted, Report
from worker.adapters.smpp_exchange import SmppReply
from worker.adapters.smpp_pdu import ShortMessage, decode


def parsed(unit: bytes, **options: Any) -> list[Report]:
    return list(PROFILE.adapter(**options).parse_report(call(unit)))


@pytest.mark.parametrize(
    ("ids", "answered", "written"),
    [
        ("same", "0A3F", "0A3F"),
        ("decimal", "0A3F", "2623"),
        ("decimal", "0a3f", "0002623"),
        ("hexadecimal", "2623", "A3F"),
        ("hexadecimal", "2623", "00000a3f"),
    ],
)
def test_the_id_of_a_receipt_is_that_of_the_answer(ids: str, answered: str, written: str) -> None:
    one = PROFILE.adapter(receipt_ids=ids)
    reply = SmppReply(tuple(replace(part, message_id=answered) for part in replied(0).parts))
    (accepted,) = one.decode(PROFILE.messages(), reply)
    (report,) = one.parse_report(call(receipt(ident=written)))
    assert isinstance(accepted, Accepted)
    assert accepted.message_ids == (report.message_id,)


def test_the_id_beside_the_text_is_written_as_in_the_answer() -> None:
    (report,) = parsed(receipt(ident="9", tlvs={0x001E: b"ABCD\0"}))
    assert report.message_id == str(0xABCD)


def test_what_the_message_said_is_no_part_of_the_receipt() -> None:
    """Its text stands at the end, and whoever wrote it may have written anything."""
    (report,) = parsed(receipt("UNDELIV", text=RECEIPT.replace("id:7", "stat:DELIVRD id:7")))
    assert (report.kind, report.message_id) == ("failed", "43981")
    (report,) = parsed(receipt("UNDELIV", text="id:{ident} stat:{stat} text:err:034 err:034"))
    assert report.code == "UNDELIV"


@pytest.mark.parametrize(
    ("number", "kind"),
    [(2, "delivered"), (3, "failed"), (4, "failed"), (5, "failed"), (7, "failed"), (8, "failed")],
)
def test_the_state_may_be_a_number(number: int, kind: str) -> None:
    tlvs = {0x001E: b"ABCD\0", 0x0427: bytes([number])}
    (report,) = parsed(receipt(text="", tlvs=tlvs))
    assert report.kind == kind
    assert parsed(receipt(text="", tlvs={**tlvs, 0x0427: b"\1"})) == []
    assert parsed(receipt(text="", tlvs={**tlvs, 0x0427: b"\x2a"})) == []


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("DELIVERED", "delivered"),
        ("delivered", "delivered"),
        ("REJECTED", "failed"),
        ("UNDELIVERABLE", "failed"),
        ("ACCEPTED", None),
        ("ENROUTE", None),
    ],
)
def test_a_state_may_be_written_out(word: str, kind: str | None) -> None:
    assert [report.kind for report in parsed(receipt(word))] == ([kind] if kind else [])


def test_a_word_that_nobody_knows_leaves_it_to_the_number() -> None:
    (report,) = parsed(receipt("DONE", tlvs={0x0427: b"\2"}))
    assert report.kind == "delivered"
    assert parsed(receipt("DONE")) == []
    assert parsed(receipt("ACCEPTD", tlvs={0x0427: b"\2"})) == []


def test_a_receipt_may_be_in_ucs2() -> None:
    pdu = decode(receipt("UNDELIV", err="034"))
    one = ShortMessage.decode(pdu.body)
    wide = replace(one, content=one.content.decode("latin-1").encode("utf-16-be"), data_coding=8)
    wide = replace(wide, content=b"", tlvs={0x0424: wide.content})
    (report,) = parsed(replace(pdu, body=wide.encode()).encode())
    assert (report.message_id, report.code) == ("43981", "UNDELIV.034")


def test_a_receipt_without_its_type_is_known_by_what_only_an_smsc_can_add() -> None:
    """A person's message may say whatever a receipt says, but has no such parameter."""
    (report,) = parsed(receipt(esm_class=0, tlvs={0x001E: b"ABCD\0"}))
    assert (report.message_id, report.kind) == (str(0xABCD), "delivered")
    for kind in (0x00, 0x08, 0x10, 0x18, 0x20):
        tlvs = {0x001E: b"ABCD\0"} if kind else {}
        with pytest.raises(ValueError, match="not a receipt"):
            parsed(receipt(esm_class=kind, tlvs=tlvs))


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("291231235958", datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)),
        ("2907010100", datetime(2029, 7, 1, 0, 0, tzinfo=UTC)),
        ("29123123595", None),
        ("291331235958", None),
        ("2912312359-8", None),
    ],
)
def test_a_date_is_of_the_smscs_clock(written: str, at: datetime | None) -> None:
    text = RECEIPT.replace("291231235958", written)
    (report,) = parsed(receipt(text=text))
    assert report.at == at
    (report,) = parsed(receipt(text=text), receipt_zone=None)
    assert report.at is None


@given(st.text(st.characters(max_codepoint=255, exclude_characters="{}"), max_size=200))
def test_any_text_is_a_receipt_or_refused(text: str) -> None:
    try:
        found = parsed(receipt(text=text))
    except ValueError:
        return
    assert len(found) <= 1


def test_the_fields_may_come_in_any_order() -> None:
    fields = ["id:43981", "stat:EXPIRED", "err:001", "done date:291231235958"]
    for order in itertools.permutations(fields):
        (report,) = parsed(receipt(text=" ".join(order)))
        assert (report.message_id, report.kind, report.code) == ("43981", "failed", "EXPIRED.001")
