"""Campaigns for a part of their lists."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from uuid import UUID

from campaigns.audience import contacts, groups
from scheduler.tick import tick
from tests.support.horisen import (
    LIST,
    OPTED,
    QUERY,
    Service,
    error_of,
)
from worker import runs

SOON = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d %H:%M:%S")


def test_segmented_campaign_is_for_the_right_people(service: Service) -> None:
    """Section 4: "finds the contacts with first_name John and last_name Smith, or just nick_name is
    Johnny"."""
    people = [
        ("+447785856981", {"first_name": "John", "last_name": "Smith"}),
        ("+447785856982", {"first_name": "john", "last_name": "SMITH", "nick_name": "Jo"}),
        ("+447785856983", {"first_name": "John", "last_name": "Jones"}),
        ("+447785856984", {"first_name": "Eve", "nick_name": "Johnny"}),
        ("+447785856986", {"last_name": "Smith"}),
    ]
    entries = [{"phone": phone, "custom_fields": fields} for phone, fields in people]
    contacts.add(service.conn, service.team, UUID(LIST), entries)
    rules = [("first_name", "John"), ("last_name", "Smith")]
    query = {
        "segmentation": [
            {
                "operator": "OR",
                "rules": [
                    {"field": name, "condition": "eq", "value": value, "operator": "AND"}
                    for name, value in rules
                ],
            },
            {
                "operator": "OR",
                "rules": [
                    {"field": "nick_name", "condition": "eq", "value": "Johnny", "operator": "OR"}
                ],
            },
        ]
    }
    text = json.dumps(query)
    made = service.made(query_type="segmentation", query=text)
    assert (made["query_type"], made["query"]) == ("segmentation", text)
    assert reached(service, made["uuid"]) == {"447785856981", "447785856982", "447785856984"}
    clone = service.made({"clone_uuid": made["uuid"], "schedule_rrule": SOON})
    assert clone["query"] == text
    assert reached(service, clone["uuid"]) == {"447785856981", "447785856982", "447785856984"}
    everybody = service.made(
        {"clone_uuid": made["uuid"], "query_type": "all", "schedule_rrule": SOON}
    )
    assert (everybody["query_type"], everybody["query"]) == ("all", None)
    assert len(reached(service, everybody["uuid"])) == 6


#: Section 4.9.
FIELDS = (
    "first_name", "last_name", "second_name", "nick_name", "gender", "birthday", "salutation",
    "title", "language", "nationality", "mobile", "email", "phone", "address", "zip", "city",
    "region", "country", "b_company", "b_mobile", "b_email", "b_phone", "b_reception_code",
    "b_address", "b_zip", "b_city", "b_region", "b_country", "b_job_title", "b_department",
    "column_1", "column_2", "subscription_options_in", "subscription_options_out",
)  # fmt: skip
CONDITIONS = (
    "eq", "neq", "isnull", "isnotnull", "in", "notin", "startswith", "endswith", "contains", "lt",
    "lte", "gt", "gte", "ann_in_days",
)  # fmt: skip


def test_every_documented_field_and_condition_can_be_asked_for(service: Service) -> None:
    out = str(groups.create(service.conn, service.team.id, "Left", "optout").id)
    for name in FIELDS:
        value: object = "x"
        if name.startswith("subscription"):
            value = [out] if name.endswith("out") else list(OPTED)
        condition = "in" if isinstance(value, list) else "eq"
        rule = {"field": name, "condition": condition, "value": value, "operator": "AND"}
        query = {"segmentation": [{"operator": "OR", "rules": [rule]}]}
        service.made(query_type="segmentation", query=json.dumps(query))
    for condition in CONDITIONS:
        values = {"isnull": "", "isnotnull": "", "ann_in_days": "3", "in": ["a", "b"]}
        rule = {"field": "birthday", "condition": condition, "operator": "OR"}
        rule["value"] = values.get(condition, "2000-01-01")
        query = {"segmentation": [{"operator": "AND NOT", "rules": [rule, rule]}]}
        service.made(query_type="segmentation", query=json.dumps(query))
    for operator in ("OR", "AND NOT", "OR NOT"):
        query["segmentation"][0]["operator"] = operator
        service.made(query_type="segmentation", query=json.dumps(query))


def test_query_without_a_type_and_a_type_without_a_query(service: Service) -> None:
    assert error_of(service.post(query_type="segmentation"))[1] == (
        "query: is required when query_type is 'segmentation'."
    )
    assert error_of(service.post(query=json.dumps(QUERY)))[0] == 400
    answer = service.post(
        query_type="segmentation", query='{"segmentation": [{"operator": "XOR"}]}'
    )
    assert answer.status_code == 400
    assert answer.json()["items"][0]["name"].startswith("query.segmentation[0]")


def reached(service: Service, uuid: str) -> set[str]:
    """Who gets the campaign, as the tick begins it and the worker writes its recipients."""
    service.conn.execute(
        "UPDATE campaigns SET scheduled_send_date = now(), next_dt = now() WHERE id = %s", [uuid]
    )
    tick(service.conn, service.door.context.providers(), name="beat@test")
    row = service.conn.execute("SELECT id FROM runs WHERE campaign_id = %s", [uuid]).fetchone()
    assert row is not None
    assert runs.resolve(service.conn, row["id"]) is not None
    found = service.conn.execute("SELECT address FROM deliveries WHERE run_id = %s", [row["id"]])
    return {one["address"] for one in found}
