"""Readings of bare digits under the numbering plans of libphonenumber.

A list of a million contacts asks this a million times, and libphonenumber's general parser spends
most of its time on punctuation, extensions and vanity letters that bare digits do not have. So
the plans' own patterns are asked directly wherever no rule about prefixes applies; every other
number goes through the general parser. Both give the same answer, which a property test holds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import (
    COUNTRY_CODE_TO_REGION_CODE,
    PhoneMetadata,
    PhoneNumberFormat,
    PhoneNumberType,
)


class Reading(NamedTuple):
    """A valid number: its E.164 digits without plus, and whether it can be a mobile."""

    digits: str
    mobile: bool


class _Undecided:
    """A rule about prefixes may apply: the general parser has to answer."""


_UNDECIDED = _Undecided()
_MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})
_TYPES_BEFORE_LINES = (
    "premium_rate",
    "toll_free",
    "shared_cost",
    "voip",
    "personal_number",
    "pager",
    "uan",
    "voicemail",
)
#: Outside of these lengths a number is unusual enough for the general parser (E.164: 15 digits).
_SHORTEST, _LONGEST = 7, 15

Matcher = Callable[[str], bool]


def international(digits: str) -> Reading | None:
    """The reading of ``digits`` as a country code and a number in it, as if ``+`` stood before.

    ``None`` if no plan allows it. ``digits`` are ASCII digits, the first one is not 0.
    """
    found = _international(digits)
    return by_parser("+" + digits, None) if isinstance(found, _Undecided) else found


def national(digits: str, region: str) -> Reading | None:
    """The reading of ``digits`` as somebody in ``region`` would dial them.

    libphonenumber strips the region's own country code if that makes the number a valid one.
    """
    found = _national(digits, region)
    return by_parser(digits, region) if isinstance(found, _Undecided) else found


def by_parser(text: str, region: str | None) -> Reading | None:
    """The reading by libphonenumber's general parser."""
    try:
        found = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(found):
        return None
    written = str(phonenumbers.format_number(found, PhoneNumberFormat.E164))
    return Reading(written.removeprefix("+"), phonenumbers.number_type(found) in _MOBILE)


class _Plan:
    """The patterns of one region, compiled.

    They decide what libphonenumber's ``number_type`` decides, in the same order.
    """

    def __init__(self, metadata: Any) -> None:
        leading = metadata.leading_digits
        self.leading = re.compile(leading) if leading is not None else None
        self.general = _matcher(metadata.general_desc)
        self.fixed = _matcher(metadata.fixed_line)
        self.mobile = (
            self.fixed if metadata.same_mobile_and_fixed_line_pattern
            else _matcher(metadata.mobile)
        )  # fmt: skip
        found = [_matcher(getattr(metadata, name)) for name in _TYPES_BEFORE_LINES]
        self.others = [match for match in found if match is not _never]

    def mobile_or_valid(self, number: str) -> bool | None:
        """Whether a national number can be a mobile; ``None`` if it is not valid."""
        if not self.general(number):
            return None
        for match in self.others:
            if match(number):
                return False
        if self.mobile(number):
            return True
        return False if self.fixed(number) else None


class _Region(NamedTuple):
    """What the parser looks at before it looks at a plan."""

    country_code: str
    general: re.Pattern[str]
    #: Match where digits begin with a prefix that the parser would strip or rewrite.
    international_prefix: re.Pattern[str] | None
    national_prefix: re.Pattern[str] | None
    main_national_prefix: re.Pattern[str] | None


def _international(digits: str) -> Reading | _Undecided | None:
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return _UNDECIDED
    for length in (1, 2, 3):
        code, number = digits[:length], digits[length:]
        if int(code) in COUNTRY_CODE_TO_REGION_CODE:
            prefix = _main_national_prefix(int(code))
            if prefix is not None and prefix.match(number):
                return _UNDECIDED
            return _valid(code, number)
    return None


def _national(digits: str, region: str) -> Reading | _Undecided | None:
    if not _SHORTEST <= len(digits) <= _LONGEST:
        return _UNDECIDED
    rules = _region(region)
    if rules.international_prefix is not None and rules.international_prefix.match(digits):
        return _UNDECIDED
    number = digits
    if digits.startswith(rules.country_code):
        number = digits[len(rules.country_code) :]
        if rules.general.fullmatch(digits) or not rules.general.fullmatch(number):
            return _UNDECIDED
        if rules.main_national_prefix is not None and rules.main_national_prefix.match(number):
            return _UNDECIDED
    if rules.national_prefix is not None and rules.national_prefix.match(number):
        return _UNDECIDED
    return _valid(rules.country_code, number)


def _valid(code: str, number: str) -> Reading | None:
    """The reading of a national number: the first region that claims it decides."""
    plans = _plans(int(code))
    for plan in plans:
        if len(plans) > 1 and plan.leading is not None:
            if plan.leading.match(number):
                mobile = plan.mobile_or_valid(number)
                return None if mobile is None else Reading(code + number, mobile)
            continue
        mobile = plan.mobile_or_valid(number)
        if mobile is not None:
            return Reading(code + number, mobile)
    return None


@cache
def _plans(country_code: int) -> list[_Plan]:
    regions = COUNTRY_CODE_TO_REGION_CODE[country_code]
    found = (
        PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
        for region in regions
    )
    return [_Plan(metadata) for metadata in found if metadata is not None]


@cache
def _region(region: str) -> _Region:
    metadata: Any = PhoneMetadata.metadata_for_region(region)
    return _Region(
        country_code=str(metadata.country_code),
        general=re.compile(metadata.general_desc.national_number_pattern),
        international_prefix=_prefix(metadata.international_prefix),
        national_prefix=_prefix(metadata.national_prefix_for_parsing),
        main_national_prefix=_main_national_prefix(metadata.country_code),
    )


@cache
def _main_national_prefix(country_code: int) -> re.Pattern[str] | None:
    region = COUNTRY_CODE_TO_REGION_CODE[country_code][0]
    metadata: Any = PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    return _prefix(metadata.national_prefix_for_parsing)


def _prefix(pattern: str | None) -> re.Pattern[str] | None:
    return re.compile(pattern) if pattern else None


def _never(_: str) -> bool:
    return False


def _matcher(desc: Any) -> Matcher:
    if desc is None or not desc.national_number_pattern:
        return _never
    fullmatch = re.compile(desc.national_number_pattern).fullmatch
    lengths = frozenset(desc.possible_length)
    if not lengths:
        return lambda number: fullmatch(number) is not None
    return lambda number: len(number) in lengths and fullmatch(number) is not None
