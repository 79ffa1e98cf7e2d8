"""The examples of RFC 5545, section 3.8.5.3, with the dates that stand there.

All of them are at 9:00 in New York, unless hours are part of the rule.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, timedelta

import pytest

from campaigns.errors import Invalid
from campaigns.schedule import recurrence
from campaigns.schedule.local import to_local, to_utc

ZONE = "America/New_York"
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def nine_o_clock(text: str) -> list[datetime]:
    """Local times; ``1997 Sep 2-4 9 Oct 7`` means four days of September and one of October."""
    year, month, found = 0, 0, []
    for token in text.split():
        if token in MONTHS:
            month = MONTHS.index(token) + 1
        elif re.fullmatch(r"[0-9]{4}", token):
            year = int(token)
        else:
            first, last = re.fullmatch(r"(\d+)(?:-(\d+))?", token).groups()
            days = range(int(first), int(last or first) + 1)
            found += [datetime(year, month, day, 9) for day in days]
    return found


def occurrences(start: datetime, rule: str, limit: int = 1000) -> list[datetime]:
    """What the rule gives, as local times."""
    begin = to_utc(start, ZONE)
    series = recurrence.parse(rule, zone=ZONE, start=begin)
    return [to_local(each, ZONE) for each in series.between(begin, FAR, limit=limit)]


SEPTEMBER_2 = "1997 Sep 2"
JANUARY = "1998 Jan 1-31 1999 Jan 1-31 2000 Jan 1-31"
UNTIL_CHRISTMAS_EVE = "1997 Sep 2 9 16 23 30 Oct 7 14 21 28 Nov 4 11 18 25 Dec 2 9 16 23"
FIVE_WEEKS = "1997 Sep 2 4 9 11 16 18 23 25 30 Oct 2"
EVERY_DAY = "1997 Sep 2-30 Oct 1-31 Nov 1-30 Dec 1-23"
MONDAYS_WEDNESDAYS_FRIDAYS = (
    "1997 Sep 1 3 5 15 17 19 29 Oct 1 3 13 15 17 27 29 31 Nov 10 12 14 24 26 28 Dec 8 10 12 22"
)

FINITE = [
    (SEPTEMBER_2, "FREQ=DAILY;COUNT=10", "1997 Sep 2-11"),
    (SEPTEMBER_2, "FREQ=DAILY;UNTIL=19971224T000000Z", EVERY_DAY),
    (SEPTEMBER_2, "FREQ=DAILY;INTERVAL=10;COUNT=5", "1997 Sep 2 12 22 Oct 2 12"),
    (
        "1998 Jan 1",
        "FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY=SU,MO,TU,WE,TH,FR,SA",
        JANUARY,
    ),
    ("1998 Jan 1", "FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", JANUARY),
    (SEPTEMBER_2, "FREQ=WEEKLY;COUNT=10", "1997 Sep 2 9 16 23 30 Oct 7 14 21 28 Nov 4"),
    (SEPTEMBER_2, "FREQ=WEEKLY;UNTIL=19971224T000000Z", UNTIL_CHRISTMAS_EVE),
    (SEPTEMBER_2, "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH", FIVE_WEEKS),
    (SEPTEMBER_2, "FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH", FIVE_WEEKS),
    (
        "1997 Sep 1",
        "FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
        MONDAYS_WEDNESDAYS_FRIDAYS,
    ),
    (
        SEPTEMBER_2,
        "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
        "1997 Sep 2 4 16 18 30 Oct 2 14 16",
    ),
    (
        "1997 Sep 5",
        "FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
        "1997 Sep 5 Oct 3 Nov 7 Dec 5 1998 Jan 2 Feb 6 Mar 6 Apr 3 May 1 Jun 5",
    ),
    (
        "1997 Sep 5",
        "FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR",
        "1997 Sep 5 Oct 3 Nov 7 Dec 5",
    ),
    (
        "1997 Sep 7",
        "FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
        "1997 Sep 7 28 Nov 2 30 1998 Jan 4 25 Mar 1 29 May 3 31",
    ),
    (
        "1997 Sep 22",
        "FREQ=MONTHLY;COUNT=6;BYDAY=-2MO",
        "1997 Sep 22 Oct 20 Nov 17 Dec 22 1998 Jan 19 Feb 16",
    ),
    (
        SEPTEMBER_2,
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
        "1997 Sep 2 15 Oct 2 15 Nov 2 15 Dec 2 15 1998 Jan 2 15",
    ),
    (
        "1997 Sep 30",
        "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
        "1997 Sep 30 Oct 1 31 Nov 1 30 Dec 1 31 1998 Jan 1 31 Feb 1",
    ),
    (
        "1997 Sep 10",
        "FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
        "1997 Sep 10-15 1999 Mar 10-13",
    ),
    (
        "1997 Jun 10",
        "FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
        "1997 Jun 10 Jul 10 1998 Jun 10 Jul 10 1999 Jun 10 Jul 10 2000 Jun 10 Jul 10 "
        "2001 Jun 10 Jul 10",
    ),
    (
        "1997 Mar 10",
        "FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
        "1997 Mar 10 1999 Jan 10 Feb 10 Mar 10 2001 Jan 10 Feb 10 Mar 10 2003 Jan 10 Feb 10 Mar 10",
    ),
    (
        "1997 Jan 1",
        "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
        "1997 Jan 1 Apr 10 Jul 19 2000 Jan 1 Apr 9 Jul 18 2003 Jan 1 Apr 10 Jul 19 2006 Jan 1",
    ),
    (
        "1997 Sep 4",
        "FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3",
        "1997 Sep 4 Oct 7 Nov 6",
    ),
    (
        "1997 Aug 5",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO",
        "1997 Aug 5 10 19 24",
    ),
    (
        "1997 Aug 5",
        "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
        "1997 Aug 5 17 19 31",
    ),
    (
        "2007 Jan 15",
        "FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5",
        "2007 Jan 15 30 Feb 15 Mar 15 30",
    ),
]

ENDLESS = [
    (
        SEPTEMBER_2,
        "FREQ=DAILY;INTERVAL=2",
        "1997 Sep 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30 Oct 2 4",
    ),
    (
        SEPTEMBER_2,
        "FREQ=WEEKLY;INTERVAL=2;WKST=SU",
        "1997 Sep 2 16 30 Oct 14 28 Nov 11 25 Dec 9 23 1998 Jan 6 20 Feb 3 17",
    ),
    (
        "1997 Sep 28",
        "FREQ=MONTHLY;BYMONTHDAY=-3",
        "1997 Sep 28 Oct 29 Nov 28 Dec 29 1998 Jan 29 Feb 26",
    ),
    (
        SEPTEMBER_2,
        "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
        "1997 Sep 2 9 16 23 30 Nov 4 11 18 25 1998 Jan 6 13 20 27 Mar 3 10 17 24 31",
    ),
    ("1997 May 19", "FREQ=YEARLY;BYDAY=20MO", "1997 May 19 1998 May 18 1999 May 17"),
    ("1997 May 12", "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "1997 May 12 1998 May 11 1999 May 17"),
    (
        "1997 Mar 13",
        "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
        "1997 Mar 13 20 27 1998 Mar 5 12 19 26 1999 Mar 4 11 18 25",
    ),
    (
        "1997 Jun 5",
        "FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8",
        "1997 Jun 5 12 19 26 Jul 3 10 17 24 31 Aug 7 14 21 28 "
        "1998 Jun 4 11 18 25 Jul 2 9 16 23 30 Aug 6 13 20 27 "
        "1999 Jun 3 10 17 24 Jul 1 8 15 22 29 Aug 5 12 19 26",
    ),
    (
        # The start is no Friday the 13th. The RFC excludes it by EXDATE; here it is none anyway.
        SEPTEMBER_2,
        "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13",
        "1998 Feb 13 Mar 13 Nov 13 1999 Aug 13 2000 Oct 13",
    ),
    (
        "1997 Sep 13",
        "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
        "1997 Sep 13 Oct 11 Nov 8 Dec 13 1998 Jan 10 Feb 7 Mar 7 Apr 11 May 9 Jun 13",
    ),
    (
        "1996 Nov 5",
        "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
        "1996 Nov 5 2000 Nov 7 2004 Nov 2",
    ),
    (
        "1997 Sep 29",
        "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
        "1997 Sep 29 Oct 30 Nov 27 Dec 30 1998 Jan 29 Feb 26 Mar 30",
    ),
]


@pytest.mark.parametrize(("start", "rule", "expected"), FINITE, ids=[row[1] for row in FINITE])
def test_a_finite_rule_gives_exactly_the_dates_of_the_rfc(
    start: str, rule: str, expected: str
) -> None:
    assert occurrences(nine_o_clock(start)[0], rule) == nine_o_clock(expected)


@pytest.mark.parametrize(("start", "rule", "expected"), ENDLESS, ids=[row[1] for row in ENDLESS])
def test_an_endless_rule_begins_with_the_dates_of_the_rfc(
    start: str, rule: str, expected: str
) -> None:
    dates = nine_o_clock(expected)
    assert occurrences(nine_o_clock(start)[0], rule, limit=len(dates)) == dates


@pytest.mark.parametrize("until", ["19970902T210000Z", "19970902T170000"])
def test_every_three_hours_of_one_working_day(until: str) -> None:
    """From 9:00 to 17:00 local time; the RFC writes 17:00 UTC, which its erratum corrects."""
    start = datetime(1997, 9, 2, 9)
    found = occurrences(start, f"FREQ=HOURLY;INTERVAL=3;UNTIL={until}")
    assert [each.hour for each in found] == [9, 12, 15]


def test_every_twenty_minutes_of_the_working_hours_of_every_day() -> None:
    start = datetime(1997, 9, 2, 9)
    rule = "FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40"
    expected = [
        datetime.combine(start.date() + timedelta(days=day), time(hour, minute))
        for day in range(2)
        for hour in range(9, 17)
        for minute in (0, 20, 40)
    ]
    assert occurrences(start, rule, limit=48) == expected


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=MINUTELY;INTERVAL=15;COUNT=6",
        "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
        "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16",
    ],
)
def test_examples_by_the_minute_are_refused(rule: str) -> None:
    with pytest.raises(Invalid, match="must be HOURLY, DAILY, WEEKLY, MONTHLY or YEARLY"):
        occurrences(datetime(1997, 9, 2, 9), rule)
