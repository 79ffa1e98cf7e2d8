"""The made-up people, written to CSV files and imported as anybody's would be."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from campaigns.audience import groups
from campaigns.audience.importing import ImportResult, Progress, import_csv
from campaigns.database import Connection
from campaigns.team.teams import Team
from cli.demo import data
from cli.demo.data import Data, List
from cli.demo.folder import Folder
from cli.demo.steps import Steps


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups of the campaign."""

    included: tuple[UUID, ...]
    excluded: UUID


def import_lists(
    conn: Connection, team: Team, made_up: Data, folder: Folder, steps: Steps
) -> Groups:
    """Import every list into a group of its name, and tell what was left out."""
    included = tuple(_import(conn, team, listed, folder, steps) for listed in made_up.lists)
    excluded = _import(conn, team, made_up.optouts, folder, steps)
    example = _rejects(folder, made_up.lists[0])
    steps.say(f"Left out, for example: {made_up.lists[0].name}.csv {_first_line(example)}.")
    steps.say(
        f"{len(made_up.people):,} people in three lists that overlap; "
        f"{len(made_up.expected):,} are to get the message."
    )
    return Groups(included, excluded)


def _import(conn: Connection, team: Team, listed: List, folder: Folder, steps: Steps) -> UUID:
    path = data.write(listed, folder.lists)
    group = groups.create(conn, team.id, listed.name, listed.kind)
    with steps.bar(f"Importing {path.name}") as tell:

        def show(progress: Progress) -> None:
            tell(progress.bytes_read / max(progress.bytes_total, 1), "")

        result = import_csv(
            conn,
            team,
            group.id,
            path,
            region=data.REGION,
            rejects=_rejects(folder, listed),
            progress=show,
        )
        tell(1.0, f"{path.name}: {_told(result)}")
    return group.id


def _told(result: ImportResult) -> str:
    wrong = [
        f"{count} {word}"
        for count, word in ((result.invalid, "not valid"), (result.duplicates, "repeated"))
        if count
    ]
    return ", ".join([f"{result.added:,} imported", *wrong])


def _rejects(folder: Folder, listed: List) -> Path:
    return folder.lists / f"{listed.name}.rejects.csv"


def _first_line(rejects: Path) -> str:
    """The first line that was left out, and why."""
    with rejects.open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file), None)
    return f"line {first['line']}, {first['reason']}" if first else "no line was left out"
