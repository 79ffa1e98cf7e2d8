"""The ledger as plain dictionaries: the rows that PostgreSQL keeps, without the server.

What the statements of tick.sql and ledger.sql do to them is in :mod:`tests.simulation.tick_queries`
and :mod:`tests.simulation.send_queries`. A row is a dictionary with the names of the columns.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from worker.condition import ProviderState
from worker.runs import STATUS_BY_REASON

Row = dict[str, Any]

_MOMENTS = frozenset(
    (
        "occurrence", "starts_at", "finishes_at", "expires_at", "next_dt", "window_at",
        "spread_from", "spread_until", "not_before", "pace_until", "gate_opens_at",
        "gate_closes_at", "metered_until",
    )
)  # fmt: skip

#: What a slice is unless it says so.
_SLICE = {
    "lane": 0, "attempts": 0, "bound_to": None, "losses": 0, "seqs": None, "batch_id": None,
}  # fmt: skip

#: How many recipients a run of a campaign has, by lane: a time zone and a number.
Audience = Sequence[tuple[str | None, int]]

#: What a row of ``deliveries`` that is not settled can be.
OPEN = ("pending", "sending")


class Deliveries:
    """The recipients of one run, by ``seq``."""

    __slots__ = ("attempts", "settled_at", "status", "token", "unsettled")

    def __init__(self, total: int) -> None:
        self.status = ["pending"] * total
        self.attempts = [0] * total
        self.token: list[object] = [None] * total
        self.settled_at: list[datetime | None] = [None] * total
        #: How many are pending or being sent.
        self.unsettled = total

    def set(self, seq: int, status: str) -> None:
        self.unsettled += (status in OPEN) - (self.status[seq] in OPEN)
        self.status[seq] = status


class Ledger:
    """All tables."""

    def __init__(self) -> None:
        self.teams: dict[UUID, Row] = {}
        self.campaigns: dict[UUID, Row] = {}
        self.runs: dict[int, Row] = {}
        #: Of each run that has any, in their order.
        self.lanes: dict[int, list[Row]] = {}
        self.deliveries: dict[int, Deliveries] = {}
        self.batches: dict[int, Row] = {}
        #: Slices by the batch that they are in, and by the run for which they wait.
        self.cut: dict[int, list[Row]] = {}
        self.waiting: dict[int, dict[int, Row]] = {}
        self.states: dict[str, ProviderState] = {}
        self.tallies: dict[int, Counter[str]] = {}
        #: The last sign of life of any beat.
        self.last_beat: datetime | None = None
        #: Runs that are not finished, and the occurrences that are taken.
        self.open: dict[int, Row] = {}
        self.occurrences: set[tuple[UUID, datetime]] = set()
        #: Runs of which nothing will be wanted before that moment: the tick need not look at them.
        self.asleep: dict[int, datetime] = {}
        #: Campaigns whose next occurrence is near.
        self.near: dict[UUID, Row] | None = None
        self._ids = {name: count(1) for name in ("runs", "batches", "slices")}

    def next_id(self, table: str) -> int:
        return next(self._ids[table])

    def open_runs_of(self, campaign_id: UUID) -> list[Row]:
        return [run for run in self.open.values() if run["campaign_id"] == campaign_id]

    def campaign_of(self, run: Row) -> Row:
        return self.campaigns[run["campaign_id"]]

    def add_slice(self, row: Row) -> None:
        row = {**_SLICE, **row}
        row["id"] = self.next_id("slices")
        if row["batch_id"] is None:
            self.waiting.setdefault(row["run_id"], {})[row["id"]] = row
            self.wake(row["run_id"], row["not_before"])
        else:
            self.cut.setdefault(row["batch_id"], []).append(row)

    def forget_batch(self, batch_id: int) -> None:
        """The foreign key takes the slices along."""
        self.batches.pop(batch_id, None)
        self.cut.pop(batch_id, None)

    def wake(self, run_id: int, at: datetime | None = None) -> None:
        """Let the tick look at the run again, at once or from ``at`` on."""
        until = self.asleep.get(run_id)
        if until is not None and (at is None or at < until):
            if at is None:
                del self.asleep[run_id]
            else:
                self.asleep[run_id] = at

    def resolve(self, run: Row, audience: Audience) -> None:
        """Write the recipients, as :func:`worker.runs.resolve` does."""
        lanes, lo = [], 0
        for number, (zone, size) in enumerate(audience):
            lane = {
                "run_id": run["id"],
                "lane": number,
                "timezone": zone,
                "lo": lo,
                "hi": lo + size,
            }
            names = ("gate_opens_at", "gate_closes_at", "pace_remaining", "pace_until")
            lanes.append({**lane, "next_seq": lo, **dict.fromkeys(names)})
            lo += size
        self.lanes[run["id"]] = lanes
        self.deliveries[run["id"]] = Deliveries(lo)
        run.update(status="sending", total=lo, published_at=None)

    def close(self, run: Row) -> None:
        """Settle what nobody sent, as :func:`worker.runs.close` does."""
        self.waiting.pop(run["id"], None)
        status = STATUS_BY_REASON[run["reason"]]
        rows = self.deliveries.get(run["id"], Deliveries(0))
        for seq, was in enumerate(rows.status):
            if was == "pending":
                rows.set(seq, status)
                run[status] += 1

    def due_campaigns(self) -> Iterable[Row]:
        return list((self.campaigns if self.near is None else self.near).values())


def places(row: Row) -> Iterator[int]:
    """The rows of ``deliveries`` that a slice covers, ascending."""
    yield from row["seqs"] if row["seqs"] is not None else range(row["lo"], row["hi"])


def records(text: str) -> Iterator[Row]:
    """The rows in a JSON parameter."""
    for record in json.loads(text):
        for name in _MOMENTS & record.keys():
            if record[name] is not None:
                record[name] = datetime.fromisoformat(record[name])
        yield record
