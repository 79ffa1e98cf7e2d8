"""Test sends: one run with one recipient, that takes the way of all messages."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns.audience import contacts
from campaigns.campaign import samples, service
from campaigns.campaign.store import Campaign
from campaigns.errors import Conflict, Invalid, NotFound, Refused
from tests.fakes.webpush import KEYS
from tests.support.campaigns import MAIL, NOW, PROVIDERS, TEMPLATE, World

#: Passona's "Send Test Campaign", its dates moved by seven years.
SAMPLE: dict[str, Any] = {
    "name": "Test Campaign",
    "sender": "Digitonic",
    "scheduled_send_date": "2026-11-25 15:25:00",
    "expiry_date": "2026-12-26 15:25:00",
    "template_uuid": str(TEMPLATE),
    "contact_number": "447785856985",
    "custom_fields": {"title": "Mr", "first_name": "John", "last_name": "Doe"},
}
NOW_BODY = {
    key: value for key, value in SAMPLE.items() if key not in ("scheduled_send_date", "expiry_date")
}


def send_test(world: World, body: Any, now: datetime = NOW) -> Campaign:
    return samples.send_test(world.conn, world.team.id, body, providers=PROVIDERS, now=now)


def one(world: World, table: str) -> dict[str, Any]:
    rows = world.conn.execute(f"SELECT * FROM {table}").fetchall()  # type: ignore[arg-type]
    assert len(rows) == 1
    return rows[0]


def test_passonas_example_makes_one_run_with_one_recipient(world: World) -> None:
    sample = send_test(world, SAMPLE)
    run, delivery = one(world, "runs"), one(world, "deliveries")
    lane = one(world, "lanes")
    assert (sample.is_test, sample.status, sample.included) == (True, "sending", ())
    assert sample.template == "Hello @first_name"
    assert (run["campaign_id"], run["status"], run["provider"]) == (sample.id, "sending", "carrier")
    lane = one(world, "lanes")
    assert (run["total"], lane["next_seq"], lane["hi"]) == (1, 0, 1)
    assert run["starts_at"] == run["occurrence"] == sample.scheduled_send_date
    assert run["expires_at"] == sample.expiry_date
    assert (delivery["run_id"], delivery["seq"], delivery["status"]) == (run["id"], 0, "pending")
    assert delivery["address"] == "447785856985"
    assert delivery["fields"] == {"title": "Mr", "first_name": "John", "last_name": "Doe"}
    assert service.get(world.conn, world.team.id, sample.id) == sample


def test_an_opt_out_counts_for_a_test_too(world: World) -> None:
    send_test(world, SAMPLE)
    contacts.opt_out(world.conn, world.team, "447785856985")
    row = world.conn.execute(
        "SELECT count(*) AS n FROM runs r"
        " JOIN contacts c ON c.group_id = ANY (r.suppression_groups)"
        " JOIN deliveries d ON d.run_id = r.id AND d.address = c.phone"
    ).fetchone()
    assert row == {"n": 1}


@pytest.mark.parametrize("date", [None, "2019-11-25 15:25:00"])
def test_without_a_date_or_with_one_in_the_past_it_is_sent_now(
    world: World, date: str | None
) -> None:
    sample = send_test(world, {**NOW_BODY, "scheduled_send_date": date})
    assert (sample.schedule_type, sample.scheduled_send_date) == ("now", NOW)
    assert one(world, "runs")["starts_at"] == NOW


def test_a_test_of_a_campaign_has_its_message(world: World, throttled: dict[str, Any]) -> None:
    campaign = service.submit(
        world.conn,
        world.team.id,
        {**throttled, "template_uuid": None, "template": "Hi @x {v}", "template_vars": {"v": "1"}},
        providers=PROVIDERS,
        now=NOW,
    )
    body = {"campaign": str(campaign.id), "address": "07785 856985", "custom_fields": {"X": 5}}
    sample = send_test(world, body)
    assert (sample.template, sample.template_vars) == ("Hi @x {v}", {"v": "1"})
    assert (sample.sender, sample.provider) == (campaign.sender, campaign.provider)
    assert (sample.throttled, sample.pauses, sample.included) == (False, (), ())
    assert sample.id != campaign.id
    delivery = one(world, "deliveries")
    assert (delivery["address"], delivery["fields"]) == ("447785856985", {"x": "5"})
    assert service.get(world.conn, world.team.id, campaign.id) == campaign
    listed = service.list_campaigns(world.conn, world.team.id).campaigns
    assert [found.id for found in listed] == [campaign.id]


def test_a_test_counts_its_segments(world: World) -> None:
    sample = send_test(world, {**NOW_BODY, "template_uuid": None, "template": "x" * 161})
    assert sample.segments == 2


def test_another_channel_takes_an_address(world: World) -> None:
    body = {key: value for key, value in NOW_BODY.items() if key != "contact_number"}
    send_test(world, {**body, **MAIL, "address": "Ann@Example.com"})
    assert one(world, "deliveries")["address"] == "ann@example.com"


def test_a_push_subscription_is_given_whole_since_its_keys_encrypt_the_message(
    world: World,
) -> None:
    push = {"name": "Test", "sender": "Acme", "sending_type": "webpush", "webpush_title": "Sale"}
    subscription = json.dumps({"endpoint": "https://Push.example/1", "keys": KEYS})
    send_test(world, {**push, "address": subscription, "custom_fields": {"first_name": "Ann"}})
    delivery = one(world, "deliveries")
    assert delivery["address"] == "https://push.example/1"
    assert delivery["fields"] == {
        "first_name": "Ann", "webpush_p256dh": KEYS["p256dh"], "webpush_auth": KEYS["auth"],
    }  # fmt: skip
    with pytest.raises(Invalid, match="must be an uncompressed point of P-256"):
        send_test(world, {**push, "address": subscription.replace(KEYS["p256dh"], "x")})


@pytest.mark.parametrize(
    ("changes", "error", "sentence"),
    [
        (
            {"contact_number": "12"},
            Invalid,
            "contact_number: is not a valid number in GB, nor an international one.",
        ),
        (
            {"contact_number": None},
            Invalid,
            "address: is required; give either address or contact_number.",
        ),
        (
            {"address": "447785856985"},
            Invalid,
            "address: is required; give either address or contact_number.",
        ),
        (
            MAIL,
            Invalid,
            "contact_number: is for phone numbers; email needs address.",
        ),
        (
            {**MAIL, "contact_number": None, "address": "nobody"},
            Invalid,
            "address: is not an e-mail address.",
        ),
        ({"custom_fields": {"a": ["x"]}}, Invalid, "custom_fields.a: must be a text."),
        ({"template_uuid": None}, Invalid,
         "template: is required; give either template or template_uuid."),
        (
            {"expiry_date": "2026-11-24 11:00:00"},
            Invalid,
            "expiry_date: '2026-11-24 11:00:00' must be later than the start 2026-11-24 12:00:00.",
        ),
        (
            {"template_uuid": None, "template": "{x}"},
            Invalid,
            "template: uses {x}, which is not in template_vars; known are: none "
            "(write {{x}} for the text itself).",
        ),
        (
            {"included_contact_groups": []},
            Invalid,
            "included_contact_groups: is not a known field.",
        ),
        (
            {"template_uuid": "00000000-0000-4000-8000-000000000000"},
            NotFound,
            "template: there is no template 00000000-0000-4000-8000-000000000000 in this team.",
        ),
    ],
)  # fmt: skip
def test_a_refused_test_gets_one_sentence_without_the_address_and_leaves_nothing(
    world: World, changes: dict[str, Any], error: type[Refused], sentence: str
) -> None:
    with pytest.raises(error) as refused:
        send_test(world, {**NOW_BODY, **changes})
    assert str(refused.value) == sentence
    assert [world.rows(table) for table in ("campaigns", "runs", "deliveries")] == [0, 0, 0]


def test_a_repeated_test_is_sent_once(world: World) -> None:
    body = {**NOW_BODY, "uuid": str(uuid4())}
    first = send_test(world, body)
    assert send_test(world, body, NOW + timedelta(hours=1)) == first
    assert [world.rows(table) for table in ("campaigns", "runs", "deliveries")] == [1, 1, 1]
    with pytest.raises(Conflict):
        send_test(world, {**body, "contact_number": "447785856986"})


def test_a_campaign_of_another_team_cannot_be_tested(world: World) -> None:
    uuid = uuid4()
    with pytest.raises(NotFound, match=f"there is no campaign {uuid} in this team"):
        send_test(world, {"campaign": str(uuid), "address": "447785856985"})
