"""`sluice keywords`: words that people answer with."""

from __future__ import annotations

from typing import Any

import click

from campaigns.audience import keywords as store
from campaigns.audience.keywords import STOP_WORDS, Keyword
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (Column("word", whole=True), Column("kind", whole=True), Column("group"))


@click.group(cls=Group)
def keywords() -> None:
    """Words that put whoever sends them into a group, beside STOP and its like."""


@keywords.command()
@click.argument("word")
@click.option("--group", required=True, metavar="GROUP", help="By name or uuid.")
@pass_session
def create(session: Session, word: str, group: str) -> None:
    """Attach WORD to a group, which cannot be deleted as long as it is."""
    with session.in_team() as (conn, team):
        keyword = store.create(conn, team.id, word, group, now=session.now())
    session.show(
        as_json(keyword),
        output.facts([("word", keyword.word), ("group", keyword.group_name)]),
    )


@keywords.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's words."""
    with session.in_team() as (conn, team):
        found = store.list_all(conn, team.id)
    rows = ((keyword.word, keyword.group_kind, keyword.group_name) for keyword in found)
    always = ", ".join(sorted(STOP_WORDS))
    session.show(
        [as_json(keyword) for keyword in found],
        output.table(_COLUMNS, rows),
        f"Always opt out: {always}.",
    )


@keywords.command()
@click.argument("word")
@pass_session
def delete(session: Session, word: str) -> None:
    """Detach WORD from its group."""
    with session.in_team() as (conn, team):
        store.delete(conn, team.id, word)
    session.show({"deleted": word}, f"Deleted keyword {output.cell(word)}.")


def as_json(keyword: Keyword) -> dict[str, Any]:
    """A keyword for programs."""
    return {
        "uuid": keyword.id,
        "word": keyword.word,
        "group": keyword.group_id,
        "group_name": keyword.group_name,
        "created_at": keyword.created_at,
    }
