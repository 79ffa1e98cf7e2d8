"""`sluice links`: what a team may write into its texts."""

from __future__ import annotations

from typing import Any

import click

from campaigns.links import clicks
from campaigns.links import links as store
from campaigns.links.links import Link
from campaigns.run import lookup
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("number", "right", whole=True),
    Column("uuid", whole=True),
    Column("kind", whole=True),
    Column("url"),
    Column("leads to"),
)


@click.group(cls=Group)
def links() -> None:
    """Links of a team. LINK is a uuid, a number or a URL."""


@links.command()
@click.argument("domain")
@click.argument("path")
@click.option("--to", "target", metavar="URL", help="Where it leads.")
@click.option("--opt-out", is_flag=True, help="It leads to a page for opting out instead.")
@click.option("--title", metavar="TEXT", help="The heading of that page.")
@click.option("--group", metavar="GROUP", help="Where opt-outs go; default: default_optouts.")
@click.option("--uuid", metavar="UUID", help="Choose its uuid, so that a repetition is harmless.")
@pass_session
def create(
    session: Session,
    domain: str,
    path: str,
    target: str | None,
    opt_out: bool,
    title: str | None,
    group: str | None,
    uuid: str | None,
) -> None:
    """Make the link https://DOMAIN/PATH."""
    if opt_out == (target is not None):
        raise click.UsageError("Give either --to URL or --opt-out.")
    with session.in_team() as (conn, team):
        link = store.create(
            conn,
            team.id,
            domain,
            path,
            target=target,
            title=title,
            group=group,
            now=session.now(),
            uuid=uuid,
        )
    pairs = [
        ("number", link.number),
        ("uuid", link.id),
        ("url", link.url),
        ("leads to", _leads_to(link)),
        ("title", link.title),
        ("group", link.group_id),
    ]
    session.show(as_json(link), output.facts(pairs))


@links.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's links."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((link.number, link.id, link.kind, link.url, _leads_to(link)) for link in found)
    session.show([as_json(link) for link in found], output.table(_COLUMNS, rows))


@links.command()
@click.argument("link")
@pass_session
def delete(session: Session, link: str) -> None:
    """Delete LINK; messages that are out, and campaigns that were saved with it, keep theirs."""
    with session.in_team() as (conn, team):
        gone = store.delete(conn, team.id, link)
    session.show({"deleted": gone.id}, f"Deleted link {output.cell(gone.url)} ({gone.id}).")


@links.command()
@click.argument("run")
@pass_session
def count(session: Session, run: str) -> None:
    """Show how often the links of RUN were followed, by people and by machines."""
    with session.in_team() as (conn, team):
        found = clicks.count_by_link(conn, lookup.find_run(conn, team.id, run))
    columns = (
        Column("link"),
        Column("recipients", "right", whole=True),
        Column("times", "right", whole=True),
        Column("machines", "right", whole=True),
    )
    rows = ((one.source, one.recipients, one.times, one.bot_times) for one in found)
    session.show(
        [
            {
                "number": one.number,
                "source": one.source,
                "kind": one.kind,
                "target": one.target,
                "recipients": one.recipients,
                "times": one.times,
                "bot_times": one.bot_times,
            }
            for one in found
        ],
        output.table(columns, rows),
    )


def as_json(link: Link) -> dict[str, Any]:
    """A link for programs."""
    return {
        "number": link.number,
        "uuid": link.id,
        "url": link.url,
        "kind": link.kind,
        "target": link.target,
        "title": link.title,
        "group": link.group_id,
        "created_at": link.created_at,
    }


def _leads_to(link: Link) -> str:
    return link.target or "a page for opting out"
