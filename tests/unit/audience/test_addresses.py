"""Addresses: one stored form for all spellings, and refusals that do not show the address."""

from __future__ import annotations

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.audience import addresses
from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.errors import Invalid

BRITISH = "447785856985"


@pytest.mark.parametrize(
    ("text", "region", "stored"),
    [
        # With a plus or 00: international, whatever the region.
        ("+447785856985", None, BRITISH),
        ("+447785856985", "US", BRITISH),
        ("00447785856985", None, BRITISH),
        ("00447785856985", "GB", BRITISH),
        ("00447785856985", "US", BRITISH),
        ("0011447785856985", "AU", BRITISH),
        ("011447785856985", "US", BRITISH),
        ("+44 (0)7785 856985", None, BRITISH),
        # As Passona writes them: digits with a country code and no plus.
        (BRITISH, None, BRITISH),
        (BRITISH, "GB", BRITISH),
        (BRITISH, "US", BRITISH),
        (BRITISH, "FR", BRITISH),
        # National, with and without the trunk prefix that a spreadsheet drops.
        ("07785856985", "GB", BRITISH),
        ("7785856985", "GB", BRITISH),
        ("2025550123", "US", "12025550123"),
        ("12025550123", "US", "12025550123"),
        ("4165550123", "US", "14165550123"),
        # Valid at home and abroad: the mobile wins, and home if both are or none is one.
        (BRITISH, "DE", BRITISH),
        ("491701234567", "DE", "491701234567"),
        ("16012345678", "DE", "4916012345678"),
        ("2079460123", "GB", "442079460123"),
        # As people write them.
        (" 07785 856-985 ", "GB", BRITISH),
        ("(+44) 7785.856.985", None, BRITISH),
        ("'+447785856985", None, BRITISH),
        ("\u202a+44\u00a07785\u2011856985\u202c", None, BRITISH),
        ("＋４４７７８５８５６９８５", None, BRITISH),
        ("٠٧٧٨٥٨٥٦٩٨٥", "GB", BRITISH),
    ],
)
def test_phone_number_is_stored_as_e164_digits(text: str, region: str | None, stored: str) -> None:
    assert addresses.phone(text, region) == stored


@pytest.mark.parametrize(
    ("text", "region", "rule"),
    [
        ("07785856985", None, "needs a leading + with a country code, or a default region"),
        ("12345", "GB", "is not a valid number in GB, nor an international one"),
        ("12345", None, "is not a valid number of any country"),
        ("+999123456789", None, "is not a valid number of any country"),
        ("+0447785856985", "GB", "is not a valid number in GB, nor an international one"),
        ("447785856985.0", "GB", "must be a phone number, not a decimal fraction"),
        ("4.47786E+11", "GB", "must be a phone number, digits with or without a leading +"),
        ("1-800-FLOWERS", "US", "must be a phone number, digits with or without a leading +"),
        ("07785856985 ext. 3", "GB", "must be a phone number, digits with or without a leading +"),
        ("07785856985, 07785856986", "GB", "must be a phone number, digits with or"),
        ("", "GB", "must be a phone number, digits with or without a leading +"),
        ("+", "GB", "must be a phone number, digits with or without a leading +"),
        ("1" * 5000, "GB", "is not a valid number in GB, nor an international one"),
        ("1 " * 5000, "GB", "must be a phone number, digits with or without a leading +"),
    ],
)
def test_text_that_is_no_phone_number_is_refused(text: str, region: str | None, rule: str) -> None:
    with pytest.raises(Invalid) as refused:
        addresses.phone(text, region)
    assert refused.value.rule.startswith(rule)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Ann@Example.COM", "ann@example.com"),
        (" ann@example.com ", "ann@example.com"),
        ("a.nn+Tag@example.com", "a.nn+tag@example.com"),
        ("ann@Bücher.example.com", "ann@xn--bcher-kva.example.com"),
        ("JÖRG@example.com", "jörg@example.com"),
    ],
)
def test_email_address_is_stored_in_lower_case_with_an_ascii_domain(text: str, stored: str) -> None:
    assert addresses.email(text) == stored


@pytest.mark.parametrize(
    "text",
    ["", "ann", "ann@", "@example.com", "a b@example.com", "ann@localhost", "ann@example..com",
     "a..b@example.com", ".a@example.com", "Ann <ann@example.com>", "x" * 65 + "@example.com",
     "ann@" + "x" * 64 + ".com", "a\0b@example.com", "ann@[127.0.0.1]", "ann@example.com\nBcc: x"],
)  # fmt: skip
def test_text_that_is_no_email_address_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match=r"^email: is not an e-mail address\.$"):
        addresses.email(text)


WORD = r"[A-Za-z0-9_+\-]{0,70}"


@settings(max_examples=400, deadline=None)
@given(
    text=st.from_regex(rf"{WORD}(\.{WORD})?@([A-Za-z0-9\-]{{0,8}}\.){{0,3}}[A-Za-z0-9\-]{{0,5}}",
                       fullmatch=True)
)  # fmt: skip
def test_plain_email_addresses_are_read_as_the_validator_reads_them(text: str) -> None:
    """The shortcut for plain ones accepts and stores nothing else than the library does."""
    try:
        found = validate_email(text, check_deliverability=False, strict=True)
    except EmailNotValidError:
        with pytest.raises(Invalid):
            addresses.email(text)
    else:
        stored = f"{found.local_part}@{found.ascii_domain}".lower()
        assert addresses.email(text) == stored


@pytest.mark.parametrize(
    ("kind", "text", "stored"),
    [
        ("telegram", " 12345 ", "12345"),
        ("telegram", "-1001234567890", "-1001234567890"),
        ("telegram", "007", "7"),
        ("viber", " 01234567890A= ", "01234567890A="),
        ("webpush", "HTTPS://Push.Example.com/Sub/aB", "https://push.example.com/Sub/aB"),
    ],
)
def test_other_addresses(kind: AddressKind, text: str, stored: str) -> None:
    assert addresses.normalise(kind, text) == stored


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("telegram", "0"),
        ("telegram", "--5"),
        ("telegram", "@channel"),
        ("telegram", "4503599627370496"),
        ("telegram", "٣"),
        ("telegram", "9" * 5000),
        ("viber", ""),
        ("viber", "a b"),
        ("viber", "x" * 65),
        ("webpush", "http://push.example.com/x"),
        ("webpush", "https://"),
        ("webpush", "https://user:secret@push.example.com/x"),
        ("webpush", "https://[::1/x"),
        ("webpush", "https://push.example.com:99999/x"),
        ("webpush", "https://push.example.com/ü"),
        ("webpush", "https://push.example.com/" + "x" * 2000),
    ],
)
def test_other_texts_are_refused(kind: AddressKind, text: str) -> None:
    with pytest.raises(Invalid):
        addresses.normalise(kind, text)


def refusal_or_stored(kind: AddressKind, text: str, region: str | None) -> Invalid | str:
    try:
        return addresses.normalise(kind, text, region)
    except Invalid as error:
        return error


@settings(max_examples=300)
@given(kind=st.sampled_from(KINDS), text=st.text(max_size=60), region=st.sampled_from([None, "GB"]))
def test_any_text_is_stored_or_refused_without_being_shown(
    kind: AddressKind, text: str, region: str | None
) -> None:
    found = refusal_or_stored(kind, text, region)
    if isinstance(found, Invalid):
        assert found.field == kind
        assert len(text.strip()) < 5 or text.strip() not in str(found)
    else:
        again = f"+{found}" if kind == "phone" else found
        assert addresses.normalise(kind, again, region) == found


@settings(max_examples=300)
@given(number=st.integers(7400000000, 7999999999), region=st.sampled_from(["GB", "US", "DE", None]))
def test_all_international_spellings_are_one_address(number: int, region: str | None) -> None:
    spellings = (f"+44{number}", f"0044{number}", f"+44 (0) {number}", f"+44-{number}")
    found = {str(refusal_or_stored("phone", text, region)) for text in spellings}
    assert len(found) == 1


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("ann@example.com", "email"),
        ("+447785856985", "phone"),
        (" HTTPS://push.example.com/a@b", "webpush"),
    ],
)
def test_kind_is_guessed_from_the_form(text: str, kind: AddressKind) -> None:
    assert addresses.guess_kind(text) == kind
