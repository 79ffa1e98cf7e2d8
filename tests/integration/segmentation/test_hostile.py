"""Whatever strangers write into contacts and queries is only ever compared."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from campaigns.audience import audience
from campaigns.segmentation import condition, parsing
from campaigns.segmentation.condition import Selection
from campaigns.segmentation.evaluator import Person, matches
from campaigns.segmentation.query import CONDITIONS, CUSTOM_FIELDS, WITHOUT_VALUE
from tests.integration.segmentation.conftest import Scene
from tests.support.segmentation import body, one, rule

TODAY = date(2026, 5, 16)

HOSTILE = [
    "'; DROP TABLE contacts; --",
    "' OR '1'='1",
    "\\'; SELECT pg_sleep(10); --",
    "$$; DROP TABLE contacts; $$",
    "%s %(run_id)s %%",
    "{address} {selected}",
    "%",
    "_",
    "\\",
    '"',
    "1e400",
    "-1e-400",
    "9" * 1000,
    "2023-02-30",
    "0000-00-00",
    "9999-99-99T99:99:99+99:99",
    "294277-01-01",
    "99.99.9999",
    "\N{PILE OF POO}\N{RIGHT-TO-LEFT OVERRIDE}",
]


def recipients(scene: Scene, sent: dict[str, Any]) -> set[str]:
    selected = condition.compiled([Selection(parsing.parse(sent))], TODAY)
    group = scene.customers
    scene.conn.execute("DELETE FROM deliveries")
    audience.materialise(scene.conn, 1, "phone", group.team_id, [group.id], [], selected=selected)
    return {row["address"] for row in scene.conn.execute("SELECT address FROM deliveries")}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_every_condition_takes_anything_on_either_side(scene: Scene, hostile: str) -> None:
    people = {
        "44778585100": Person({"first_name": hostile}),
        "44778585101": Person({"first_name": "Ann"}),
        "44778585102": Person({}),
        "44778585103": Person({"first_name": "1990-05-17"}),
        "44778585104": Person({"first_name": "12"}),
    }
    scene.conn.execute("DELETE FROM contacts")
    for phone, person in people.items():
        scene.conn.execute(
            "INSERT INTO contacts (group_id, phone, fields) VALUES (%s, %s, %s)",
            (scene.customers.id, phone, Jsonb(person.fields)),
        )
    for wanted in (hostile, "Ann", "1990-05-17", "12"):
        for name in CONDITIONS:
            value = "" if name in WITHOUT_VALUE else "1" if name == "ann_in_days" else wanted
            sent = one("first_name", name, value)
            found = {p for p, one_ in people.items() if matches(parsing.parse(sent), one_, TODAY)}
            assert recipients(scene, sent) == found, (name, wanted)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("place", ["field", "condition", "operator", "group operator", "uuid"])
def test_what_is_looked_up_is_refused_unless_it_is_known(hostile: str, place: str) -> None:
    sent = one("first_name", "eq", "Ann")
    [group] = sent["segmentation"]
    if place == "group operator":
        group["operator"] = hostile
    elif place == "uuid":
        group["rules"] = [rule("subscription_options_in", "in", [hostile])]
    else:
        group["rules"][0][place] = hostile
    with pytest.raises(parsing.Invalid):
        parsing.parse(sent)
    with pytest.raises(parsing.Invalid):
        parsing.parse(json.dumps(sent))


def test_fields_of_other_types_than_text_do_not_fail_the_statement(scene: Scene) -> None:
    for number, value in enumerate([None, 7, 1e300, True, [], ["Ann"], {"a": "b"}]):
        scene.conn.execute(
            "INSERT INTO contacts (group_id, phone, fields) VALUES (%s, %s, %s)",
            (scene.customers.id, f"44778585200{number}", Jsonb({"first_name": value})),
        )
    for name in CONDITIONS:
        value = "" if name in WITHOUT_VALUE else "7"
        assert isinstance(recipients(scene, one("first_name", name, value)), set)


def test_the_largest_query_is_answered(scene: Scene) -> None:
    names = [name for name in CUSTOM_FIELDS if name != "first_name"]
    rules = [rule(names[n % len(names)], "in", [f"{n}-{m}" for m in range(20)], "OR")
             for n in range(99)]  # fmt: skip
    sent = body(("OR", [*rules, rule("first_name", "eq", "ann", "OR")]))
    assert len(recipients(scene, sent)) == 1
    most = one("zip", "in", [f"{n:04}" for n in range(999)] + ["8000"])
    assert len(recipients(scene, most)) == 1
