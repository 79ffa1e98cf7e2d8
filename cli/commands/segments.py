"""`sluice segments`: parts of contact groups, by queries about their contacts."""

from __future__ import annotations

from typing import Any

import click

from campaigns.audience import groups
from campaigns.segmentation import segments as store
from campaigns.segmentation.segments import Segment
from cli import documents, output
from cli.output import Column
from cli.parameters import file_argument
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("number", "right", whole=True),
    Column("rules", "right", whole=True),
    Column("name"),
)


@click.group(cls=Group)
def segments() -> None:
    """Parts of contact groups, by queries. SEGMENT is a uuid, a number or a name."""


@segments.command()
@click.argument("name")
@file_argument()
@click.option("--group", required=True, metavar="GROUP", help="Whose contacts it is a part of.")
@click.option("--uuid", metavar="UUID", help="Choose its uuid, so that a repetition is harmless.")
@pass_session
def create(session: Session, name: str, file: str, group: str, uuid: str | None) -> None:
    """Create the segment NAME by the query in FILE.json ("-": standard input)."""
    query = documents.read_object(file)
    with session.in_team() as (conn, team):
        made = store.create(conn, team.id, group, name, query, now=session.now(), uuid=uuid)
    _show(session, made)


@segments.command("list")
@click.option("--group", metavar="GROUP", help="Only those of this group.")
@pass_session
def list_(session: Session, group: str | None) -> None:
    """List the team's segments."""
    with session.in_team() as (conn, team):
        of_group = None if group is None else groups.find(conn, team.id, group).id
        found = store.list_all(conn, team.id, of_group)
    rows = ((s.id, str(s.number), _rules(s), s.name) for s in found)
    session.show([as_json(segment) for segment in found], output.table(_COLUMNS, rows))


@segments.command()
@click.argument("segment")
@pass_session
def show(session: Session, segment: str) -> None:
    """Show SEGMENT with its query."""
    with session.in_team() as (conn, team):
        _show(session, store.find(conn, team.id, segment))


@segments.command()
@click.argument("segment")
@pass_session
def delete(session: Session, segment: str) -> None:
    """Delete SEGMENT; its contacts stay."""
    with session.in_team() as (conn, team):
        gone = store.delete(conn, team.id, segment)
    session.show({"deleted": gone.id}, f"Deleted segment {output.cell(gone.name)} ({gone.id}).")


def as_json(segment: Segment) -> dict[str, Any]:
    """A segment with its query in the normal form."""
    return {
        "uuid": segment.id,
        "number": segment.number,
        "name": segment.name,
        "group": segment.group_id,
        "query": segment.query,
        "created_at": segment.created_at,
        "updated_at": segment.updated_at,
    }


def _rules(segment: Segment) -> int:
    return sum(1 for _ in segment.parsed().places())


def _show(session: Session, segment: Segment) -> None:
    session.show(
        as_json(segment),
        output.facts(
            [
                ("uuid", segment.id),
                ("number", str(segment.number)),
                ("name", segment.name),
                ("group", segment.group_id),
                ("query", output.json_line(segment.query)),
                ("created", segment.created_at),
                ("updated", segment.updated_at),
            ]
        ),
    )
