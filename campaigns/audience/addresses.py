"""Addresses in the one form that is stored, compared and sent to.

Two spellings of one address must become the same text, because that text is what makes a
recipient unique and what an opt-out is compared with. Nothing here does I/O, and no error carries
the address that caused it.

    phone     E.164 digits without the plus sign: 447785856985
    email     lower case, the domain in its ASCII form (IDNA 2008)
    telegram  chat id, a decimal integer; groups and channels are negative
    viber     the id that Viber gives a subscriber; case matters
    webpush   the push service's endpoint, an https URL
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal, get_args
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from campaigns.audience import numbering
from campaigns.audience.numbering import Reading
from campaigns.errors import Invalid

AddressKind = Literal["phone", "email", "telegram", "viber", "webpush"]

#: All kinds, in the order in which they identify a contact within its group.
KINDS: tuple[AddressKind, ...] = get_args(AddressKind)

#: Longest stored address. A B-tree entry holds at most 2704 bytes (PostgreSQL, nbtree.h).
LONGEST = 2000

_PLAIN_PHONE = re.compile(r"\+?[0-9]+")
_WRITTEN_PHONE = re.compile(r"\+?[0-9][0-9 ()/.\-]*")
#: What a spreadsheet makes of a number: 447785856985.0
_FLOAT = re.compile(r"[0-9]+\.[0-9]")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"), "-")
_LONGEST_WRITTEN_PHONE = 40

#: Addresses whose local part cannot be wrong: a short dot-atom (RFC 5322, section 3.2.3).
_PLAIN_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_+\-]+(?:\.[A-Za-z0-9_+\-]+)*")
_PLAIN_DOMAIN = re.compile(r"[A-Za-z0-9.\-]+")
_LONGEST_EMAIL = 254

_LONGEST_CHAT_ID = 16
_VIBER_ID = re.compile(r"[!-~]{1,64}")
_URL = re.compile(r"https://[!-~]+", re.IGNORECASE)


def normalise(kind: AddressKind, text: str, region: str | None = None) -> str:
    """The stored form of ``text``, an address of ``kind``.

    ``region`` is the ISO 3166 code that phone numbers without an international prefix belong to.

    Raises:
        Invalid: it is not such an address; ``field`` is ``kind``, the value is left out.
    """
    if kind == "phone":
        return phone(text, region)
    if kind == "email":
        return email(text)
    if kind == "telegram":
        return telegram(text)
    if kind == "viber":
        return viber(text)
    return webpush(text)


def check_form(kind: AddressKind, text: str) -> str:
    """What can be told of an address in no time: a phone number comes back as it was written, if it
    is written as one; every other address in its stored form.

    Raises:
        Invalid: it is not such an address.
    """
    if kind != "phone":
        return normalise(kind, text)
    _phone_characters(text)
    return text


def guess_kind(text: str) -> AddressKind:
    """The kind an address looks like: e-mail with an @, push endpoint with https:, else phone."""
    if text.lstrip()[:8].lower() == "https://":
        return "webpush"
    return "email" if "@" in text else "phone"


def phone(text: str, region: str | None = None) -> str:
    """E.164 digits, without the plus, of a phone number as people write it.

    Which reading of the digits counts, in this order:

    1. With ``+``, the number is international. With ``00``, it is so too, unless ``region`` has
       a reading of its own for it (Australia dials out with 0011).
    2. Otherwise a number that is valid in ``region`` is read there. libphonenumber recognises
       the region's own calling code, so 447785856985 and 07785856985 are the same in GB.
    3. A number that is not valid there is read as international that lost its plus: with region
       US, 447785856985 is a British mobile.
    4. Where both readings are valid and differ, the one a message can reach wins: 491701234567
       in DE is the mobile +49 170 1234567 and not the landline 04917 01234567. If that does not
       tell them apart, ``region`` wins.

    Letters are refused rather than dialled, and so are extensions.

    Raises:
        Invalid: no reading is a number that its country's numbering plan allows.
    """
    written = _phone_characters(text)
    if written.startswith("+"):
        found = _abroad(written[1:])
    elif written.startswith("00"):
        found = (numbering.by_parser(written, region) if region else None) or _abroad(written[2:])
    elif written.startswith("0"):
        if region is None:
            raise _not_a("phone", "needs a leading + with a country code, or a default region")
        found = numbering.by_parser(written, region)
    else:
        found = _without_prefix(written, region)
    if found is None:
        where = f"in {region}, nor an international one" if region else "of any country"
        raise _not_a("phone", f"is not a valid number {where}")
    return found.digits


def email(text: str) -> str:
    """The address in lower case, its domain in ASCII.

    RFC 5321, section 2.4, lets a server tell upper from lower case in the local part; servers
    that do are not met, while people write their address either way. Lower case throughout is
    what makes an opt-out of ``ann@`` hold for ``Ann@``. Dots and +tags are kept: what they mean
    differs between servers.

    Raises:
        Invalid: the syntax breaks RFC 5321 or 5322, or the domain can never receive mail.
    """
    written = text.strip()
    local, _, domain = written.rpartition("@")
    if len(written) <= _LONGEST_EMAIL and _PLAIN_LOCAL.fullmatch(local):
        known = _plain_domain(domain.lower()) if _PLAIN_DOMAIN.fullmatch(domain) else None
        if known is not None and len(known) == len(domain):
            return f"{local.lower()}@{known}"
    try:
        found = validate_email(written, check_deliverability=False, strict=True)
    except EmailNotValidError:
        raise _not_a("email", "is not an e-mail address") from None
    return f"{found.local_part.lower()}@{found.ascii_domain.lower()}"


def telegram(text: str) -> str:
    """A Telegram chat id (Bot API: an integer of at most 52 significant bits, may be negative).

    Raises:
        Invalid: it is not a whole number in that range, or zero.
    """
    digits = text.strip()
    body = digits.removeprefix("-")
    if not (body.isascii() and body.isdigit() and len(body) <= _LONGEST_CHAT_ID):
        raise _not_a("telegram", "must be a chat id, a whole number")
    chat = int(digits)
    if chat == 0 or abs(chat) >= 2**52:
        raise _not_a("telegram", "must be a chat id other than 0, below 2^52")
    return str(chat)


def viber(text: str) -> str:
    """A Viber subscriber id, kept as it stands.

    Raises:
        Invalid: it is not 1 to 64 visible ASCII characters.
    """
    found = text.strip()
    if not _VIBER_ID.fullmatch(found):
        raise _not_a("viber", "must be a subscriber id of 1 to 64 visible ASCII characters")
    return found


def webpush(text: str) -> str:
    """A push endpoint (RFC 8030, section 4), scheme and host in lower case.

    Raises:
        Invalid: it is not an https URL with a host, carries credentials or is too long.
    """
    found = text.strip()
    rule = f"must be an https URL of at most {LONGEST} characters"
    if len(found) > LONGEST or not _URL.fullmatch(found):
        raise _not_a("webpush", rule)
    try:
        parts = urlsplit(found)
        if not parts.hostname or parts.username is not None or parts.port == 0:
            raise _not_a("webpush", rule)
    except ValueError:
        raise _not_a("webpush", rule) from None
    return parts._replace(scheme="https", netloc=parts.netloc.lower(), fragment="").geturl()


def _phone_characters(text: str) -> str:
    """The digits of a written number and its leading plus, without separators.

    Raises:
        Invalid: something else stands in it.
    """
    if _PLAIN_PHONE.fullmatch(text):
        return text
    visible = "".join(
        str(unicodedata.decimal(char)) if char.isdecimal() else char
        for char in unicodedata.normalize("NFKC", text)
        if unicodedata.category(char) != "Cf"
    )
    written = visible.strip().removeprefix("'").translate(_DASHES)
    bare = written.removeprefix("(") if written.startswith("(+") else written.lstrip("(")
    if len(bare) > _LONGEST_WRITTEN_PHONE or not _WRITTEN_PHONE.fullmatch(bare):
        raise _not_a("phone", "must be a phone number, digits with or without a leading +")
    if _FLOAT.fullmatch(bare):
        raise _not_a("phone", "must be a phone number, not a decimal fraction")
    plus = "+" if bare.startswith("+") else ""
    return plus + re.sub(r"[^0-9]", "", bare)


def _without_prefix(digits: str, region: str | None) -> Reading | None:
    at_home = numbering.national(digits, region) if region else None
    if at_home is not None and at_home.mobile:
        return at_home
    abroad = numbering.international(digits)
    if at_home is None or abroad is None:
        return at_home or abroad
    return abroad if abroad.mobile else at_home


def _abroad(digits: str) -> Reading | None:
    # No country code begins with 0; the parser would take such digits for something else.
    return None if digits.startswith("0") else numbering.international(digits)


@lru_cache(maxsize=4096)
def _plain_domain(domain: str) -> str | None:
    """The domain as it is stored, or ``None`` if none can be. Few domains serve most addresses."""
    try:
        found = validate_email(f"a@{domain}", check_deliverability=False, strict=True)
    except EmailNotValidError:
        return None
    return found.ascii_domain.lower()


def _not_a(kind: AddressKind, rule: str) -> Invalid:
    return Invalid(kind, None, rule)
