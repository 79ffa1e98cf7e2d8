"""`sluice keys`: what signs the references of messages."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

import click

from campaigns.run import signing
from campaigns.run.signing import SigningKey
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session


@click.group(cls=Group)
def keys() -> None:
    """Keys that sign what goes to providers and comes back in delivery reports."""


@keys.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the keys by number and age, the newest first; the keys themselves are never shown."""
    with session.connection() as conn:
        found = signing.list_all(conn)
    now = session.now()
    columns = (Column("id", "right"), Column("created", whole=True), Column("age", "right"))
    rows = ((key.id, key.created_at, _age(key, now)) for key in found)
    session.show([asdict(key) for key in found], output.table(columns, rows))


@keys.command()
@pass_session
def rotate(session: Session) -> None:
    """Make a new key, which signs for every run that begins a minute from now or later.

    Runs that have begun keep theirs, and what any older key signed is understood for ever.
    """
    with session.connection() as conn:
        key = signing.rotate(conn)
    session.show(
        asdict(key),
        f"Made key {key.id}. It signs for runs that begin in {signing.KEY_RESTS:.0f} s or later; "
        "older keys go on verifying.",
    )


def _age(key: SigningKey, now: datetime) -> str:
    seconds = max((now - key.created_at).total_seconds(), 0)
    days, rest = divmod(int(seconds), 86_400)
    return f"{days:,} d" if days else f"{rest // 3600} h {rest % 3600 // 60} min"
