"""`sluice deliveries`: what only a person can decide."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import click

from campaigns.run import again, lookup, recipients, resolve
from cli import output
from cli.commands.report import HEADER, as_cells
from cli.output import Column
from cli.session import Group, Session, pass_session

MOST_LISTED = 10_000

_COLUMNS = (
    Column("seq", "right", whole=True),
    Column("address"),
    Column("account"),
    Column("class"),
    Column("code"),
    Column("claimed (UTC)", whole=True),
    Column("report"),
)


@click.group(cls=Group)
def deliveries() -> None:
    """Messages of which nobody knows whether they arrived. They are never sent again by themselves.

    RUN is a run's number, or a campaign's uuid for its latest run.
    """


@deliveries.command()
@click.argument("run")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True)
@pass_session
def unknown(session: Session, run: str, limit: int) -> None:
    """List what is held as unknown in RUN."""
    with session.in_team() as (conn, team):
        run_id = lookup.find_run(conn, team.id, run)
        found = list(islice(recipients.unknown(conn, run_id), limit + 1))
    more = len(found) > limit
    rows = found[:limit]
    table = output.table(
        _COLUMNS,
        (
            (str(r.seq), r.address, r.provider, r.error_class, r.error_code, r.claimed_at, r.report)
            for r in rows
        ),
    )
    session.show(
        {
            "run": run_id,
            "deliveries": [dict(zip(HEADER, cells, strict=True)) for cells in as_cells(rows)],
            "more": more,
        },
        table if rows else "Nothing is held as unknown.",
        "There are more: see --limit." if more else None,
    )


@deliveries.command("resolve")
@click.argument("run")
@click.option("--resend", is_flag=True, help="Send once more; some may get it twice.")
@click.option("--fail", is_flag=True, help="Give up on them.")
@click.option("--seq", "seqs", type=int, multiple=True, metavar="N", help="Only this one; repeats.")
@click.option("--code", metavar="CODE", help="Only those with this code, such as worker_lost.")
@click.option("--yes", is_flag=True, help="Do not ask before sending once more.")
@pass_session
def resolve_(
    session: Session,
    run: str,
    resend: bool,
    fail: bool,
    seqs: Sequence[int],
    code: str | None,
    yes: bool,
) -> None:
    """Decide about what is held as unknown in RUN: --resend or --fail."""
    if resend == fail:
        raise click.UsageError("Give either --resend or --fail.")
    decide = again.send if resend else resolve.fail
    chosen = again.unknown(code=code, seqs=seqs or None)
    with session.in_team() as (conn, team):
        run_id = lookup.find_run(conn, team.id, run)
        if resend:
            found = again.count(conn, run_id, chosen)
            question = f"Send to {found:,} recipients again? Who did get the message gets it twice."
            session.confirm(question, yes=yes or not found)
        count = decide(conn, run_id, chosen, now=session.now())
    done = "will be sent again" if resend else "count as failed"
    session.show({"run": run_id, "resolved": count}, f"{count:,} deliveries {done}.")
