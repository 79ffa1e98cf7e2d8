"""What a query and a campaign refer to: contact groups and segments of the same team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.segmentation import condition, parsing
from campaigns.segmentation.condition import Condition, Selection
from campaigns.segmentation.query import MEMBERSHIP, Query

SQL = queries.load("campaigns.segmentation", "segments.sql")

SEGMENTS = "contact_segments"


def check_groups(conn: Connection, team_id: UUID, query: Query, field: str = "query") -> None:
    """Check the contact groups that the query in ``field`` asks for.

    Inside a transaction it also keeps them from being deleted until that ends.

    Raises:
        Invalid: one is not in this team, or not of the kind that the rule is about.
    """
    ids = {group_id for _, rule in query.places() for group_id in rule.groups}
    if not ids:
        return
    found = conn.execute(SQL["kinds_of_groups"], {"team_id": team_id, "ids": list(ids)})
    kinds = {row["id"]: row["kind"] for row in found}
    for place, rule in query.places():
        for index, group_id in enumerate(rule.groups):
            where = f"{field}.{place}.value[{index}]"
            if group_id not in kinds:
                raise Invalid(where, group_id, "is not a contact group of this team")
            wanted = MEMBERSHIP[rule.field]
            if kinds[group_id] != wanted:
                other = next(name for name, kind in MEMBERSHIP.items() if kind != wanted)
                told = f"is an {kinds[group_id]} group; {other} is for those"
                raise Invalid(where, group_id, told)


def chosen(
    conn: Connection, team_id: UUID, named: Sequence[UUID | int], included: Sequence[UUID]
) -> tuple[UUID, ...]:
    """The segments behind uuids and numbers, for a campaign that includes these groups.

    Inside a transaction it also keeps them from being deleted until that ends.

    Raises:
        Invalid: one is not in this team, belongs to another group, or is named twice.
    """
    if not named:
        return ()
    numbers = [one for one in named if isinstance(one, int)]
    ids = [one for one in named if isinstance(one, UUID)]
    given = {"team_id": team_id, "ids": ids, "numbers": numbers}
    rows = conn.execute(SQL["chosen_segments"], given).fetchall()
    known = {row[key]: row for row in rows for key in ("id", "number")}
    found: list[UUID] = []
    for index, one in enumerate(named):
        where = f"{SEGMENTS}[{index}]"
        if one not in known:
            raise Invalid(where, one, "is not a segment of this team")
        if known[one]["group_id"] not in included:
            raise Invalid(where, one, "is a segment of a group that is not included")
        if known[one]["id"] in found:
            first = found.index(known[one]["id"])
            raise Invalid(where, one, f"is listed already, as {SEGMENTS}[{first}]")
        found.append(known[one]["id"])
    return tuple(found)


def condition_of(
    conn: Connection,
    team_id: UUID,
    segmentation: Sequence[Mapping[str, Any]] | None,
    segments: Sequence[UUID],
    today: date,
) -> Condition | None:
    """Which contacts a campaign is for on that day; ``None``: all of its groups.

    ``segmentation`` are its stored queries. A segment selects within its own group. One that is
    gone selects nobody.
    """
    if segmentation is None and not segments:
        return None
    found = [Selection(parsing.parse(query)) for query in segmentation or ()]
    if segments:
        given = {"team_id": team_id, "ids": list(segments)}
        rows = conn.execute(SQL["queries_of_segments"], given)
        found += [Selection(parsing.parse(row["query"]), row["group_id"]) for row in rows]
    return condition.compiled(found, today)
