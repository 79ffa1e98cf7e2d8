"""`sluice migrate`: the database in the shape that this version needs."""

from __future__ import annotations

import click

from campaigns import migrations
from cli.session import Command, Session, pass_session


@click.command(cls=Command)
@click.option(
    "--wait",
    type=click.FloatRange(0, 3600),
    default=migrations.WAIT_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for a database that is not up yet.",
)
@pass_session
def migrate(session: Session, wait: float) -> None:
    """Bring the database to the newest revision; doing it again, or twice at once, is harmless."""
    revision = migrations.migrate(session.settings().require_database(), wait_seconds=wait)
    session.show({"revision": revision}, f"The database is at revision {revision}.")
