"""Adopting what a dead process left: only what really was under way stays in doubt.

The tick takes back a batch when its lease runs out, and has to hold in doubt everything that was
claimed. A send process of the same machine knows better and sooner: the lock of a dead process'
journal is free at once, and the journal says which requests may have left (:mod:`worker.journal`).
What had not departed goes back, uncharged; the rest is held like the tick would.

Rows that were claimed and had not departed are also suspected: one of them may be what killed the
process. They go back in halves, each of which is sent in a batch of its own, and so on down to
the one recipient that kills its worker whenever it is alone. That one fails, and nobody else. For
what died before it claimed anything see :mod:`worker.poison`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import psycopg

from campaigns import failpoints, queries
from campaigns.database import Connection
from campaigns.errors import Locked
from campaigns.providers import NO_PROVIDERS, Providers
from campaigns.run import again, doubt, handback
from worker import journal, notes, poison
from worker.journal import Journal
from worker.notes import Left

log = logging.getLogger(__name__)

_SQL = queries.load("campaigns.run", "adoption.sql")

#: How often a send process looks for what others left, in seconds.
ADOPT_EVERY = 2.0

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Row = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Adopted:
    """How many rows of a batch became what."""

    #: Had not departed.
    returned: int = 0
    #: Had departed: held as unknown, or sent again by an account that recognises the repetition.
    held: int = 0
    again: int = 0
    poisoned: int = 0


class Adopter:
    """Looks through the journals of one machine, one round after the other.

    Two of them at once are harmless: each journal is adopted by whoever has its lock.
    """

    def __init__(
        self,
        home: Path,
        own: Journal,
        connect: Callable[[], AbstractContextManager[Connection]],
        providers: Callable[[], Providers],
    ) -> None:
        """``home`` holds all journals, ``own`` is that of this process."""
        self._home = home
        self._own = own
        self._connect = connect
        self._providers = providers
        self._conn: Connection | None = None

    def run_once(self) -> int:
        """One round; how many batches were adopted.

        Raises:
            Unavailable, psycopg.Error: the database is not there; the next round finds the rest.
        """
        with ExitStack() as opened:
            self._opened = opened
            try:
                return self._adopt_lost() + sum(map(self._adopt_journal, self._others()))
            finally:
                self._conn = None

    def _adopt_lost(self) -> int:
        """Batches that this process itself lost track of."""
        adopted = 0
        while (lost := self._own.next_lost()) is not None:
            assert lost.path is not None
            try:
                adopted += self._adopt(lost.path, None)
            except BaseException:
                self._own.lose(lost)
                raise
            self._own.end(lost)
        return adopted

    def _others(self) -> list[Path]:
        try:
            return [each for each in self._home.iterdir() if self._is_journal(each)]
        except OSError:
            return []

    def _is_journal(self, folder: Path) -> bool:
        return folder != self._own.folder and _UUID.fullmatch(folder.name) is not None

    def _adopt_journal(self, folder: Path) -> int:
        try:
            descriptor = journal.lock(folder)
        except OSError:
            # Gone by now, or another user's.
            return 0
        if descriptor is None:
            return 0
        try:
            adopted = 0
            blamed: set[int] = set()
            for path in sorted(folder.glob(journal.PATTERN)):
                adopted += self._adopt(path, blamed)
                path.unlink()
            journal.remove(folder)
        except OSError as error:
            log.warning("a journal of departures cannot be adopted (%s)", type(error).__name__)
        finally:
            os.close(descriptor)
        return adopted

    def _adopt(self, path: Path, blamed: set[int] | None) -> bool:
        """``blamed``: the runs that this death was counted against; ``None``: nobody died."""
        left = notes.read(path)
        if left is None:
            return False
        if self._conn is None:
            self._conn = self._opened.enter_context(self._connect())
        adopted = adopt(self._conn, left, self._providers(), died=blamed is not None, blamed=blamed)
        failpoints.hit("adopt.committed")
        log.warning(
            "batch %d of a worker that is gone: %d deliveries never left and go back, "
            "%d are held as unknown, %d are sent again, %d failed because they kill their worker",
            left.batch_id,
            adopted.returned,
            adopted.held,
            adopted.again,
            adopted.poisoned,
        )
        return True


def adopt(
    conn: Connection,
    left: Left,
    providers: Providers = NO_PROVIDERS,
    *,
    died: bool = True,
    blamed: set[int] | None = None,
    now: datetime | None = None,
) -> Adopted:
    """Settle what ``left`` tells of, as far as nobody has done it yet; doing it twice is harmless.

    ``died``: its process is dead, and one of these rows may be why. ``blamed``: the runs that this
    death was counted against for another of its batches; those of this one are added. ``now``
    defaults to PostgreSQL's clock.
    """
    over: set[int] = set()
    blamed = set() if blamed is None else blamed
    while (adopted := _adopt_live(conn, left, providers, over, blamed, died=died, now=now)) is None:
        # A run was finished meanwhile: what is held as unknown keeps nobody from that.
        pass
    returned = 0
    for run_id in sorted(over):
        try:
            returned += _adopt_finished(conn, left, run_id, died=died, now=now)
        except Locked as error:
            log.info("batch %d: what never left stays unknown: %s", left.batch_id, error)
    return replace(adopted, returned=adopted.returned + returned)


def _adopt_live(
    conn: Connection,
    left: Left,
    providers: Providers,
    over: set[int],
    blamed: set[int],
    *,
    died: bool,
    now: datetime | None,
) -> Adopted | None:
    """Everything but the rows of runs that are finished; ``None``, and nothing done, where one of
    these turns out to be finished, which is added to ``over``."""
    with conn.transaction() as transaction:
        owned = {"batch_id": left.batch_id, "token": left.token, "now": now}
        row = conn.execute(_SQL.left_batch, owned).fetchone()
        assert row is not None
        moment = row["now"]
        conn.execute(_SQL.lock_left, {**owned, **_columns(sorted(left.rows))})
        open_rows = sorted(row for row in left.rows - left.departed if row[0] not in over)
        returned, poisoned = _release(conn, left, open_rows, died=died, now=moment)
        finished = _finished(conn, {run_id for run_id, _ in returned})
        if finished:
            over |= finished
            raise psycopg.Rollback(transaction)
        held = resent = suspected = 0
        if died and left.early:
            left = poison.completed(conn, left) if row["is_ours"] else left
            poisoned += poison.died_early(conn, left, blamed, now=moment)
            suspected = left.losses_after
        if row["is_ours"]:
            held, resent = doubt.settle_lost(conn, [left.batch_id], providers, now=moment)
            rest = handback.parameters(
                [left.batch_id], now=moment, apart=returned, suspected=suspected
            )
            conn.execute(handback.SQL.hand_back, rest)
        failpoints.hit("adopt.before_commit")
        return Adopted(len(returned), held, resent, poisoned)
    return None


def _adopt_finished(
    conn: Connection, left: Left, run_id: int, *, died: bool, now: datetime | None
) -> int:
    """Rows of a finished run that were held as unknown and never left: it goes on with them.

    Raises:
        Locked: it cannot go on; nothing changed.
    """
    stayed = sorted(row for row in left.rows - left.departed if row[0] == run_id)
    with conn.transaction():
        row = conn.execute(_SQL.clock, {"now": now}).fetchone()
        assert row is not None
        returned, _ = _release(conn, left, stayed, died=died, now=row["now"])
        if returned:
            again.go_on(conn, run_id, now=row["now"])
        return len(returned)


def _release(
    conn: Connection, left: Left, rows: Sequence[Row], *, died: bool, now: datetime
) -> tuple[list[Row], int]:
    """Rows that never departed go back: which ones did, and how many failed as poisoned instead."""
    condemned = died and poison.condemned(left)
    where = {
        "token": left.token,
        "batch_id": left.batch_id,
        "condemned": condemned,
        "now": now,
        "losses": left.losses_after if died else 0,
    }
    found = conn.execute(_SQL.release_undeparted, {**where, **_columns(rows)}).fetchall()
    if condemned:
        return [], len(found)
    released = [(row["run_id"], row["seq"]) for row in found]
    if released:
        conn.execute(_SQL.return_suspects, {**where, **_columns(released)})
    return released, 0


def _finished(conn: Connection, run_ids: Collection[int]) -> set[int]:
    found = conn.execute(_SQL.lock_finished, {"run_ids": sorted(run_ids)})
    return {row["id"] for row in found}


def _columns(rows: Sequence[Row]) -> dict[str, list[int]]:
    return {"run_ids": [run_id for run_id, _ in rows], "seqs": [seq for _, seq in rows]}
