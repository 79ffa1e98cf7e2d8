"""What is special about SMPP: parts, numbers and names, the validity, and receipts."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, Text
from tests.fakes.smpp import PASSWORD, PROFILE, RECEIPT, call, receipt, replied
from tests.support.clock import FakeClock
from worker.adapters.base import Accepted, Message, Report
from worker.adapters.smpp import SmppAdapter
from worker.adapters.smpp_exchange import SmppReply
from worker.adapters.smpp_options import SmppOptions, server
from worker.adapters.smpp_pdu import Address, ShortMessage


def adapter(**options: Any) -> SmppAdapter:
    found = PROFILE.adapter(**options)
    assert isinstance(found, SmppAdapter)
    return found


def message(content: Content = Text("Hello"), **more: Any) -> Message:  # noqa: B008
    return replace(Message("17-0-aaaaaaaaaaaaa", "353861234567", "Shop", content), **more)


def encoded(one: Message, **options: Any) -> ShortMessage:
    (part,) = adapter(**options).encode([one]).parts
    return part


def test_one_part_with_a_receipt_wanted() -> None:
    assert encoded(message()) == ShortMessage(
        Address(5, 0, "Shop"),
        Address(1, 1, "353861234567"),
        b"Hello",
        registered_delivery=1,
    )
    quiet = adapter(receipts=False)
    assert quiet.encode([message()]).parts[0].registered_delivery == 0
    assert not quiet.capabilities.reports


def test_parts_share_a_number_that_is_the_same_at_every_attempt() -> None:
    """Parts of two attempts are then parts of one message for the phone."""
    long = message(Text("a" * 400))
    first, again = adapter().encode([long]).parts, adapter().encode([long]).parts
    assert first == again
    assert {part.content[3] for part in first} == {first[0].content[3]}
    others = {
        adapter().encode([replace(long, reference=f"17-{n}-aaaaaaaaaaaaa")]).parts[0].content[3]
        for n in range(50)
    }
    assert len(others) > 30


@pytest.mark.parametrize(
    ("sender", "options", "source"),
    [
        ("Shop", {}, Address(5, 0, "Shop")),
        ("Shop 24/7 !", {}, Address(5, 0, "Shop 24/7 !")),
        ("353861234567", {}, Address(1, 1, "353861234567")),
        ("+353861234567", {}, Address(1, 1, "353861234567")),
        ("50123", {}, Address(0, 1, "50123")),
        ("50123", {"source_ton": 3, "source_npi": 0}, Address(3, 0, "50123")),
    ],
)
def test_the_type_of_the_sender(sender: str, options: dict[str, int], source: Address) -> None:
    assert encoded(message(sender=sender), **options).source == source


@pytest.mark.parametrize("sender", ["", "a name too long", "Bäcker", "1" * 16 + "x", "a\n"])
def test_a_sender_that_cannot_be_one_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="sender"):
        encoded(message(sender=sender))


@pytest.mark.parametrize(
    ("left", "validity"),
    [
        (None, ""),
        (timedelta(seconds=-5), "000000000001000R"),
        (timedelta(seconds=90), "000000000130000R"),
        (timedelta(days=2, hours=3, minutes=4, seconds=5), "000002030405000R"),
        (timedelta(days=90), "000030000000000R"),
    ],
)
def test_the_validity_is_told(left: timedelta | None, validity: str) -> None:
    until = None if left is None else FakeClock().now() + left
    assert encoded(message(expires_at=until)).validity_period == validity


def test_an_smsc_may_want_the_moment_itself() -> None:
    until = datetime(2030, 1, 1, 6, 30, tzinfo=UTC)
    found = encoded(message(expires_at=until), validity="absolute")
    assert found.validity_period == "300101063000000+"


def test_only_texts_are_carried() -> None:
    with pytest.raises(ValueError, match="texts only"):
        encoded(message(Card("a card")))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"url": ""}, "url: must be such as smpp://smsc.example.com:2775"),
        ({"url": "http://smsc.example.com"}, "url: must be such as"),
        ({"url": "smpp://u:p@smsc.example.com"}, "url: must be such as"),
        ({"url": "smpp://smsc.example.com:0"}, "url: must be such as"),
        ({"system_id": ""}, "system_id: must not be empty"),
        ({"system_id": "x" * 16}, "system_id: "),
        ({"password": "pässword"}, "password: must be 1 to 64 visible ASCII"),
        ({"receipt_ids": "octal"}, "receipt_ids: "),
        ({"receipt_zone": "Atlantis"}, "receipt_zone: must be a zone of the IANA database"),
        ({"enquire_link": 1}, "enquire_link: "),
        ({"window": 5}, "window: is not a key of the adapter 'smpp'"),
    ],
)
def test_bad_options_are_refused_by_name(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        adapter(**options)
    assert str(refused.value).startswith(f"providers.carrier.{sentence}")
    assert "pässword" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smpp://smsc.example.com", ("smsc.example.com", 2775, False)),
        ("smpps://smsc.example.com/", ("smsc.example.com", 3550, True)),
        ("smpps://[::1]:4000", ("::1", 4000, True)),
    ],
)
def test_where_it_binds(url: str, found: tuple[str, int, bool]) -> None:
    options = SmppOptions(system_id="sluice", password=PASSWORD)  # type: ignore[arg-type]
    one = server(PROFILE.config(url=url), options)
    assert (one.host, one.port, one.tls) == found
    assert PASSWORD not in repr(one)


def parsed(unit: bytes, **options: Any) -> list[Report]:
    return list(adapter(**options).parse_report(call(unit)))


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
    one = adapter(receipt_ids=ids)
    reply = SmppReply(tuple(replace(part, message_id=answered) for part in replied(0).parts))
    (accepted,) = one.decode([message()], reply)
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
