"""Which texts are rules, and what is said about those that are not."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.schedule import recurrence
from campaigns.schedule.rule_text import LONGEST_TEXT, read

START = datetime(2026, 11, 25, 9, tzinfo=UTC)
MINUTES = ",".join(map(str, range(60)))
HOURS = ",".join(map(str, range(24)))

REFUSED = [
    ("", "'' is not a part of an RRULE"),
    ("FREQ", "'FREQ' must have a value"),
    ("FREQ=", "'FREQ=' must have a value"),
    ("INTERVAL=2", "'INTERVAL=2' must have a FREQ"),
    ("FREQ=SECONDLY", "'FREQ=SECONDLY' must be HOURLY, DAILY"),
    ("FREQ=MINUTELY", "'FREQ=MINUTELY' must be HOURLY, DAILY"),
    ("FREQ=DAILY;FREQ=WEEKLY", "'FREQ=WEEKLY' must not give FREQ twice"),
    ("FREQ=DAILY;X-COLOUR=1", "'X-COLOUR=1' is not a part of an RRULE"),
    ("FREQ=YEARLY;BYEASTER=1", "'BYEASTER=1' is not a part"),
    ("FREQ=DAILY;;COUNT=1", "'' is not a part"),
    ("EXRULE:FREQ=DAILY", "'EXRULE:FREQ=DAILY' is not a part"),
    ("FREQ=DAILY\nEXRULE:FREQ=DAILY", "must be one RRULE"),
    ("FREQ=DAILY\nFREQ=DAILY", "must be one RRULE"),
    ("DTSTART:20261125T090000Z", "must be one RRULE"),
    ("DTSTART:20261125T090000Z\nDTSTART:20261125T090000Z\nFREQ=DAILY", "must be one RRULE"),
    ("FREQ=DAILY;INTERVAL=0", "'INTERVAL=0' must be a whole number from 1 to 1,000"),
    ("FREQ=DAILY;INTERVAL=-1", "'INTERVAL=-1' must be"),
    ("FREQ=DAILY;INTERVAL=1001", "'INTERVAL=1001' must be"),
    ("FREQ=DAILY;INTERVAL=1e1", "'INTERVAL=1E1' must be"),
    ("FREQ=DAILY;INTERVAL=٣", "must be a whole number"),
    ("FREQ=DAILY;COUNT=0", "'COUNT=0' must be a whole number from 1 to 100,000"),
    ("FREQ=DAILY;COUNT=1000000000", "'COUNT=1000000000' must be"),
    ("FREQ=DAILY;COUNT=" + "9" * 1000, "must be a whole number"),
    ("FREQ=DAILY;COUNT=2;UNTIL=20271231", "'UNTIL=20271231' must not stand beside a COUNT"),
    ("FREQ=DAILY;UNTIL=tomorrow", "'UNTIL=TOMORROW' must be a time such as"),
    ("FREQ=DAILY;UNTIL=20270230", "'UNTIL=20270230' must be a time"),
    ("FREQ=DAILY;UNTIL=00010101", "'UNTIL=00010101' must be a time"),
    ("FREQ=DAILY;UNTIL=20271231T090000+0100", "must be a time such as"),
    ("FREQ=DAILY;BYMONTH=0", "'BYMONTH=0' must be a whole number from 1 to 12"),
    ("FREQ=DAILY;BYMONTH=1,,2", "'BYMONTH=' must be"),
    ("FREQ=MONTHLY;BYMONTHDAY=0", "'BYMONTHDAY=0' must not contain 0"),
    ("FREQ=MONTHLY;BYMONTHDAY=32", "'BYMONTHDAY=32' must be"),
    ("FREQ=YEARLY;BYYEARDAY=-367", "'BYYEARDAY=-367' must be"),
    ("FREQ=YEARLY;BYWEEKNO=54", "'BYWEEKNO=54' must be"),
    ("FREQ=DAILY;BYHOUR=24", "'BYHOUR=24' must be"),
    ("FREQ=DAILY;BYMINUTE=60", "'BYMINUTE=60' must be"),
    ("FREQ=DAILY;BYSECOND=60", "'BYSECOND=60' must be"),
    ("FREQ=WEEKLY;BYDAY=XX", "'BYDAY=XX' must be a weekday"),
    ("FREQ=MONTHLY;BYDAY=0MO", "'BYDAY=0MO' must be a weekday"),
    ("FREQ=MONTHLY;BYDAY=54MO", "'BYDAY=54MO' must be a weekday"),
    ("FREQ=WEEKLY;BYDAY=1MO", "'BYDAY=1MO' must have no ordinals with FREQ=WEEKLY"),
    ("FREQ=DAILY;BYDAY=1MO", "'BYDAY=1MO' must have no ordinals with FREQ=DAILY"),
    ("FREQ=HOURLY;BYDAY=1MO", "'BYDAY=1MO' must have no ordinals with FREQ=HOURLY"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=1MO", "'BYDAY=1MO' must have no ordinals beside BYWEEKNO"),
    ("FREQ=WEEKLY;WKST=1", "'WKST=1' must be one of MO, TU"),
    ("FREQ=WEEKLY;BYMONTHDAY=1", "'BYMONTHDAY=1' must not stand beside FREQ=WEEKLY"),
    ("FREQ=MONTHLY;BYYEARDAY=1", "'BYYEARDAY=1' must not stand beside FREQ=MONTHLY"),
    ("FREQ=MONTHLY;BYWEEKNO=1", "'BYWEEKNO=1' must not stand beside FREQ=MONTHLY"),
    ("FREQ=DAILY;BYSETPOS=1", "'BYSETPOS=1' must stand beside another BY part"),
    ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=0", "'BYSETPOS=0' must not contain 0"),
    ("FREQ=DAILY;BYHOUR=9;BYSETPOS=2", "'BYSETPOS=2' must be at most 1"),
    (f"FREQ=HOURLY;BYMINUTE={MINUTES};BYSETPOS=-61", "'BYSETPOS=-61' must be at most 60"),
    (f"FREQ=HOURLY;BYMINUTE={MINUTES};BYSECOND=0,30", "must have at most 60 occurrences an hour"),
    (
        f"FREQ=DAILY;BYHOUR={HOURS};BYMINUTE={MINUTES};BYSECOND=0,30",
        "must have at most 1,440 occurrences a day",
    ),
    ("FREQ=DAILY;BYMONTH=" + "1," * LONGEST_TEXT + "1", "must have at most 2,000 characters"),
    ("DTSTART;TZID=/etc/passwd:20261125T090000\nFREQ=DAILY", "'TZID=/etc/passwd' must be the"),
    ("DTSTART;TZID=Europe/Paris:20261125T100000\nFREQ=DAILY", "must be the campaign's time zone"),
    ("DTSTART;TZID=UTC:20261125T090000Z\nFREQ=DAILY", "must have a TZID or a Z, not both"),
    ("DTSTART:20261125\nFREQ=DAILY", "must be written like DTSTART;TZID="),
    ("DTSTART:20261126T090000Z\nFREQ=DAILY", "must be the same time as scheduled_send_date"),
    ("DTSTART:20261125T250000Z\nFREQ=DAILY", "must be a time such as"),
    ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "must have an occurrence within ten years"),
    ("FREQ=YEARLY;BYMONTH=6;BYSETPOS=2", "must have an occurrence within ten years"),
    ("FREQ=DAILY;UNTIL=20261124", "must have an occurrence within ten years"),
    ("FREQ=YEARLY;INTERVAL=1000;BYMONTH=1", "must have an occurrence within ten years"),
    ("FREQ=HOURLY;INTERVAL=2;BYHOUR=6", "must have an occurrence within ten years"),
]


@pytest.mark.parametrize(("text", "rule"), REFUSED, ids=[row[0][:40] for row in REFUSED])
def test_a_faulty_rule_is_refused_in_one_sentence_that_quotes_the_part(
    text: str, rule: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        recurrence.parse(text, zone="UTC", start=START)
    message = str(refusal.value)
    assert message.startswith("schedule_rrule: ")
    assert rule in message
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY",
        "RRULE:FREQ=DAILY",
        "rrule:freq=daily;",
        "  FREQ=DAILY\n",
        "DTSTART:20261125T090000Z\nRRULE:FREQ=DAILY",
        "DTSTART:20261125T090000\r\nRRULE:FREQ=DAILY\r\n",
        "DTSTART;TZID=UTC:20261125T090000\nFREQ=DAILY",
    ],
)
def test_one_rule_may_be_written_in_several_ways(text: str) -> None:
    series = recurrence.parse(text, zone="UTC", start=START)
    assert series.between(START, START + timedelta(days=2)) == [START, START + timedelta(days=1)]


def test_the_start_of_a_rule_is_read_in_the_zone_of_the_campaign() -> None:
    text = "DTSTART;TZID=Europe/London:20260701T090000\nRRULE:FREQ=DAILY"
    expected = datetime(2026, 7, 1, 8, tzinfo=UTC)
    assert recurrence.stated_start(text, zone="Europe/London") == expected
    assert recurrence.parse(text, zone="Europe/London", start=expected).first() == expected
    assert recurrence.stated_start("FREQ=DAILY", zone="Europe/London") is None


def test_signs_and_spaces_of_numbers_follow_the_rfc() -> None:
    recur, _ = read("FREQ=MONTHLY;BYMONTHDAY=+1,-1;BYDAY=+1MO,-1FR,TU")
    assert recur.by_month_day == {1, -1}
    assert recur.by_day == {(1, 0), (-1, 4), (0, 1)}


FRAGMENTS = re.findall(
    r"[A-Z]+[=:]|[A-Z]+|-?[0-9]+|\W",
    "FREQ=DAILY;YEARLY;HOURLY,INTERVAL=COUNT=UNTIL=20270101T000000Z:BYDAY=MO,FR\n"
    "BYMONTHDAY=BYSETPOS=BYWEEKNO=BYHOUR=RRULE:DTSTART:0,1,-1,31,366,1000",
)


@given(
    st.one_of(
        st.text(max_size=60),
        st.lists(
            st.sampled_from(FRAGMENTS),
            max_size=12,
        ).map("".join),
    )
)
def test_any_text_is_a_rule_with_an_occurrence_or_refused(text: str) -> None:
    try:
        series = recurrence.parse(text, zone="Europe/London", start=START)
    except Invalid:
        return
    assert series.first() is not None
