"""Does on a real database what the model's steps say, through the functions that do it in life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from campaigns import database
from campaigns.audience import contacts
from campaigns.campaign import control
from campaigns.database import AsyncPool, Connection
from campaigns.run import again, reports, resolve
from campaigns.run.reports import DeliveryReport
from campaigns.team import teams
from tests.model.setting import Setting
from tests.model.state import Journal, State
from tests.model.steps import Step
from tests.support import ledger as stored
from tests.support.model_ticks import HalfTick, whole_tick
from worker import adoption, outcomes, runs
from worker.adapters.base import Accepted, Failed, Throttled, Unknown
from worker.adoption import Left
from worker.ledger import Claimed, Lease, Ledger
from worker.outcomes import NotSent, Settlement

_ANSWERS: dict[str, Any] = {
    "accepted": Accepted("id"),
    "taken in silence": Unknown("timeout"),
    "lost in silence": Unknown("timeout"),
    "throttled": Throttled(None, "429"),
    "failed": Failed("500"),
}


class Replay:
    """One run in PostgreSQL, and how the model's names are called there."""

    def __init__(self, conn: Connection, url: str, setting: Setting) -> None:
        self.conn = conn
        #: One is enough: of two beats one has the lock.
        self._beat = database.connect(url)
        self.setting = setting
        now = datetime.now(UTC) - timedelta(minutes=1)
        self.campaign_id = stored.campaign(conn, now)
        self.team_id = stored.team_id(conn)
        self.run_id = stored.run(conn, self.campaign_id, setting.rows, now)
        self.batches: dict[int, int] = {}
        self.leases: dict[int, Lease] = {}
        self.claimed: dict[tuple[int, int], Claimed] = {}
        self.settlements: dict[tuple[int, int], Settlement] = {}
        self.ticks: dict[int, HalfTick] = {}
        self._runner = asyncio.Runner()
        self._pool: AsyncPool = self._runner.run(_opened(url))
        self._ledger = Ledger(self._pool)

    def close(self) -> None:
        for tick in self.ticks.values():
            tick.abandon()
        self._beat.close()
        self._runner.run(self._pool.close())
        self._runner.close()

    def play(self, step: Step, before: State, after: State) -> None:
        """Let ``step`` happen. What only the model has (messages, memories) is nothing here."""
        doing: Callable[[Step, State, State], None] | None = getattr(self, f"_{step.name}", None)
        if doing is not None:
            doing(step, before, after)

    # What workers do.

    def _lease_batch(self, step: Step, before: State, after: State) -> None:
        worker = after.workers[step.who]
        batch_id = self.batches.get(int(str(step.what)), 0)
        lease = self._runner.run(self._ledger.lease(batch_id, uuid4()))
        assert (lease is not None) == bool(worker.token)
        if lease is not None:
            self.leases[worker.token] = lease

    def _claim(self, step: Step, before: State, after: State) -> None:
        token = before.workers[step.who].token
        granted = [hand for hand in after.workers[step.who].hands if hand.attempt]
        granted = [hand for hand in granted if hand not in before.workers[step.who].hands]
        rows = self._claimed_rows(token, int(str(step.what)))
        assert [(row.seq, row.attempts) for row in rows] == [
            (hand.seq, hand.attempt) for hand in granted
        ]
        self.claimed |= {(token, row.seq): row for row in rows}

    def _claimed_rows(self, token: int, amount: int) -> list[Claimed]:
        return self._runner.run(self._ledger.claim(self.leases[token], amount, "sms")) or []

    def _depart(self, step: Step, before: State, after: State) -> None:
        seq, answer = step.what  # type: ignore[misc]
        self._settle(before.workers[step.who].token, seq, _ANSWERS[answer])

    def _not_sent(self, step: Step, before: State, after: State) -> None:
        self._settle(before.workers[step.who].token, int(str(step.what)), NotSent("too_late"))

    def _settle(self, token: int, seq: int, outcome: Any) -> None:
        row = self.claimed[token, seq]
        self.settlements[token, seq] = outcomes.settle(
            row.run_id, seq, row.attempts, outcome, max_attempts=self.setting.max_attempts
        )

    def _record(self, step: Step, before: State, after: State) -> None:
        worker = before.workers[step.who]
        self._write(worker.token, [hand.seq for hand in worker.hands if not hand.attempt])

    def _write(self, token: int, seqs: list[int]) -> None:
        told = [self.settlements[token, seq] for seq in seqs]
        self._runner.run(self._ledger.record(self.leases[token], told))

    def _finish(self, step: Step, before: State, after: State) -> None:
        token = before.workers[step.who].token
        self._runner.run(self._ledger.hand_back(self.leases[token]))

    # What goes wrong.

    def _lease_ends(self, step: Step, before: State, after: State) -> None:
        self.conn.execute(
            "UPDATE batches SET lease_until = clock_timestamp() - interval '1 ms' WHERE id = %s",
            (self.batches[int(str(step.what))],),
        )

    _holder_is_held_up = _lease_ends

    def _late_claim(self, step: Step, before: State, after: State) -> None:
        self._claimed_rows(step.what[1], self.setting.chunks[0])  # type: ignore[index]

    def _late_record(self, step: Step, before: State, after: State) -> None:
        _, token, hands = step.what  # type: ignore[misc]
        self._write(token, [hand.seq for hand in hands])

    def _late_finish(self, step: Step, before: State, after: State) -> None:
        self._runner.run(self._ledger.hand_back(self.leases[step.what[1]]))  # type: ignore[index]

    def _adopt(self, step: Step, before: State, after: State) -> None:
        left: Journal = step.what  # type: ignore[assignment]
        stayed = frozenset((self.run_id, seq) for seq in left.stayed)
        lease = self.leases[left.token]
        adoption.adopt(
            self.conn,
            Left(lease.batch_id, lease.token, 0, self.setting.rows, stayed, frozenset()),
        )
        # Which rows are suspected is no part of the model: they are cut like others.
        self.conn.execute("UPDATE slices SET losses = 0")

    # What people do, and the provider.

    def _report(self, step: Step, before: State, after: State) -> None:
        delivered = DeliveryReport("delivered", _now(), self.run_id, step.who)
        reports.record(self.conn, [delivered])

    def _pause(self, step: Step, before: State, after: State) -> None:
        control.pause(self.conn, self.team_id, self.campaign_id, now=_now())

    def _resume(self, step: Step, before: State, after: State) -> None:
        control.resume(self.conn, self.team_id, self.campaign_id, now=_now())

    def _stop(self, step: Step, before: State, after: State) -> None:
        control.stop(self.conn, self.team_id, self.campaign_id, now=_now())

    def _opt_out(self, step: Step, before: State, after: State) -> None:
        team = teams.find(self.conn, stored.DEFAULT_TEAM_NAME)
        contacts.opt_out(self.conn, team, "447700000000", None)

    def _resend_unknown(self, step: Step, before: State, after: State) -> None:
        again.send(self.conn, self.run_id, again.unknown(), now=_now())

    def _fail_unknown(self, step: Step, before: State, after: State) -> None:
        resolve.fail(self.conn, self.run_id, again.unknown(), now=_now())

    # What the tick does, and the audience worker.

    def _tick(self, step: Step, before: State, after: State) -> None:
        report = whole_tick(self.conn, _now())
        self._name_batches(before, after)
        assert {self.batches[one] for one in _new(before, after)} <= {n for _, n in report.publish}

    def _begin_tick(self, step: Step, before: State, after: State) -> None:
        self.ticks[step.who] = HalfTick(self._beat, self.run_id, _now())

    def _commit_tick(self, step: Step, before: State, after: State) -> None:
        ending = before.beats[step.who].ending
        published = self.ticks.pop(step.who).commit(int(str(step.what)), _now(), ending=ending)
        self._name_batches(before, after)
        assert {self.batches[one] for one in _new(before, after)} <= set(published)

    def _crash_beat(self, step: Step, before: State, after: State) -> None:
        if step.what == "deciding":
            self.ticks.pop(step.who).abandon()

    def _drop_waiting_slices(self, step: Step, before: State, after: State) -> None:
        self.conn.execute(runs._SQL.drop_waiting_slices, {"run_id": self.run_id})

    def _close_rows(self, step: Step, before: State, after: State) -> None:
        whole = {"run_id": self.run_id, "lo": 0, "hi": self.setting.rows, "now": None}
        self.conn.execute(runs._SQL.close_rows, {**whole, "status": "cancelled"})

    def _name_batches(self, before: State, after: State) -> None:
        new = _new(before, after)
        known = [self.batches[one.id] for one in after.batches if one.id not in new]
        found = self.conn.execute(
            "SELECT id FROM batches WHERE id <> ALL (%s) ORDER BY id", (known,)
        ).fetchall()
        assert len(found) == len(new)
        self.batches |= {model: row["id"] for model, row in zip(sorted(new), found, strict=True)}

    # What is there.

    def token(self, number: int) -> UUID | None:
        return self.leases[number].token if number else None


def _new(before: State, after: State) -> set[int]:
    return {one.id for one in after.batches} - {one.id for one in before.batches}


def _now() -> datetime:
    return datetime.now(UTC)


async def _opened(url: str) -> AsyncPool:
    pool = database.async_pool(url, size=1)
    await pool.open()
    return pool
