"""Ticks on a real database for the model: whole ones, and such that others work in between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from campaigns import queries
from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from campaigns.schedule.windows import Interval
from scheduler import cutting
from scheduler.decision import Decision
from scheduler.duties import dispatching, finishing, publishing, reclaiming, starting
from scheduler.model import LaneChange, LaneKey, Slice
from scheduler.tick import TickReport, tick

_SQL = queries.load("scheduler", "tick.sql")

#: So fast that a tick grants everything there is.
_CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms", rate="1000/s")
_PROVIDERS = Providers(MappingProxyType({"carrier": _CARRIER}))


def whole_tick(conn: Connection, now: datetime) -> TickReport:
    """The tick as beats run it."""
    report = tick(conn, _PROVIDERS, name="beat@test", now=now)
    assert report is not None
    return report


class HalfTick:
    """A tick that has read what it decides from and has written nothing yet."""

    def __init__(self, conn: Connection, run_id: int, now: datetime) -> None:
        self._conn = conn
        conn.execute("BEGIN")
        lock = self._conn.execute(_SQL.lock_tick).fetchone()
        assert lock is not None
        assert lock["locked"]
        self._key = LaneKey(run_id, 0)
        rows = self._conn.execute(_SQL.open_runs, {"now": now}).fetchall()
        self._row = rows[0] if rows and not rows[0]["paused"] else None
        self._waiting = self._waiting_slices(now) if rows else []

    def abandon(self) -> None:
        """The beat dies: PostgreSQL rolls its transaction back."""
        self._conn.execute("ROLLBACK")

    def commit(self, amount: int, now: datetime, *, ending: bool) -> list[int]:
        """Write everything, ``amount`` messages cut; which batches are to be published."""
        if ending:
            starting.run_once(self._conn, now)
        there = self._waiting_slices(now)
        reclaiming.run_once(self._conn, now)
        # It sees what it has just handed back itself.
        self._waiting += [one for one in self._waiting_slices(now) if one not in there]
        if amount and self._row is not None and not ending:
            dispatching._write(self._conn, now, self._cut(amount, now))
        finishing.run_once(self._conn, now)
        published = [number for _, number in publishing.run_once(self._conn, now)]
        self._conn.execute("COMMIT")
        return published

    def _waiting_slices(self, now: datetime) -> list[Slice]:
        return dispatching._waiting(self._conn, [self._key.run_id], now).get(self._key, [])

    def _cut(self, amount: int, now: datetime) -> Decision:
        row = self._row
        assert row is not None
        # Of slices of a kind the model takes the one with the first rows, beats the oldest one.
        ordered = sorted(self._waiting, key=lambda one: list(one.seqs or range(one.lo, one.hi)))
        ranked = [replace(one, slice_id=rank) for rank, one in enumerate(ordered)]
        taken, rests, next_seq = cutting.carve(
            self._key, amount, ranked, row["next_seq"], row["hi"]
        )
        batches = cutting.pack("carrier", [(Interval(now, now), piece) for piece in taken])
        used = {ordered[one.slice_id].slice_id for one in taken if one.slice_id is not None}
        gate = Interval(now - timedelta(minutes=1), now + timedelta(hours=1))
        return Decision(
            batches,
            sorted(filter(None, used)),
            rests,
            [LaneChange(self._key, next_seq, None, gate)],
        )
