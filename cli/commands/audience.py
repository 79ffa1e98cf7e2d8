"""`sluice audience`: who a campaign would reach."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import click

from campaigns.audience import audience as store
from campaigns.audience import groups
from campaigns.channels import CHANNELS
from campaigns.database import Connection
from cli.session import Group, Session, pass_session


@click.group(cls=Group)
def audience() -> None:
    """Who a campaign would reach."""


@audience.command()
@click.option("--include", multiple=True, required=True, metavar="GROUP", help="May be repeated.")
@click.option("--exclude", multiple=True, metavar="GROUP", help="May be repeated.")
@click.option("--channel", type=click.Choice(CHANNELS), default="sms", show_default=True)
@pass_session
def count(session: Session, include: Sequence[str], exclude: Sequence[str], channel: str) -> None:
    """Count the unique recipients: all of --include without --exclude, opt-outs and dead addresses.

    An address is dead for a channel once a provider has called it so.
    """
    with session.in_team() as (conn, team):
        included = _ids(conn, team.id, include)
        excluded = _ids(conn, team.id, exclude)
        store.check_groups(conn, team.id, included, excluded)
        found = store.count(conn, team.id, channel, included, excluded)
    session.show({"recipients": found, "channel": channel}, f"{found:,} recipients")


def _ids(conn: Connection, team_id: UUID, names: Sequence[str]) -> list[UUID]:
    return [groups.find(conn, team_id, name).id for name in names]
