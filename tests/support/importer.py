"""Imports of texts as files, and what is stored and rejected."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from campaigns.audience import contacts
from campaigns.audience.importing import ImportResult, import_csv
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.team.teams import Team

NAMED = "phone,First Name\n07785856985,Ann\n07785856986,Bob\n"


class Importer:
    """Imports a text as a file into the group ``customers``."""

    def __init__(self, conn: Connection, team: Team, folder: Path) -> None:
        self.conn = conn
        self.team = team
        self.file = folder / "list.csv"
        self.rejects = folder / "rejects.csv"

    def __call__(
        self, content: str | bytes, group: str = "customers", **options: Any
    ) -> ImportResult:
        raw = content if isinstance(content, bytes) else content.encode()
        self.file.write_bytes(raw)
        return import_csv(self.conn, self.team, group, self.file, rejects=self.rejects, **options)

    def stored(self) -> list[tuple[str | None, str | None, dict[str, str]]]:
        page = contacts.list_page(self.conn, self.team, "customers", limit=1000)
        return [(one.phone, one.email, one.fields) for one in page]

    def rejected(self) -> list[tuple[int, str]]:
        with self.rejects.open(newline="") as file:
            return [(int(row["line"]), row["reason"]) for row in csv.DictReader(file)]

    def refused(self, content: str | bytes, **options: Any) -> str:
        with pytest.raises(Invalid) as refusal:
            self(content, **options)
        assert self.stored() == []
        assert not self.rejects.exists()
        assert list(self.rejects.parent.iterdir()) == [self.file]
        return str(refusal.value)


def counts(result: ImportResult) -> dict[str, int]:
    names = ("lines", "added", "updated", "unchanged", "duplicates", "invalid")
    return {name: value for name in names if (value := getattr(result, name))}
