"""`sluice tokens`: what programs show to act for a team."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta

import click

from campaigns.team import tokens as store
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("created", whole=True),
    Column("expires", whole=True),
    Column("revoked", whole=True),
    Column("scopes"),
    Column("name"),
)


@click.group(cls=Group)
def tokens() -> None:
    """API tokens of a team."""


@tokens.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(store.ALL_SCOPES),
    help="What it may do; may be given more than once. Default: everything.",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), help="It ends after so many days. Default: never."
)
@pass_session
def create(session: Session, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Create a token; its secret is shown this once and never again."""
    end = None if days is None else session.now() + timedelta(days=days)
    with session.in_team() as (conn, team):
        created = store.create(
            conn, team.id, name, scopes=scopes or store.ALL_SCOPES, expires_at=end
        )
    _show_new(session, created)


@tokens.command()
@click.argument("token")
@click.option(
    "--overlap",
    type=click.IntRange(0, 30 * 24 * 60),
    default=60,
    show_default=True,
    help="For so many minutes the old one stays good.",
)
@pass_session
def rotate(session: Session, token: str, overlap: int) -> None:
    """Replace TOKEN, a uuid, by a new one that may do the same."""
    end = session.now() + timedelta(minutes=overlap)
    with session.in_team() as (conn, team):
        created = store.rotate(conn, team.id, token, old_ends_at=end)
    _show_new(session, created)


def _show_new(session: Session, created: store.NewToken) -> None:
    token = created.token
    session.show(
        {**asdict(token), "secret": created.secret},
        output.facts(
            [
                ("uuid", token.id),
                ("name", token.name),
                ("scopes", ", ".join(token.scopes)),
                ("expires", token.expires_at),
                ("secret", created.secret),
            ]
        ),
    )


@tokens.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's tokens, revoked ones too."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = (
        (
            token.id,
            token.created_at,
            token.expires_at,
            token.revoked_at,
            ", ".join(token.scopes),
            token.name,
        )
        for token in found
    )
    session.show([asdict(token) for token in found], output.table(_COLUMNS, rows))


@tokens.command()
@click.argument("token")
@pass_session
def revoke(session: Session, token: str) -> None:
    """Make TOKEN, a uuid, worthless from now on."""
    with session.in_team() as (conn, team):
        revoked = store.revoke(conn, team.id, token)
    session.show(asdict(revoked), f"Revoked token {output.cell(revoked.name)} ({revoked.id}).")
