"""`sluice migrate`: the database in the shape that this version needs."""

from __future__ import annotations

import click

from campaigns import migrations
from cli.session import Command, Session, pass_session


@click.command(cls=Command)
@pass_session
def migrate(session: Session) -> None:
    """Bring the database to the newest revision; doing it again, or twice at once, is harmless."""
    revision = migrations.migrate(session.settings().require_database())
    session.show({"revision": revision}, f"The database is at revision {revision}.")
