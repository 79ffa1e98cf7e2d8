"""PostgreSQL selects whom the evaluator selects, whatever stands in contacts and queries."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from campaigns.audience import audience, groups
from campaigns.database import Connection
from campaigns.segmentation import condition, parsing
from campaigns.segmentation.condition import Selection
from campaigns.segmentation.evaluator import Person, matches
from campaigns.segmentation.query import CONDITIONS, WITHOUT_VALUE
from campaigns.team import teams
from tests.support import segmentation as made

TODAYS = st.sampled_from([
    date(2024, 2, 28), date(2024, 2, 29), date(2023, 2, 27), date(2023, 2, 28), date(2026, 5, 16),
    date(2025, 12, 31), date(2026, 3, 1),
])  # fmt: skip

#: Fixed, because rules are drawn before the groups are made.
ASKED = [UUID(int=n + 1) for n in range(3)]


def store(conn: Connection, people: list[Person]) -> UUID:
    """The people in a group of a new team, told apart by their Viber ids."""
    team = teams.create(conn, f"team {uuid4().hex[:20]}")
    group = groups.create(conn, team.id, "everybody")
    conn.execute("DELETE FROM contact_groups WHERE id = ANY (%s)", (ASKED,))
    for group_id in ASKED:
        groups.create(conn, team.id, f"group {group_id}", uuid=group_id)
    insert = (
        "INSERT INTO contacts (group_id, phone, email, viber, fields) VALUES (%s, %s, %s, %s, %s)"
    )
    for number, person in enumerate(people):
        for group_id in (group.id, *person.groups):
            # Identities are by phone first; only the one of the group that is asked must differ.
            phone = person.phone if group_id == group.id else None
            conn.execute(
                insert, (group_id, phone, person.email, f"v{number}", Jsonb(person.fields))
            )
    return group.id


def selected(conn: Connection, group_id: UUID, body: Any, today: date) -> list[int]:
    """Whom the statement that resolves a run selects, as their places in the list."""
    row = conn.execute("SELECT team_id FROM contact_groups WHERE id = %s", (group_id,)).fetchone()
    compiled = condition.compiled([Selection(parsing.parse(body))], today)
    conn.execute("DELETE FROM deliveries")
    audience.materialise(conn, 1, "viber", row["team_id"], [group_id], [], selected=compiled)
    rows = conn.execute("SELECT address FROM deliveries").fetchall()
    count = audience.count(conn, row["team_id"], "viber", [group_id], [], selected=compiled)
    assert count == len(rows)
    return sorted(int(row["address"][1:]) for row in rows)


@pytest.mark.parametrize("name", sorted({*CONDITIONS} - WITHOUT_VALUE - {"ann_in_days"}))
@pytest.mark.parametrize("field", ["birthday", "b_phone"])
def test_every_odd_text_meets_every_other_one(conn: Connection, field: str, name: str) -> None:
    """What chance would seldom bring together: numbers with numbers, days with days."""
    people = [Person({field: text}) for text in made.ODD]
    group_id = store(conn, people)
    for text in made.ODD:
        body = made.one(field, name, text)
        query = parsing.parse(body)
        wanted = [n for n, person in enumerate(people) if matches(query, person, date.min)]
        assert selected(conn, group_id, body, date.min) == wanted, text


@pytest.fixture
def unique(conn: Connection) -> Connection:
    """A database in which contacts with the same phone may stand in one group."""
    conn.execute("ALTER TABLE contacts DROP CONSTRAINT contacts_group_id_identity_key")
    return conn


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    people=st.lists(made.people(ASKED), min_size=1, max_size=20),
    bodies=st.lists(made.queries(ASKED), min_size=4, max_size=8),
    today=TODAYS,
)
def test_the_database_selects_whom_the_evaluator_selects(
    unique: Connection, people: list[Person], bodies: list[dict[str, Any]], today: date
) -> None:
    group_id = store(unique, people)
    for body in bodies:
        query = parsing.parse(body)
        wanted = [n for n, person in enumerate(people) if matches(query, person, today)]
        assert selected(unique, group_id, body, today) == wanted
