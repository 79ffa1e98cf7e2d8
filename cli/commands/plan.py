"""`sluice plan`: what a campaign would do, without storing it."""

from __future__ import annotations

from pathlib import Path

import click

from campaigns.campaign import service
from campaigns.links import placing
from cli import documents
from cli.parameters import file_argument
from cli.planning.document import document
from cli.planning.occurrences import start_moved
from cli.planning.picture import picture, write
from cli.planning.plan import planned
from cli.planning.terminal import parts
from cli.planning.warnings import warnings
from cli.session import Command, Session, pass_session

#: Tables and charts are no wider than this.
_WIDEST = 80


@click.command(cls=Command)
@file_argument()
@click.option(
    "--occurrences",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="How many occurrences of a recurring campaign to list.",
)
@click.option(
    "--svg",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the curve as a picture too.",
)
@pass_session
def plan(session: Session, file: str, occurrences: int, svg: Path | None) -> None:
    """Show what the campaign in FILE.json would do, checked as by `submit`. Stores nothing."""
    body = documents.read_object(file)
    providers = session.providers()
    now = session.now()
    with session.in_team() as (conn, team):
        # The whole of submit, so that plan and submit can never differ; then none of it happened.
        with conn.transaction(force_rollback=True):
            campaign = service.submit(conn, team.id, body, providers=providers, now=now)
            links = placing.stored(conn, campaign.id)
        found = planned(
            conn,
            team,
            campaign,
            providers.by_name[campaign.provider],
            now,
            links=placing.provisional(links),
            occurrences=occurrences,
            start_moved=start_moved(body.get("schedule_rrule"), campaign.timezone),
        )
    warned = warnings(found)
    if svg is not None:
        write(svg, picture(found))
    console = session.console
    width, ascii_only = min(console.width, _WIDEST), console.options.ascii_only
    session.show(document(found, warned), *parts(found, warned, width=width, ascii_only=ascii_only))
