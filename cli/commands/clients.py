"""`sluice clients`: programs that obtain their tokens themselves."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from campaigns.team import clients as store
from campaigns.team.tokens import ALL_SCOPES
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("client_id", whole=True),
    Column("revoked", whole=True),
    Column("name"),
    Column("networks"),
)


@click.group(cls=Group)
def clients() -> None:
    """API clients of a team: they obtain tokens with an id and a secret (OAuth 2.0)."""


@clients.command()
@click.argument("name")
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="An address or network it may ask from; may be given more than once. Default: any.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(ALL_SCOPES),
    help="What its tokens may do; may be given more than once. Default: everything.",
)
@pass_session
def create(session: Session, name: str, networks: tuple[str, ...], scopes: tuple[str, ...]) -> None:
    """Create a client; its secret is shown this once and never again."""
    with session.in_team() as (conn, team):
        created = store.create(conn, team.id, name, scopes=scopes or ALL_SCOPES, networks=networks)
    _show_new(session, created)


@clients.command()
@click.argument("client")
@pass_session
def rotate(session: Session, client: str) -> None:
    """Give CLIENT, a uuid, another secret; the one before is worthless at once."""
    with session.in_team() as (conn, team):
        created = store.rotate(conn, team.id, client)
    _show_new(session, created)


@clients.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's clients, revoked ones too."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((one.id, one.revoked_at, one.name, _networks(one)) for one in found)
    session.show([_facts(client) for client in found], output.table(_COLUMNS, rows))


@clients.command()
@click.argument("client")
@pass_session
def revoke(session: Session, client: str) -> None:
    """Make CLIENT, a uuid, and all of its tokens worthless from now on."""
    with session.in_team() as (conn, team):
        revoked = store.revoke(conn, team.id, client)
    session.show(_facts(revoked), f"Revoked client {output.cell(revoked.name)} ({revoked.id}).")


def _show_new(session: Session, created: store.NewClient) -> None:
    client = created.client
    session.show(
        {**_facts(client), "client_secret": created.secret},
        output.facts(
            [
                ("client_id", client.id),
                ("name", client.name),
                ("service uuid", client.team_id),
                ("scopes", ", ".join(client.scopes)),
                ("networks", _networks(client)),
                ("client_secret", created.secret),
            ]
        ),
    )


def _facts(client: store.Client) -> dict[str, Any]:
    facts = asdict(client)
    return {
        "client_id": facts.pop("id"),
        **facts,
        "networks": [str(network) for network in client.networks],
    }


def _networks(client: store.Client) -> str:
    return ", ".join(map(str, client.networks)) or "any"
