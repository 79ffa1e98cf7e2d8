"""`sluice audience`: who a campaign would reach."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import click

from campaigns.audience import audience as store
from campaigns.audience import groups
from campaigns.channels import CHANNELS
from campaigns.database import Connection
from campaigns.schedule.local import to_local
from campaigns.segmentation import parsing, references, segments
from cli import documents
from cli.session import Group, Session, pass_session


@click.group(cls=Group)
def audience() -> None:
    """Who a campaign would reach."""


@audience.command()
@click.option("--include", multiple=True, required=True, metavar="GROUP", help="May be repeated.")
@click.option("--exclude", multiple=True, metavar="GROUP", help="May be repeated.")
@click.option("--channel", type=click.Choice(CHANNELS), default="sms", show_default=True)
@click.option(
    "--segment",
    multiple=True,
    metavar="SEGMENT",
    help="Only its contacts; a segment of an included group. May be repeated.",
)
@click.option(
    "--query",
    metavar="FILE.json",
    type=click.Path(allow_dash=True),
    help="Only contacts that this segmentation query selects.",
)
@pass_session
def count(
    session: Session,
    include: Sequence[str],
    exclude: Sequence[str],
    channel: str,
    segment: Sequence[str],
    query: str | None,
) -> None:
    """Count the unique recipients: all of --include without --exclude, opt-outs and dead addresses.

    An address is dead for a channel once a provider has called it so. With --segment or --query
    only contacts that any of them selects count, today on the clocks of the team.
    """
    asked = None if query is None else parsing.parse(documents.read_object(query))
    with session.in_team() as (conn, team):
        included = _ids(conn, team.id, include)
        excluded = _ids(conn, team.id, exclude)
        store.check_groups(conn, team.id, included, excluded)
        named = [segments.find(conn, team.id, one).id for one in segment]
        if asked is not None:
            references.check_groups(conn, team.id, asked)
        selected = references.condition_of(
            conn,
            team.id,
            None if asked is None else [asked.as_json()],
            references.chosen(conn, team.id, named, included),
            to_local(session.now(), team.timezone).date(),
        )
        found = store.count(conn, team.id, channel, included, excluded, selected=selected)
    session.show({"recipients": found, "channel": channel}, f"{found:,} recipients")


def _ids(conn: Connection, team_id: UUID, names: Sequence[str]) -> list[UUID]:
    return [groups.find(conn, team_id, name).id for name in names]
