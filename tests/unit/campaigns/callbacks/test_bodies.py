"""Bodies: the form of the Callback API to the letter, and the JSON of a webhook."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import parse_qsl
from uuid import UUID

import pytest

from campaigns.callbacks import forms, webhooks

AT = datetime(2026, 11, 21, 12, 0, 30, 999_000, tzinfo=UTC)
CAMPAIGN = UUID("16cd47aa-f4e0-11e9-a8c1-0242ac120006")


def test_the_form_names_event_time_and_telephones_as_documented() -> None:
    body = forms.encode("sms", "delivered", AT, ["447700900001", "447700900002"])
    assert body == (
        b"event=delivered&when=1795262430&telephone[0]=447700900001&telephone[1]=447700900002"
    )


def test_addresses_of_e_mail_are_called_so_and_survive_the_form() -> None:
    addresses = ["a+b&c=d@example.com", "müller@example.com"]
    fields = dict(parse_qsl(forms.encode("email", "opened", AT, addresses).decode()))
    assert fields == {
        "event": "opened", "when": "1795262430", "email[0]": addresses[0], "email[1]": addresses[1],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "name"),
    [
        ("sms", "telephone"),
        ("whatsapp", "telephone"),
        ("rbm", "telephone"),
        ("email", "email"),
        ("viber", "viber"),
        ("telegram", "telegram"),
        ("webpush", "webpush"),
    ],
)
def test_what_an_address_is_called_by_its_channel(channel: str, name: str) -> None:
    assert f"{name}[0]=1".encode() in forms.encode(channel, "delivered", AT, ["1"])


def test_a_webhook_says_what_where_when_and_to_whom() -> None:
    later = AT.astimezone(timezone(timedelta(hours=1))) + timedelta(seconds=1)
    body = webhooks.encode(
        "bounced",
        AT,
        campaign=CAMPAIGN,
        run=17,
        occurrence=AT,
        channel="email",
        deliveries=[("a@example.com", AT, "550"), ("b@example.com", later, None)],
    )
    assert json.loads(body) == {
        "type": "delivery.bounced",
        "timestamp": "2026-11-21T12:00:30.999Z",
        "data": {
            "campaign": str(CAMPAIGN),
            "run": 17,
            "occurrence": "2026-11-21T12:00:30.999Z",
            "channel": "email",
            "deliveries": [
                {"address": "a@example.com", "at": "2026-11-21T12:00:30.999Z", "code": "550"},
                {"address": "b@example.com", "at": "2026-11-21T12:00:31.999Z", "code": None},
            ],
        },
    }
