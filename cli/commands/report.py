"""`sluice report`: what became of every recipient."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from campaigns.drafts import Draft
from campaigns.run import lookup, recipients
from campaigns.run import status as runs
from campaigns.run.recipients import DeliveryRow
from cli import output, tabular
from cli.commands.status import as_json, counts_table
from cli.session import Command, Session, pass_session

HEADER = (
    "seq", "address", "outcome", "status", "report", "attempts", "provider",
    "provider_message_ids", "error_class", "error_code", "claimed_at", "settled_at", "reported_at",
    "opened_at", "clicked_at", "late",
)  # fmt: skip


@click.command(cls=Command)
@click.argument("run")
@click.option("--csv", "as_csv", is_flag=True, help="A line per recipient, times in UTC.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Needs --csv."
)
@pass_session
def report(session: Session, run: str, as_csv: bool, out: Path | None) -> None:
    """Report on RUN: a run's number, or a campaign's uuid for its latest run."""
    if out is not None and not as_csv:
        raise click.UsageError("--out needs --csv.")
    if as_csv and session.json and out is None:
        raise click.UsageError("--csv with --json needs --out FILE.")
    with session.in_team() as (conn, team):
        if not as_csv:
            found = runs.status(conn, team.id, run, providers=session.providers())
            session.show(as_json(found), f"{found.why}", "", counts_table(found))
            return
        run_id = lookup.find_run(conn, team.id, run)
        with _opened(out) as stream:
            count = tabular.write(stream, HEADER, as_cells(recipients.stream(conn, run_id)))
    if out is not None:
        session.show({"run": run_id, "rows": count, "file": str(out)}, f"{count:,} rows in {out}.")


def as_cells(rows: Iterable[DeliveryRow]) -> Iterator[tuple[object, ...]]:
    """The rows under :data:`HEADER`."""
    for row in rows:
        values = (getattr(row, name) for name in HEADER)
        yield tuple(output.plain(value) for value in values)


@contextmanager
def _opened(out: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears under its name only when it is complete."""
    if out is None:
        yield sys.stdout
        return
    draft = Draft("out", out)
    try:
        with draft.file.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise draft.cannot_write(error) from None
    else:
        draft.keep()
    finally:
        draft.drop()
