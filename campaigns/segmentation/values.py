"""What the texts in contacts and in rules mean: equal texts, numbers, days. Pure.

The functions ``text_folded``, ``text_number`` and ``text_date`` in the database say the same.
"""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from decimal import Decimal

#: Around a value they mean nothing.
BLANKS = " \t\r\n"
#: Between the digits of a phone number they mean nothing.
PHONE_MARKS = "+-()./ "

#: What is longer is no number: nobody counts so far, and it bounds the work.
LONGEST_NUMBER = 40
_NUMBER = re.compile(r"[+-]?[0-9]+([.][0-9]+)?")
_ISO_DAY = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_DOTTED_DAY = re.compile(r"([0-9]{1,2})[.]([0-9]{1,2})[.]([0-9]{4})")

_WITHOUT_MARKS = str.maketrans("", "", PHONE_MARKS)


def trimmed(text: str) -> str:
    """The text without blanks around it."""
    return text.strip(BLANKS)


def digits(text: str) -> str:
    """A phone number without the marks that people write between its digits."""
    return text.translate(_WITHOUT_MARKS)


def folded(text: str) -> str:
    """The text in lower case, character by character (Unicode's simple mappings).

    So it has as many characters as before, and a text folds the same alone and inside another one.
    """
    # The only character whose lower case Python writes with two.
    return "".join("i" if char == "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}" else char.lower()
                   for char in text)  # fmt: skip


def number(text: str) -> Decimal | None:
    """``-12.50`` as a number; ``None``: it is none. A comma or an exponent makes none."""
    fits = len(text) <= LONGEST_NUMBER and _NUMBER.fullmatch(text)
    return Decimal(text) if fits else None


def day(text: str) -> int | None:
    """``1990-05-17`` or ``17.5.1990`` as 19900517; ``None``: there is no such day.

    A time of day behind the first form does not count. Forms with slashes mean different days to
    different people, so they are none.
    """
    if found := _ISO_DAY.fullmatch(text):
        year, month, of_month = found[1], found[2], found[3]
    elif found := _DOTTED_DAY.fullmatch(text):
        of_month, month, year = found[1], found[2], found[3]
    else:
        return None
    try:
        date(int(year), int(month), int(of_month))
    except ValueError:
        return None
    return int(year) * 10_000 + int(month) * 100 + int(of_month)


def anniversaries(today: date, days: int) -> list[int]:
    """The days of the year, as 517 for 17 May, whose anniversary is ``days`` after ``today``.

    That of 29 February is on 28 February in years without one.
    """
    then = today + timedelta(days=days)
    found = [then.month * 100 + then.day]
    if found == [228] and not calendar.isleap(then.year):
        found.append(229)
    return found
