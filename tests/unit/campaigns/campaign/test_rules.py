"""Bad campaigns, and the one sentence that each of them gets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.campaign import rules, times, window_rules
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import plan
from campaigns.errors import Invalid
from campaigns.schedule.calendars import closed
from campaigns.schedule.shifting import shifted
from campaigns.schedule.windows import Interval, active_intervals, active_seconds
from campaigns.template import render
from campaigns.validation import parse

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
GROUP = "16cd47aa-f4e0-11e9-a8c1-0242ac120006"

SIMPLE: dict[str, Any] = {
    "name": "New Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2026-11-25 15:25:00",
    "expiry_date": "2026-12-26 15:25:00",
    "included_contact_groups": [GROUP],
    "template": "Hello",
}
THROTTLED: dict[str, Any] = {
    **SIMPLE,
    "throttled": True,
    "scheduled_finish_date": "2026-11-25 16:25:00",
    "pauses": [{"start_at": "2026-11-25 15:35:00", "end_at": "2026-11-25 15:45:00"}],
}


def checked(body: dict[str, Any], now: datetime = NOW) -> CampaignSpec:
    spec = parse(CampaignSpec, body)
    rules.check_shape(spec)
    window_rules.check_times(spec, plan(spec, now), now)
    return spec


def refusal(body: dict[str, Any], now: datetime = NOW) -> str:
    with pytest.raises(Invalid) as refused:
        checked(body, now)
    return str(refused.value)


def pause(start: str, end: str) -> dict[str, str]:
    return {"start_at": f"2026-11-25 {start}", "end_at": f"2026-11-25 {end}"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"sender": "ab"},
            "sender: 'ab' must have 3 to 11 characters, or be + and 7 to 15 digits.",
        ),
        (
            {"sender": "Digitonic Ltd"},
            "sender: 'Digitonic Ltd' must have 3 to 11 characters, or be + and 7 to 15 digits.",
        ),
        (
            {"sender": "+1234567890123456"},
            "sender: '+1234567890123456' must have 3 to 11 characters, or be + and 7 to 15 digits.",
        ),
        (
            {"sender": "Acme\nLtd"},
            "sender: 'Acme\\nLtd' must be one line without control characters.",
        ),
        ({"sender": 88440}, "sender: 88440 must be a text."),
        ({"name": "  "}, "name: '  ' must not be blank."),
        (
            {"name": "x" * 201},
            f"name: '{'x' * 58}… must have at most 200 characters.",
        ),
        (
            {"naem": "x"},
            "naem: is not a known field; the nearest known one is 'name'.",
        ),
        ({"started_sending_at": ""}, "started_sending_at: is not a known field."),
        ({"is_test": True}, "is_test: is not a known field."),
        ({"a\nb": 1}, "'a\\nb': is not a known field."),
        (
            {"sending_type": "fax"},
            "sending_type: 'fax' must be 'sms', 'webpush', 'email', 'telegram', 'rbm', 'viber' "
            "or 'whatsapp'.",
        ),
        ({"status": 0}, "status: 0 must be 'active' or 'draft'."),
        ({"throttled": "true"}, "throttled: 'true' must be true or false."),
        ({"leftover": "drop"}, "leftover: 'drop' must be 'continue', 'next_window' or 'expire'."),
        (
            {"included_contact_groups": ["all"]},
            "included_contact_groups[0]: 'all' must be a UUID such as "
            "'16cd47aa-f4e0-11e9-a8c1-0242ac120006'.",
        ),
        ({"included_contact_groups": 5}, "included_contact_groups: 5 must be a list."),
        (
            {"schedule_rrule": "FREQ=DAILY"},
            "schedule_rrule: 'FREQ=DAILY' needs schedule_type to be 'scheduled'.",
        ),
        (
            {"schedule_type": "scheduled"},
            "schedule_rrule: is required when schedule_type is 'scheduled'.",
        ),
        (
            {"schedule_type": "now"},
            "scheduled_send_date: '2026-11-25 15:25:00' must be left out when schedule_type is "
            "'now'.",
        ),
        (
            {"schedule_type": "once", "scheduled_send_date": None},
            "scheduled_send_date: is required when schedule_type is 'once'.",
        ),
        (
            {"scheduled_send_date": "tomorrow"},
            f"scheduled_send_date: 'tomorrow' {times.FORM}.",
        ),
        (
            {"scheduled_send_date": 1795620300000},
            f"scheduled_send_date: 1795620300000 {times.RANGE}.",
        ),
        (
            {"scheduled_send_date": "2026-11-24 11:58:59"},
            "scheduled_send_date: '2026-11-24 11:58:59' must not lie in the past.",
        ),
        (
            {"expiry_date": "2026-11-25 15:25:00"},
            "expiry_date: '2026-11-25 15:25:00' must be later than the start 2026-11-25 15:25:00.",
        ),
        (
            {"scheduled_finish_date": "2026-11-25 16:25:00"},
            "scheduled_finish_date: '2026-11-25 16:25:00' needs throttled to be true.",
        ),
        (
            {"pauses": [pause("15:35:00", "15:45:00")]},
            "pauses: need throttled to be true.",
        ),
        ({"template": None}, "template: is required; give either template or template_uuid."),
        ({"template": ""}, "template: must not be blank."),
        ({"template": " \n"}, "template: must not be blank."),
        (
            {"template_uuid": GROUP},
            "template: must not be given together with template_uuid.",
        ),
        ({"template": "secret\x00"}, "template: must not contain NUL characters."),
        (
            {"template": "secret\ud800"},
            "template: must be a text of valid Unicode characters.",
        ),
        ({"template_vars": {"city": True}}, "template_vars.city: must be a text."),
        (
            {"template_vars": {"two words": "x"}},
            "template_vars: must have names of letters, digits and underscores that do not begin "
            "with a digit.",
        ),
        (
            {"template_vars": {"x": float("inf")}},
            "template_vars: must hold texts and finite numbers only.",
        ),
        (
            {"event_callback": "ftp://example.com"},
            "event_callback: must be an http or https URL.",
        ),
        (
            {"event_callback": "http://[::1"},
            "event_callback: must be an http or https URL.",
        ),
    ],
)
def test_a_bad_campaign_gets_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert refusal({**SIMPLE, **changes}) == sentence


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"scheduled_finish_date": None},
            "scheduled_finish_date: is required when throttled is true.",
        ),
        (
            {"scheduled_finish_date": "2026-11-25 15:25:00"},
            "scheduled_finish_date: '2026-11-25 15:25:00' must be later than the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"scheduled_finish_date": "2027-11-26 15:25:01", "expiry_date": None},
            "scheduled_finish_date: '2027-11-26 15:25:01' must be at most 366 days after the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"expiry_date": "2026-11-25 16:24:59"},
            "expiry_date: '2026-11-25 16:24:59' must not be earlier than scheduled_finish_date "
            "2026-11-25 16:25:00.",
        ),
        (
            {"pauses": [pause("15:35:00", "15:45:00"), pause("15:50:00", "15:50:00")]},
            "pauses[1].end_at: '2026-11-25 15:50:00' must be later than its start_at "
            "2026-11-25 15:50:00.",
        ),
        (
            {"pauses": [pause("15:24:59", "15:45:00")]},
            "pauses[0].start_at: '2026-11-25 15:24:59' must not be earlier than the start "
            "2026-11-25 15:25:00.",
        ),
        (
            {"pauses": [pause("16:00:00", "16:25:01")], "expiry_date": None},
            "pauses[0].end_at: '2026-11-25 16:25:01' must not be later than the end "
            "2026-11-25 16:25:00.",
        ),
        (
            {"pauses": [pause("15:25:00", "16:00:00"), pause("15:55:00", "16:25:00")]},
            "pauses: leave no time to send before the finish 2026-11-25 16:25:00.",
        ),
        ({"pauses": [{"start_at": 1}]}, f"pauses[0].start_at: 1 {times.RANGE}."),
        ({"pauses": [{}]}, "pauses[0].start_at: is required."),
        ({"pauses": [{"from": 1}]}, "pauses[0].from: is not a known field."),
        ({"pauses": [5]}, "pauses[0]: 5 must be an object of fields."),
        (
            {"pauses": [pause("15:35:00", "15:45:00")] * 1001},
            "pauses: must have at most 1000 entries.",
        ),
    ],
)
def test_a_bad_window_gets_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    assert refusal({**THROTTLED, **changes}) == sentence


def test_a_window_that_starts_at_once_must_not_be_over() -> None:
    body = {**THROTTLED, "scheduled_send_date": "2026-11-24 11:59:30", "pauses": []}
    late = {"scheduled_finish_date": "2026-11-24 11:59:50", "expiry_date": None}
    assert refusal({**body, **late}) == (
        "scheduled_finish_date: '2026-11-24 11:59:50' must not lie in the past."
    )
    late = {"throttled": False, "scheduled_finish_date": None, "expiry_date": "2026-11-24 12:00:00"}
    assert refusal({**body, **late}) == (
        "expiry_date: '2026-11-24 12:00:00' must not lie in the past."
    )


@pytest.mark.parametrize("body", [None, [], "x", 5, {1: 2}])
def test_what_is_no_object_is_refused(body: Any) -> None:
    assert refusal(body) == "request: must be an object of fields."


@pytest.mark.parametrize("field", ["name", "sender", "included_contact_groups"])
def test_what_is_left_out_is_named(field: str) -> None:
    assert refusal({k: v for k, v in SIMPLE.items() if k != field}) == f"{field}: is required."


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "abc"},
        {"sender": "elevenchars"},
        {"sender": "88440"},
        {"sender": "+41587000000"},
        {"sending_type": "email", "sender": "Acme Shop <news@example.com>"},
        {"scheduled_send_date": "2026-11-24 11:59:00"},
        {"scheduled_send_date": None, "schedule_type": "now"},
        {"scheduled_send_date": None},
        {"expiry_date": None},
        {"manually_paused": None, "throttled": None, "pauses": None, "template_vars": None},
        {"included_contact_groups": f"{GROUP}, {GROUP.upper()}", "excluded_contact_groups": ""},
        {"event_callback": "https://user@example.com:8443/callback?x=1"},
    ],
)
def test_what_the_seeds_allow_is_accepted(changes: dict[str, Any]) -> None:
    checked({**SIMPLE, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"pauses": []},
        {"pauses": [pause("15:30:00", "15:45:00"), pause("15:40:00", "15:50:00")]},
        {"pauses": [pause("15:25:00", "16:24:59")]},
        {"pauses": [pause("16:20:00", "17:00:00")]},
        {"pauses": [pause("16:20:00", "16:25:00")], "expiry_date": None},
        {"scheduled_finish_date": "2027-11-26 15:25:00", "expiry_date": None, "pauses": []},
        {"expiry_date": "2026-11-25 16:25:00"},
    ],
)
def test_windows_that_leave_time_are_accepted(changes: dict[str, Any]) -> None:
    checked({**THROTTLED, **changes})


def test_numbers_in_template_vars_are_their_text() -> None:
    spec = checked({**SIMPLE, "template_vars": {"a": 5, "b": 1.5, "c": "-22C"}})
    assert spec.template_vars == {"a": "5", "b": "1.5", "c": "-22C"}


def test_the_type_of_schedule_follows_from_the_date() -> None:
    assert rules.schedule_type_of(checked(SIMPLE)) == "once"
    assert rules.schedule_type_of(checked({**SIMPLE, "scheduled_send_date": None})) == "now"


def test_an_unknown_variable_is_named_with_the_known_ones() -> None:
    template = render.compile("{city} {zoo} {wind}")
    with pytest.raises(Invalid) as refused:
        rules.check_text(template, "sms", {"wind": "", "temp": ""})
    assert str(refused.value) == (
        "template: uses {city}, which is not in template_vars; known are: temp, wind "
        "(write {{city}} for the text itself)."
    )


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_fields(render.compile("@Surname @title"), frozenset({"title", "first_name"}))
    assert str(refused.value) == (
        "template: uses @surname, which no contact in the included groups has; known are: "
        "first_name, title (write @@surname for the text itself)."
    )


def test_a_text_message_has_its_limit_with_the_variables_put_in() -> None:
    def check(text: str, sending_type: str, value: str) -> None:
        rules.check_text(render.compile(text), sending_type, {"a_long_name_of_a_variable": value})

    check("{a_long_name_of_a_variable}" + "x" * 1599, "sms", "y")
    check("@first_name" + "x" * 1600, "sms", "")
    check("x" * 1601, "email", "")
    with pytest.raises(Invalid, match=r"^template: must have at most 1600 characters for sms\.$"):
        check("{a_long_name_of_a_variable}" + "x" * 1599, "sms", "yy")
    with pytest.raises(Invalid, match=r"must have at most 100000 characters for email\.$"):
        check("{a_long_name_of_a_variable}" * 2, "email", "y" * 50_001)


minutes = st.integers(-10, 200)


@given(
    finish=st.integers(1, 120),
    expiry=st.none() | st.integers(1, 180),
    pauses=st.lists(st.tuples(minutes, minutes), max_size=6),
)
def test_an_accepted_window_always_has_time_to_send(
    finish: int, expiry: int | None, pauses: list[tuple[int, int]]
) -> None:
    def at(minute: int) -> datetime:
        return NOW + timedelta(minutes=minute)

    body = {
        **THROTTLED,
        "scheduled_send_date": at(0),
        "scheduled_finish_date": at(finish),
        "expiry_date": None if expiry is None else at(expiry),
        "pauses": [{"start_at": at(a), "end_at": at(b)} for a, b in pauses],
    }
    try:
        spec = checked(body)
    except Invalid:
        return
    window = rules.window_of(spec, NOW)
    assert active_seconds(active_intervals(window), NOW, at(finish)) > 0
    assert NOW < at(finish) <= window.end
    assert all(at(0) <= p.start < p.end <= at(expiry or finish) for p in window.pauses)


quarters = st.integers(0, 95).map(lambda n: f"{n // 4:02}:{n % 4 * 15:02}")
hours = st.none() | st.lists(
    st.fixed_dictionaries(
        {"from": quarters, "to": quarters},
        optional={
            "days": st.lists(
                st.sampled_from(["mon", "tue", "wed", "thu", "fri"]), min_size=1, unique=True
            )
        },
    ).filter(lambda h: h["from"] != h["to"]),
    min_size=1,
    max_size=2,
)


@given(
    sending=hours,
    quiet=hours,
    holidays=st.sets(st.sampled_from(["2026-11-24", "2026-11-25", "2026-11-26"]), max_size=2),
    zone=st.sampled_from(["UTC", "Europe/London", "Pacific/Auckland", "America/New_York"]),
    length=st.integers(1, 60),
    rule=st.sampled_from([None, "FREQ=DAILY;COUNT=4", "FREQ=WEEKLY;COUNT=2"]),
)
def test_an_accepted_calendar_leaves_time_in_one_of_the_windows_and_a_refused_one_in_none(
    sending: Any, quiet: Any, holidays: set[str], zone: str, length: int, rule: str | None
) -> None:
    body = {
        **THROTTLED,
        "scheduled_finish_date": NOW + timedelta(days=1, minutes=15 * length),
        "scheduled_send_date": NOW + timedelta(days=1),
        "pauses": [],
        "timezone": zone,
        "sending_hours": sending,
        "quiet_hours": quiet,
        "holidays": sorted(holidays),
        "schedule_rrule": rule,
        "schedule_type": "scheduled" if rule else "once",
    }
    spec = parse(CampaignSpec, body)
    when = plan(spec, NOW)
    window, calendar = rules.window_of(spec, when.start), rules.calendar_of(spec)
    windows = [shifted(window, zone, moment) for moment in when.occurrences(9)]
    time_left = any(
        Interval(each.start, each.finish) not in closed(calendar, each.start, each.finish)
        for each in windows
        if each.finish
    )
    if time_left:
        window_rules.check_times(spec, when, NOW)
    else:
        with pytest.raises(Invalid, match="leave no time to send"):
            window_rules.check_times(spec, when, NOW)
