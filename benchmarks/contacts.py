"""Made-up contacts: as a CSV file, and straight into groups by COPY."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.team.teams import Team

HEADERS = ("first_name", "city")

_CITIES = ("Leeds", "York", "Bath", "Ely", "Truro")


def number(index: int) -> str:
    """A British mobile number; ``index`` is below ten million."""
    return str(447400000000 + index)


def write_csv(path: Path, lines: int) -> None:
    """A file of ``lines`` contacts, of which 1 % repeat an earlier one and 1 % are no contact."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("phone", *HEADERS))
        for index in range(lines):
            phone = f"+{number(index)}"
            if index % 100 == 50:
                phone = f"+{number(index - 1)}"
            elif index % 100 == 99:
                phone = "no number"
            writer.writerow((phone, f"Ada{index}", _CITIES[index % len(_CITIES)]))


def group(
    conn: Connection, team: Team, name: str, members: Iterable[int], *, kind: str = "optin"
) -> UUID:
    """A group with the contacts of these indexes."""
    made = groups.create(conn, team.id, name, kind=kind)
    groups.add_headers(conn, made, list(HEADERS))
    statement = "COPY contacts (group_id, phone, fields) FROM STDIN"
    with conn.cursor() as cursor, cursor.copy(statement) as copy:
        for index in members:
            fields = f'{{"first_name": "Ada{index}", "city": "{_CITIES[index % len(_CITIES)]}"}}'
            copy.write_row((made.id, number(index), fields))
    conn.execute("ANALYZE contacts")
    return made.id
