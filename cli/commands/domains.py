"""`sluice domains`: names that links and bounces of a team use."""

from __future__ import annotations

from typing import Any

import click

from campaigns.links import domains as store
from campaigns.links.domains import PURPOSES, Domain
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("number", "right", whole=True),
    Column("uuid", whole=True),
    Column("purposes", whole=True),
    Column("name"),
)


@click.group(cls=Group)
def domains() -> None:
    """Domains of a team. DOMAIN is a name, a uuid or a number."""


@domains.command()
@click.argument("name")
@click.option(
    "--for",
    "purposes",
    type=click.Choice(PURPOSES),
    multiple=True,
    default=("links",),
    show_default=True,
    help="What it is used for; may be given twice.",
)
@click.option("--uuid", metavar="UUID", help="Choose its uuid, so that a repetition is harmless.")
@pass_session
def create(session: Session, name: str, purposes: tuple[str, ...], uuid: str | None) -> None:
    """Take the host NAME, which has to lead here, for the team."""
    with session.in_team() as (conn, team):
        found = store.create(conn, team.id, name, purposes, now=session.now(), uuid=uuid)
    pairs = [
        ("number", found.number),
        ("uuid", found.id),
        ("name", found.name),
        ("used for", ", ".join(found.purposes)),
    ]
    session.show(as_json(found), output.facts(pairs))


@domains.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's domains."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((d.number, d.id, ", ".join(d.purposes), d.name) for d in found)
    session.show([as_json(domain) for domain in found], output.table(_COLUMNS, rows))


@domains.command()
@click.argument("domain")
@click.option("--yes", is_flag=True, help="Do not ask.")
@pass_session
def delete(session: Session, domain: str, yes: bool) -> None:
    """Give DOMAIN up. Links in messages that are out lead nowhere from then on."""
    session.confirm(f"Break all links on {domain} that were ever sent?", yes=yes)
    with session.in_team() as (conn, team):
        gone = store.delete(conn, team.id, domain)
    session.show({"deleted": gone.id}, f"Deleted domain {output.cell(gone.name)} ({gone.id}).")


def as_json(domain: Domain) -> dict[str, Any]:
    """A domain for programs."""
    return {
        "number": domain.number,
        "uuid": domain.id,
        "name": domain.name,
        "purposes": list(domain.purposes),
        "created_at": domain.created_at,
    }
