"""Working through the changes of groups that were asked for.

Whoever works takes the group, works through a portion of its oldest job and commits; then the next
one, until nothing is left. So the changes of a group happen in the order in which they were asked
for, one worker at a time. A message that comes twice finds nothing to do, and a worker that dies
leaves a job that goes on where it stood.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import Enum, auto
from typing import Any
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from campaigns import failpoints
from campaigns.audience import addresses, contact, contacts, groups, retention
from campaigns.audience.addresses import KINDS, AddressKind
from campaigns.audience.groups import Group
from campaigns.audience.pending import MOST_FAULTS, SQL, Fault
from campaigns.database import Connection
from campaigns.errors import Invalid

log = logging.getLogger(__name__)

#: Contacts that one transaction writes or removes, so that none grows with the group.
PORTION = 10_000

#: A job whose portion fails so many times in a row is given up.
MOST_ATTEMPTS = 5


class _Step(Enum):
    BUSY = auto()
    NOTHING_LEFT = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a portion came to."""

    done: int
    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    faults: tuple[Fault, ...] = ()


def work(conn: Connection, job_id: int) -> bool | None:
    """Work through everything that is to be changed in the group of this job.

    Returns:
        what :func:`work_group` does; ``None`` if the job is done, or its group has gone.
    """
    row = conn.execute(SQL["group_of_job"], {"id": job_id}).fetchone()
    return None if row is None else work_group(conn, row["group_id"])


def work_group(conn: Connection, group_id: UUID) -> bool:
    """Work through everything that is to be changed in a group.

    Returns:
        whether nothing is left. If not, somebody else is writing the group at this moment.
    """
    while True:
        try:
            step = _portion(conn, group_id)
        except psycopg.OperationalError:
            # An outage, or a statement that took too long: it comes again.
            raise
        except Exception as error:
            _note_attempt(conn, group_id, error)
            continue
        if step is not _Step.DONE:
            return step is _Step.NOTHING_LEFT
        failpoints.hit("jobs.between")


def work_for_run(conn: Connection, run_id: int) -> bool:
    """Work through what was asked for in a run's groups before it began.

    Returns:
        whether all of it is done, so that the run's recipients may be written.
    """
    waiting = conn.execute(SQL["groups_of_run"], {"run_id": run_id}).fetchall()
    left = 0
    for row in waiting:
        left += not work_group(conn, row["group_id"])
    return not left


def add_entries(
    conn: Connection,
    group: Group,
    region: str | None,
    entries: Sequence[Mapping[str, Any]],
    *,
    first: int = 0,
) -> Outcome:
    """Write contacts in the form of a job into a group that the caller has locked.

    Those whose number is none are left out; ``first`` is the number of the first entry.
    """
    rows: list[contact.Row] = []
    faults: list[Fault] = []
    for index, entry in enumerate(entries, first):
        found: dict[AddressKind, str] = {kind: entry[kind] for kind in KINDS if kind in entry}
        try:
            if "phone" in found:
                found["phone"] = addresses.phone(found["phone"], region)
        except Invalid as error:
            faults.append(Fault(index, "phone_number", error.rule))
            continue
        rows += contact.rows(found, entry.get("fields", {}), group.kind)
    stored = contacts.put(conn, group, rows)
    return Outcome(
        done=len(entries),
        added=stored.added,
        updated=stored.updated,
        unchanged=stored.unchanged + stored.duplicates,
        faults=tuple(faults),
    )


def store_done(conn: Connection, group: Group, outcome: Outcome) -> None:
    """Note an addition that was made at once."""
    row = {"group_id": group.id, "kind": "add", "entries": outcome.done, **_counts(outcome, 0)}
    conn.execute(SQL["insert_done_job"], row)


def _portion(conn: Connection, group_id: UUID) -> _Step:
    with conn.transaction():
        taken = conn.execute(SQL["take_group"], {"group_id": group_id}).fetchone()
        if taken is None:
            return _still_there(conn, group_id)
        region = taken.pop("default_region")
        group = Group(**taken)
        job = conn.execute(SQL["next_job"], {"group_id": group_id, "portion": PORTION}).fetchone()
        if job is None:
            return _Step.NOTHING_LEFT
        if job["kind"] == "retire":
            if not retention.retire(conn, group):
                conn.execute(SQL["drop_job"], {"id": job["id"]})
            return _Step.DONE
        outcome = _apply(conn, group, region, job)
        finished = outcome.removed < PORTION if job["kind"] == "flush" else (
            job["done"] + outcome.done >= job["entries"]
        )  # fmt: skip
        if finished and job["kind"] == "flush":
            conn.execute(groups.SQL["clear_headers"], {"id": group_id})
        conn.execute(
            SQL["advance_job"],
            {
                "id": job["id"],
                "done": outcome.done,
                "removed": outcome.removed,
                "finished": finished,
                **_counts(outcome, job["invalid"]),
            },
        )
        failpoints.hit("jobs.before_commit")
    return _Step.DONE


def _still_there(conn: Connection, group_id: UUID) -> _Step:
    """Somebody holds the group, or it has gone with its jobs."""
    row = conn.execute(SQL["is_pending"], {"group_id": group_id}).fetchone()
    return _Step.NOTHING_LEFT if row is None else _Step.BUSY


def _apply(conn: Connection, group: Group, region: str | None, job: Mapping[str, Any]) -> Outcome:
    if job["kind"] == "flush":
        flushed = {"group_id": group.id, "portion": PORTION}
        return Outcome(0, removed=conn.execute(SQL["flush_portion"], flushed).rowcount)
    if job["kind"] == "add":
        # In the order of the request, which jsonb does not keep.
        groups.add_headers(conn, group, job["headers"])
        return add_entries(conn, group, region, job["portion"], first=job["done"])
    return _remove_entries(conn, group, region, job["portion"], first=job["done"])


def _remove_entries(
    conn: Connection,
    group: Group,
    region: str | None,
    entries: Sequence[Mapping[str, Any]],
    *,
    first: int,
) -> Outcome:
    wanted: dict[AddressKind, list[str]] = {}
    faults: list[Fault] = []
    for index, entry in enumerate(entries, first):
        kind = next(kind for kind in KINDS if kind in entry)
        try:
            text = entry[kind]
            one = addresses.phone(text, region) if kind == "phone" else text
            wanted.setdefault(kind, []).append(one)
        except Invalid as error:
            faults.append(Fault(index, "phone_numbers", error.rule))
    removed = contacts.take(conn, group, wanted)
    return Outcome(len(entries), removed=removed, faults=tuple(faults))


def _counts(outcome: Outcome, known_faults: int) -> dict[str, Any]:
    room = max(0, MOST_FAULTS - known_faults)
    return {
        "added": outcome.added,
        "updated": outcome.updated,
        "unchanged": outcome.unchanged,
        "invalid": len(outcome.faults),
        "faults": Jsonb([asdict(fault) for fault in outcome.faults[:room]]),
    }


def _note_attempt(conn: Connection, group_id: UUID, error: Exception) -> None:
    # The original may quote a row, and with it an address.
    kind = type(error).__name__
    row = conn.execute(
        SQL["note_attempt"],
        {
            "group_id": group_id,
            "most": MOST_ATTEMPTS,
            "error": f"it failed {MOST_ATTEMPTS} times in a row ({kind})",
        },
    ).fetchone()
    if row is not None:
        word = "is given up" if row["given_up"] else "fails and is tried again"
        log.error("group job %d %s (%s)", row["id"], word, kind)
