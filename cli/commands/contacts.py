"""`sluice contacts`: who is in a group."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from campaigns.audience import contacts as store
from campaigns.audience import importing
from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.audience.contacts import Contact
from cli import output
from cli.output import Column
from cli.parameters import Pair
from cli.session import Group, Session, pass_session


@click.group(cls=Group)
def contacts() -> None:
    """The contacts of a group. GROUP is a name or a uuid."""


@contacts.command("import")
@click.argument("group")
@click.argument("file", metavar="FILE.csv", type=click.Path(path_type=Path))
@click.option(
    "--map",
    "pairs",
    # The meaning is a word without "=", the column's title may be anything.
    type=Pair("COLUMN=MEANING", at_last=True),
    multiple=True,
    metavar="COLUMN=MEANING",
    help="What a column means: phone, email, ..., or the name of a custom field.",
)
@click.option("--delimiter", metavar="CHAR", help="Default: found in the header line.")
@click.option("--encoding", default="utf-8", show_default=True)
@click.option("--region", metavar="CC", help="Country of phone numbers without a prefix.")
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where lines that were left out go, with the reason. Default: FILE.csv.rejects.csv",
)
@pass_session
def import_(
    session: Session,
    group: str,
    file: Path,
    pairs: Sequence[tuple[str, str]],
    delimiter: str | None,
    encoding: str,
    region: str | None,
    rejects: Path | None,
) -> None:
    """Import FILE.csv, which has a header line; doing it twice changes nothing."""
    with session.in_team() as (conn, team), _progress(session) as progress:
        result = importing.import_csv(
            conn,
            team,
            group,
            file,
            mapping=dict(pairs) or None,
            delimiter=delimiter,
            encoding=encoding,
            region=region,
            rejects=rejects or Path(f"{file}.rejects.csv"),
            progress=progress,
        )
    left_out = result.invalid + result.duplicates
    session.show(
        {**asdict(result), "rejects": None if result.rejects is None else str(result.rejects)},
        output.facts(
            [
                ("lines", result.lines),
                ("added", result.added),
                ("updated", result.updated),
                ("unchanged", result.unchanged),
                ("duplicates", result.duplicates),
                ("invalid", result.invalid),
                ("left out, why", result.rejects if left_out else None),
            ]
        ),
    )


@contacts.command("list")
@click.argument("group")
@click.option("--after", type=click.IntRange(0, 2**63 - 1), default=0, help="Id of the last one.")
@click.option("--limit", type=click.IntRange(1, store.MOST_LISTED), default=100, show_default=True)
@pass_session
def list_(session: Session, group: str, after: int, limit: int) -> None:
    """List a page of a group's contacts, in the order in which they were added."""
    with session.in_team() as (conn, team):
        page = store.list_page(conn, team, group, after=after, limit=limit)
    kinds = [kind for kind in KINDS if any(getattr(contact, kind) for contact in page)]
    columns = [Column("id", "right", whole=True), *(Column(kind) for kind in kinds)]
    rows = (
        [contact.id, *(getattr(contact, k) for k in kinds), _fields(contact)] for contact in page
    )
    last = page[-1].id if len(page) == limit else None
    session.show(
        {"contacts": [asdict(contact) for contact in page], "next": last},
        output.table([*columns, Column("fields")], rows),
        f"More: --after {last}" if last else None,
    )


@contacts.command()
@click.argument("address")
@click.option("--kind", type=click.Choice(KINDS), help="Default: what the address looks like.")
@pass_session
def optout(session: Session, address: str, kind: AddressKind | None) -> None:
    """Record that nothing may be sent to ADDRESS any more; it counts at once."""
    with session.in_team() as (conn, team):
        new = store.opt_out(conn, team, address, kind)
    session.show({"new": new}, "Opted out." if new else "Had opted out already.")


def _fields(contact: Contact) -> str:
    return ", ".join(f"{name}={value}" for name, value in contact.fields.items())


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[importing.Progress], None] | None]:
    """A progress bar where somebody watches."""
    watched = output.console(stderr=True)
    if session.json or not watched.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=watched, transient=True) as bar:
        task = bar.add_task("reading")

        def show(at: importing.Progress) -> None:
            bar.update(task, description=at.stage, completed=at.bytes_read, total=at.bytes_total)

        yield show
