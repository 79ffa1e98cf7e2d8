"""Bad campaigns, and the one sentence that each of them gets."""

from __future__ import annotations

from typing import Any

import pytest

from campaigns import mailboxes
from campaigns.campaign import rules, times
from campaigns.errors import Invalid
from campaigns.template import contents
from tests.support.campaign_bodies import GROUP, SIMPLE, checked, pause, refusal


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
    ("sender", "sending_type", "rule"),
    [
        ("Acme Shop", "email", mailboxes.RULE),
        ("a@example.com, b@example.com", "email", mailboxes.RULE),
        ("news@münchen.example", "email", mailboxes.RULE),
        ("a" * 29, "viber", "must have at most 28 characters"),
    ],
)
def test_a_sender_that_its_channel_cannot_show_is_refused(sender, sending_type, rule) -> None:
    body = {**SIMPLE, "sending_type": sending_type, "sender": sender}
    said = refusal(body)
    assert said.startswith("sender: ")
    assert said.endswith(f"{rule}.")


def test_numbers_in_template_vars_are_their_text() -> None:
    spec = checked({**SIMPLE, "template_vars": {"a": 5, "b": 1.5, "c": "-22C"}})
    assert spec.template_vars == {"a": "5", "b": "1.5", "c": "-22C"}


def test_the_type_of_schedule_follows_from_the_date() -> None:
    assert rules.schedule_type_of(checked(SIMPLE)) == "once"
    assert rules.schedule_type_of(checked({**SIMPLE, "scheduled_send_date": None})) == "now"


def test_an_unknown_variable_is_named_with_the_known_ones() -> None:
    template = contents.compile("sms", "{city} {zoo} {wind}")
    with pytest.raises(Invalid) as refused:
        rules.bound(template, {"wind": "", "temp": ""})
    assert str(refused.value) == (
        "template: uses {city}, which is not in template_vars; known are: temp, wind "
        "(write {{city}} for the text itself)."
    )


def test_an_unknown_field_is_named_with_the_known_ones() -> None:
    with pytest.raises(Invalid) as refused:
        rules.check_fields(
            contents.compile("sms", "@Surname @title"), frozenset({"title", "first_name"})
        )
    assert str(refused.value) == (
        "template: uses @surname, which no contact in the included groups has; known are: "
        "first_name, title (write @@surname for the text itself)."
    )


def test_a_text_message_has_its_limit_with_the_variables_put_in() -> None:
    def check(text: str, sending_type: str, value: str) -> None:
        compiled = contents.compile(sending_type, text)
        rules.bound(compiled, {"a_long_name_of_a_variable": value})

    check("{a_long_name_of_a_variable}" + "x" * 1599, "sms", "y")
    check("@first_name" + "x" * 1600, "sms", "")
    check("x" * 1601, "telegram", "")
    with pytest.raises(Invalid, match=r"^template: must have at most 1600 characters for sms\.$"):
        check("{a_long_name_of_a_variable}" + "x" * 1599, "sms", "yy")
    with pytest.raises(Invalid, match=r"must have at most 4096 characters for telegram\.$"):
        check("{a_long_name_of_a_variable}" * 2, "telegram", "y" * 2049)
