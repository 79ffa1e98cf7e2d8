"""`sluice teams`: tenants."""

from __future__ import annotations

from dataclasses import asdict

import click

from campaigns.team import teams as store
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (Column("uuid", whole=True), Column("region", whole=True), Column("name"))


@click.group(cls=Group)
def teams() -> None:
    """Teams: each has its own groups, templates, campaigns and opt-outs."""


@teams.command()
@click.argument("name")
@click.option(
    "--region", metavar="CC", help="Country of phone numbers without a prefix, such as GB."
)
@pass_session
def create(session: Session, name: str, region: str | None) -> None:
    """Create a team, with its default_optouts group."""
    with session.connection() as conn:
        team = store.create(conn, name, region)
    pairs = [("uuid", team.id), ("name", team.name), ("region", team.default_region)]
    session.show(asdict(team), output.facts(pairs))


@teams.command("list")
@pass_session
def list_(session: Session) -> None:
    """List all teams."""
    with session.connection() as conn:
        found = store.list_all(conn)
    rows = ((team.id, team.default_region, team.name) for team in found)
    session.show([asdict(team) for team in found], output.table(_COLUMNS, rows))
