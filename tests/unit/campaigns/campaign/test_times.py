"""Times in requests: three forms in, one form out, UTC throughout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import times

MOMENT = datetime(2026, 11, 25, 15, 25, tzinfo=UTC)

seconds = st.integers(int(times.EARLIEST.timestamp()), int(times.LATEST.timestamp()))
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-25 15:25:00",
        " 2026-11-25 15:25:00 ",
        "2026-11-25T15:25:00",
        "2026-11-25T15:25:00Z",
        "2026-11-25T15:25:00.999Z",
        "2026-11-25T16:25:00+01:00",
        "2026-11-25T16:25:00+0100",
        "2026-11-25 10:25:00-05:00",
        1795620300,
        "1795620300",
        datetime(2026, 11, 25, 16, 25, 0, 999, tzinfo=timezone(timedelta(hours=1))),
    ],
)
def test_each_form_names_the_same_moment(value: object) -> None:
    assert times.parse(value) == MOMENT


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1795620300.0,
        "",
        "soon",
        "2026-11-25",
        "2026-11-25 15:25",
        "2026-02-30 00:00:00",
        "2026-11-25 24:00:00",
        "2026-11-25 15:25:60",
        "2026-11-25T15:25:00+24:00",
        "2026-11-25T15:25:00 Europe/London",
        "25.11.2026 15:25:00",
        "２０２６-11-25 15:25:00",
        "-1795620300",
        datetime(2026, 11, 25, 15, 25),
    ],
)
def test_anything_else_is_refused_with_the_forms(value: object) -> None:
    with pytest.raises(ValueError) as refused:
        times.parse(value)
    assert str(refused.value) == times.FORM


@pytest.mark.parametrize(
    "value",
    [0, -1, 1795620300000, "1795620300000", "20261125152500", "1999-12-31 23:59:59",
     "2100-01-01 00:00:01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", 10**19],
)  # fmt: skip
def test_milliseconds_and_other_centuries_are_refused(value: object) -> None:
    with pytest.raises(ValueError) as refused:
        times.parse(value)
    assert str(refused.value) == times.RANGE


@given(seconds)
def test_what_is_written_reads_back(unix: int) -> None:
    moment = datetime.fromtimestamp(unix, UTC)
    assert times.parse(times.render(moment)) == times.parse(unix) == moment


@given(seconds.filter(lambda s: 1e9 < s < 4e9), offsets)
def test_an_offset_changes_the_spelling_and_not_the_moment(unix: int, offset: timezone) -> None:
    moment = datetime.fromtimestamp(unix, UTC)
    assert times.parse(moment.astimezone(offset).isoformat()) == moment


@pytest.mark.parametrize(
    ("value", "zone", "moment"),
    [
        ("2026-11-25 15:25:00", "UTC", MOMENT),
        ("2026-11-25T10:25:00", "America/New_York", MOMENT),
        # With an offset, or as Unix time, the zone has no say.
        ("2026-11-25T15:25:00Z", "America/New_York", MOMENT),
        ("2026-11-25 16:25:00+01:00", "Asia/Tokyo", MOMENT),
        (1795620300, "Asia/Tokyo", MOMENT),
        # In a gap the first instant after it, in an overlap the first reading.
        ("2027-03-28 01:30:00", "Europe/London", datetime(2027, 3, 28, 1, 0, tzinfo=UTC)),
        ("2026-10-25 01:30:00", "Europe/London", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_a_zone_is_local_unless_it_says_otherwise(
    value: object, zone: str, moment: datetime
) -> None:
    assert times.parse_local(value, zone) == moment


@pytest.mark.parametrize(
    ("value", "rule"),
    [
        ("2026-02-30 09:00:00", times.LOCAL_FORM),
        ("tomorrow", times.LOCAL_FORM),
        (True, times.LOCAL_FORM),
        ("1999-12-31 09:00:00", times.RANGE),
        (1795620300000, times.RANGE),
    ],
)
def test_what_is_no_local_time_is_refused(value: object, rule: str) -> None:
    with pytest.raises(ValueError) as refused:
        times.parse_local(value, "Europe/London")
    assert str(refused.value) == rule
