"""Changes of groups that were asked for: stored here, worked through by :mod:`.jobs`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from psycopg.errors import ForeignKeyViolation
from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Locked, NotFound

SQL = queries.load("campaigns.audience", "jobs.sql")

JobKind = Literal["add", "remove", "flush", "retire"]

#: Entries that were left out are named up to this number; all of them are counted.
MOST_FAULTS = 100

#: How many jobs of a group are shown, the latest first.
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """An entry of a request that was left out: which one, and the rule that it breaks."""

    entry: int
    field: str
    rule: str


@dataclass(frozen=True, slots=True)
class Job:
    """A change of a group, and what became of it so far."""

    id: int
    group_id: UUID
    kind: JobKind
    entries: int
    done: int
    added: int
    updated: int
    unchanged: int
    removed: int
    invalid: int
    #: At most :data:`MOST_FAULTS` of them.
    faults: tuple[Fault, ...]
    error: str | None
    created_at: datetime
    finished_at: datetime | None


def store(
    conn: Connection,
    group_id: UUID,
    kind: JobKind,
    entries: Sequence[Mapping[str, Any]] = (),
    headers: Iterable[str] = (),
) -> int:
    """Store a change; its id. It counts from the commit on.

    Raises:
        NotFound: the group has been deleted.
    """
    row = {
        "group_id": group_id,
        "kind": kind,
        "payload": Jsonb(entries) if entries else None,
        "entries": len(entries),
        "headers": list(headers),
    }
    try:
        with conn.transaction():
            stored = conn.execute(SQL["insert_job"], row).fetchone() or {}
    except ForeignKeyViolation:
        raise NotFound("group", group_id) from None
    return int(stored["id"])


def any_in(conn: Connection, group_id: UUID) -> bool:
    """Whether a change of the group is still to be worked through."""
    row = conn.execute(SQL["is_pending"], {"group_id": group_id}).fetchone()
    return row is not None


def count_for_run(conn: Connection, run_id: int) -> int:
    """How many changes are to be worked through before the run's recipients are written."""
    row = conn.execute(SQL["waiting_changes"], {"run_id": run_id}).fetchone() or {}
    return int(row["changes"])


def once_more(
    conn: Connection,
    group_id: UUID,
    kind: JobKind,
    entries: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Have what is done now be done again after the changes that wait, which were asked for before.

    Otherwise a flush that waits would take back an opt-out that came after it. To be called after
    it was done, in the same transaction: a change that is not seen here is asked for later.
    Addresses in ``entries`` are in their stored form.
    """
    if any_in(conn, group_id):
        store(conn, group_id, kind, [_international(entry) for entry in entries])


def _international(entry: Mapping[str, Any]) -> dict[str, Any]:
    # Without its plus a stored number might be read as another one of the team's own country.
    phone = entry.get("phone")
    return {**entry, "phone": f"+{phone}"} if phone else dict(entry)


def refuse_while_any(conn: Connection, group_id: UUID, name: str) -> None:
    """For a change that cannot be made once more in its turn, as an import.

    Raises:
        Locked: changes of the group are still to be worked through.
    """
    if any_in(conn, group_id):
        raise Locked(f"group: {name!r} has changes that are still being made; try again shortly.")


def latest(conn: Connection, group_id: UUID) -> list[Job]:
    """The latest changes of a group, the last one first."""
    rows = conn.execute(SQL["latest_jobs"], {"group_id": group_id, "amount": MOST_SHOWN})
    return [
        Job(**{**row, "faults": tuple(Fault(**fault) for fault in row["faults"])}) for row in rows
    ]


def publish(conn: Connection, now: datetime, *, again_after: float, amount: int = 100) -> list[int]:
    """Mark one job of each group that has some as published; their ids.

    Those whose message was put on the queue less than ``again_after`` seconds ago are left out.
    """
    wanted = {"now": now, "again_after": again_after, "amount": amount}
    return [row["id"] for row in conn.execute(SQL["publish_jobs"], wanted)]


def forget(conn: Connection, now: datetime, amount: int) -> None:
    """Remove some of the jobs that were done long ago."""
    conn.execute(SQL["forget_jobs"], {"now": now, "amount": amount})


def fold_tallies(conn: Connection, amount: int) -> None:
    """Add up what some connections counted of the contacts of groups."""
    conn.execute(SQL["fold_tallies"], {"amount": amount})
