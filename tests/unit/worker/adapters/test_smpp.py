"""What is special about SMPP: parts, numbers and names, the validity, and where it binds."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, Text
from tests.fakes.smpp import PASSWORD, PROFILE
from tests.support.clock import FakeClock
from worker.adapters.base import Message
from worker.adapters.smpp import SmppAdapter
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
        ({"enquire_link": "30"}, "enquire_link: must be a number"),
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
