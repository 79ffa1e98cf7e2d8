"""`sluice tokens`: what programs show to act for a team."""

from __future__ import annotations

from dataclasses import asdict

import click

from campaigns.team import tokens as store
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("created", whole=True),
    Column("revoked", whole=True),
    Column("name"),
)


@click.group(cls=Group)
def tokens() -> None:
    """API tokens of a team."""


@tokens.command()
@click.argument("name")
@pass_session
def create(session: Session, name: str) -> None:
    """Create a token; its secret is shown this once and never again."""
    with session.in_team() as (conn, team):
        created = store.create(conn, team.id, name)
    token = created.token
    session.show(
        {**asdict(token), "secret": created.secret},
        output.facts([("uuid", token.id), ("name", token.name), ("secret", created.secret)]),
    )


@tokens.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's tokens, revoked ones too."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((token.id, token.created_at, token.revoked_at, token.name) for token in found)
    session.show([asdict(token) for token in found], output.table(_COLUMNS, rows))


@tokens.command()
@click.argument("token")
@pass_session
def revoke(session: Session, token: str) -> None:
    """Make TOKEN, a uuid, worthless from now on."""
    with session.in_team() as (conn, team):
        revoked = store.revoke(conn, team.id, token)
    session.show(asdict(revoked), f"Revoked token {output.cell(revoked.name)} ({revoked.id}).")
