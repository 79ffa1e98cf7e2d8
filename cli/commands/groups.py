"""`sluice groups`: contact groups."""

from __future__ import annotations

from typing import Any

import click

from campaigns.audience import groups as store
from campaigns.audience.groups import GroupSummary
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("kind", whole=True),
    Column("contacts", "right", whole=True),
    Column("name"),
)


@click.group(cls=Group)
def groups() -> None:
    """Groups of contacts, who get campaigns (optin) or must not (optout)."""


@groups.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["optin", "optout"]), default="optin", show_default=True)
@click.option("--description", default="", metavar="TEXT")
@click.option("--uuid", metavar="UUID", help="Choose its uuid, so that a repetition is harmless.")
@pass_session
def create(session: Session, name: str, kind: str, description: str, uuid: str | None) -> None:
    """Create a group."""
    with session.in_team() as (conn, team):
        group = store.create(conn, team.id, name, kind, description, uuid=uuid)
        _show(session, store.summary(conn, group))


@groups.command("list")
@pass_session
def list_(session: Session) -> None:
    """List all groups."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((s.group.id, s.group.kind, s.number_of_contacts, s.group.name) for s in found)
    session.show([as_json(summary) for summary in found], output.table(_COLUMNS, rows))


@groups.command()
@click.argument("group")
@pass_session
def show(session: Session, group: str) -> None:
    """Show GROUP, by name or uuid."""
    with session.in_team() as (conn, team):
        _show(session, store.summary(conn, store.find(conn, team.id, group)))


@groups.command()
@click.argument("group")
@pass_session
def delete(session: Session, group: str) -> None:
    """Delete GROUP with its contacts."""
    with session.in_team() as (conn, team):
        gone = store.delete(conn, team.id, group)
    session.show({"deleted": gone.id}, f"Deleted group {output.cell(gone.name)} ({gone.id}).")


def as_json(summary: GroupSummary) -> dict[str, Any]:
    """A group under the seeds' field names."""
    group = summary.group
    return {
        "uuid": group.id,
        "name": group.name,
        "description": group.description,
        "kind": group.kind,
        "deletable": group.deletable,
        "number_of_contacts": summary.number_of_contacts,
        "scheduled_jobs_number": summary.scheduled_jobs_number,
        "status": summary.status,
        "headers": summary.headers,
        "created_at": group.created_at,
        "updated_at": group.updated_at,
    }


def _show(session: Session, summary: GroupSummary) -> None:
    group = summary.group
    session.show(
        as_json(summary),
        output.facts(
            [
                ("uuid", group.id),
                ("name", group.name),
                ("description", group.description or None),
                ("kind", group.kind),
                ("contacts", summary.number_of_contacts),
                ("changes to be made", summary.scheduled_jobs_number or None),
                ("fields", ", ".join(summary.headers) or None),
                ("created", group.created_at),
            ]
        ),
    )
