"""Import of a CSV file into a group: all of its good lines in one transaction, or nothing.

The file is read once, line by line, into a temporary table by COPY; one statement then adds and
updates the group's contacts. Lines that are no contact, and those that repeat an earlier one, go
to a reject file with line number and reason. Importing the same file again changes nothing.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from uuid import UUID

import psycopg

from campaigns import queries
from campaigns.audience import gone, groups, pending
from campaigns.audience.csv_columns import (
    Columns,
    checked_delimiter,
    sniff_delimiter,
    understand,
)
from campaigns.audience.csv_contacts import Reading, StagedRow, read_contacts
from campaigns.audience.csv_records import BadLine, Lines, Record, first_line, open_file, records
from campaigns.audience.groups import Group
from campaigns.audience.push_keys import headers
from campaigns.audience.rejects import RejectFile
from campaigns.database import Connection
from campaigns.drafts import Draft
from campaigns.errors import Invalid
from campaigns.team.region import checked_region
from campaigns.team.teams import Team

SQL = queries.load("campaigns.audience", "importing.sql")

#: Lines between two COPYs and two calls of the progress callback.
PIECE = 5_000

#: From so many new contacts on, the table's statistics are brought up to date at once.
WORTH_ANALYZING = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is. ``stage`` is ``storing`` when the file has been read."""

    stage: Literal["reading", "storing"]
    bytes_read: int
    bytes_total: int
    lines: int
    invalid: int


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did.

    ``lines`` are the records after the header, blank lines left out; the five counts after it add
    up to it. In an opt-out group, where each address is a contact of its own, those other than
    ``invalid`` count addresses. ``delimiter`` is the one that was given or found.
    """

    lines: int
    added: int
    updated: int
    unchanged: int
    duplicates: int
    invalid: int
    rejects: Path | None
    delimiter: str


def import_csv(
    conn: Connection,
    team: Team,
    group: str | UUID,
    path: Path,
    *,
    mapping: Mapping[str, str] | None = None,
    delimiter: str | None = None,
    encoding: str = "utf-8",
    region: str | None = None,
    rejects: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> ImportResult:
    """Import a CSV file with a header line into a group.

    ``mapping`` says what columns mean (:func:`campaigns.audience.csv_columns.understand`), and
    ``region`` which country national phone numbers belong to (default: the team's). ``rejects``
    is written anew: ``line,reason``, first the lines that are no contact, then the duplicates.
    An empty cell says nothing: an import never clears what is known about a contact.

    Raises:
        Invalid: the file cannot be read, decoded or understood; nothing was stored.
        NotFound: there is no such group.
        Locked: a campaign is sending with this opt-in group, or changes of it are still waiting.
    """
    found = groups.find(conn, team.id, group)
    groups.refuse_while_sending(conn, found, adding=True)
    pending.refuse_while_any(conn, found.id, found.name)
    draft = None if rejects is None else Draft("rejects", rejects)
    if draft is not None and draft.is_same(path):
        raise Invalid("rejects", str(rejects), "is the file that is to be imported")
    with open_file(path) as file, RejectFile(draft) as rejected, _staging(conn):
        lines = Lines(file, path.name, encoding)
        used, columns, rest = _header(lines, path, mapping, delimiter)
        reading = Reading(
            columns=columns,
            region=checked_region(region) or team.default_region,
            kind=found.kind,
        )
        total = path.stat().st_size

        def tell(stage: Literal["reading", "storing"]) -> None:
            if progress is not None:
                progress(Progress(stage, lines.bytes_read, total, reading.lines, rejected.count))

        staged = 0
        for piece in _pieces(read_contacts(reading, rest, rejected.add)):
            staged += len(piece)
            _copy(conn, piece)
            tell("reading")
        tell("storing")
        invalid = rejected.count
        duplicates = _set_duplicates_aside(conn, rejected)
        rejected.complete()
        stored = _store(conn, found, columns)
        rejected.keep()
        if stored["added"] >= WORTH_ANALYZING:
            conn.execute(SQL["analyze_contacts"])
    return ImportResult(
        lines=reading.lines,
        added=stored["added"],
        updated=stored["updated"],
        unchanged=staged - duplicates - stored["added"] - stored["updated"],
        duplicates=duplicates,
        invalid=invalid,
        rejects=rejects,
        delimiter=used,
    )


def _header(
    lines: Lines, path: Path, mapping: Mapping[str, str] | None, delimiter: str | None
) -> tuple[str, Columns, Iterator[Record | BadLine]]:
    """The delimiter, what the columns mean, and the records after the header."""
    text = first_line(lines)
    if text is None:
        raise Invalid("file", path.name, "is empty")
    used = sniff_delimiter(text) if delimiter is None else checked_delimiter(delimiter)
    rest = records(lines, used)
    header = next(rest)
    if isinstance(header, BadLine):
        raise Invalid("file", path.name, f"line {header.line}, the header, {header.reason}")
    return used, understand(header.cells, mapping, used), rest


@contextlib.contextmanager
def _staging(conn: Connection) -> Iterator[None]:
    conn.execute(SQL["drop_staging"])
    conn.execute(SQL["create_staging"])
    try:
        yield
    finally:
        # With the connection gone the tables are, too; the first error is the one to hear about.
        with contextlib.suppress(psycopg.Error):
            conn.execute(SQL["drop_staging"])


def _pieces(rows: Iterator[StagedRow]) -> Iterator[list[StagedRow]]:
    piece: list[StagedRow] = []
    for row in rows:
        piece.append(row)
        if len(piece) >= PIECE:
            yield piece
            piece = []
    if piece:
        yield piece


def _copy(conn: Connection, rows: list[StagedRow]) -> None:
    with conn.cursor() as cursor, cursor.copy(SQL["copy_rows"]) as copy:
        for row in rows:
            copy.write_row(row)


def _set_duplicates_aside(conn: Connection, rejected: RejectFile) -> int:
    with conn.transaction():
        conn.execute(SQL["plan_for_millions"])
        conn.execute(SQL["find_duplicates"])
        conn.execute(SQL["analyze_staging"])
        with conn.cursor() as cursor, cursor.copy(SQL["copy_duplicates"]) as copy:
            for block in copy:
                rejected.add_block(bytes(block))
        counted = conn.execute(SQL["count_duplicates"]).fetchone() or {}
        return int(counted["duplicates"])


def _store(conn: Connection, group: Group, columns: Columns) -> dict[str, int]:
    with conn.transaction():
        groups.lock_for_writing(conn, group, adding=True)
        pending.refuse_while_any(conn, group.id, group.name)
        conn.execute(SQL["plan_for_millions"])
        stored = conn.execute(SQL["upsert_staged"], {"group_id": group.id}).fetchone()
        groups.add_headers(conn, group, headers(name for _, name in columns.fields))
        groups.touch(conn, group)
        if group.kind == "optin":
            gone.bring_back_staged(conn, group.team_id)
        return stored or {"added": 0, "updated": 0}
