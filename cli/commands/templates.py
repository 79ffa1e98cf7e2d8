"""`sluice templates`: stored texts."""

from __future__ import annotations

from typing import Any

import click

from campaigns.names import checked_uuid
from campaigns.template import templates as store
from campaigns.template.templates import StoredTemplate
from cli import documents, output
from cli.output import Column
from cli.parameters import file_argument
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("characters", "right", whole=True),
    Column("updated", whole=True),
    Column("name"),
)


@click.group(cls=Group)
def templates() -> None:
    """Stored templates, which campaigns name by uuid."""


@templates.command()
@file_argument()
@pass_session
def create(session: Session, file: str) -> None:
    """Create a template from an object with name, body and perhaps uuid."""
    body = documents.read_object(file)
    with session.in_team() as (conn, team):
        template = store.create(conn, team.id, body, now=session.now())
    _show(session, template)


@templates.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's templates."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((t.id, len(t.body), t.updated_at, t.name) for t in found)
    session.show([as_json(template) for template in found], output.table(_COLUMNS, rows))


@templates.command()
@click.argument("template")
@pass_session
def show(session: Session, template: str) -> None:
    """Show TEMPLATE, by uuid."""
    with session.in_team() as (conn, team):
        found = store.get(conn, team.id, checked_uuid("template_uuid", template))
    _show(session, found)


@templates.command()
@click.argument("template")
@pass_session
def delete(session: Session, template: str) -> None:
    """Delete TEMPLATE; campaigns that were saved with it keep their text."""
    template_id = checked_uuid("template_uuid", template)
    with session.in_team() as (conn, team):
        store.delete(conn, team.id, template_id)
    session.show({"deleted": template_id}, f"Deleted template {template_id}.")


def as_json(template: StoredTemplate) -> dict[str, Any]:
    """A template under the seeds' field names."""
    return {
        "uuid": template.id,
        "name": template.name,
        "body": template.body,
        "created_at": template.created_at,
        "updated_at": template.updated_at,
    }


def _show(session: Session, template: StoredTemplate) -> None:
    pairs = [("uuid", template.id), ("name", template.name), ("updated", template.updated_at)]
    session.show(as_json(template), output.facts(pairs), "", output.text(template.body))
