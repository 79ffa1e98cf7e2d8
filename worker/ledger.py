"""The ledger as the send path sees it: lease, claim, record, hand back, on the event loop.

A connection is borrowed for one statement at a time and never held across a provider call.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.rows import tuple_row

from campaigns import queries
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import AsyncConnection, AsyncPool
from campaigns.run import handback, signing
from worker import words
from worker.adapters.base import SILENT, Capabilities
from worker.outcomes import Settlement, record_parameters
from worker.run_context import RunContext, context
from worker.stretches import stretches
from worker.throttle.base import Limit

_SQL = queries.load("campaigns.run", "ledger.sql")
_OUTCOMES = queries.load("campaigns.run", "outcomes.sql")
_EVENTS = queries.load("campaigns.run", "events.sql")
_POISON = queries.load("campaigns.run", "poison.sql")
_SIGNS = queries.load("campaigns.run", "signs.sql")

#: How long a lease holds without a sign of life, in seconds.
LEASE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to send one batch. Spread times are on the local monotonic clock."""

    batch_id: int
    token: UUID
    provider: str
    messages: int
    spread_from: float
    spread_until: float
    #: Whether a team of its runs caps what a recipient gets.
    capped: bool = False
    #: What its messages obey beside the account's own limit.
    limits: tuple[Limit, ...] = ()
    #: Whether others at the account need room between them.
    interleaved: bool = False
    #: How often a worker died with its rows claimed and not sent.
    losses: int = 0


class Claimed(NamedTuple):
    """One row that may be sent now."""

    run_id: int
    seq: int
    address: str
    fields: Mapping[str, Any]
    attempts: int
    #: Moment on the local monotonic clock at which its gate closes.
    closes_at: float
    #: An earlier attempt at this account may have arrived.
    in_doubt: bool = False

    def __repr__(self) -> str:
        return f"Claimed(run_id={self.run_id}, seq={self.seq})"


def _claimed(rows: Sequence[tuple[Any, ...]], asked: float) -> list[Claimed]:
    """Those of ``rows`` that may be sent; they were asked for at ``asked``."""
    granted = [row for row in rows if row[4] == "sending"]
    # In one piece: to read the fields row by row takes three times as long.
    fields = json.loads(f"[{','.join([row[3] for row in granted])}]")
    return [
        Claimed(run_id, seq, address, values, attempts, asked + closes_in, in_doubt)
        for (run_id, seq, address, _, _, attempts, closes_in, in_doubt), values in zip(
            granted, fields, strict=True
        )
    ]


def _record(query: str, announcing: bool) -> str:
    return _OUTCOMES[f"{query}_announced" if announcing else query]


class Ledger:
    """The statements of ledger.sql and outcomes.sql, for one channel's worth of columns."""

    def __init__(self, pool: AsyncPool) -> None:
        self._pool = pool

    async def lease(
        self, batch_id: int, token: UUID, resending: Sequence[str] = ()
    ) -> Lease | None:
        """Take the batch, if it is there and nobody has it.

        What is in doubt of it is sent again if its account is one of ``resending``, should this
        process die with it.
        """
        wanted = {
            "batch_id": batch_id, "token": token, "lease_seconds": LEASE_SECONDS, "now": None,
            "resending": list(resending),
        }  # fmt: skip
        try:
            row = await self._row(_SQL.lease_batch, wanted)
        except psycopg.OperationalError:
            # Once more: the batch's next message may be a minute away. If only the answer was
            # lost, nobody has it now, and the end of the lease frees it.
            row = await self._row(_SQL.lease_batch, wanted)
        if row is None:
            return None
        base = time.monotonic()
        return Lease(
            batch_id,
            token,
            row["provider"],
            row["messages"],
            base + row["spread_from_in"],
            base + row["spread_until_in"],
            row["capped"],
            tuple(map(Limit, row["limit_keys"], row["limit_rates"])),
            row["interleaved"],
            row["losses"],
        )

    async def rows(self, batch_id: int) -> list[tuple[int, int, int]]:
        """The rows of a batch, as stretches (run id, first, one past)."""
        row = await self._row(_POISON.batch_rows, {"batch_id": batch_id}) or {}
        pieces = row.get("slices") or ()
        return [(run_id, *one) for run_id, *piece in pieces for one in stretches([piece])]

    async def contexts(self, batch_id: int) -> dict[int, RunContext]:
        """What the runs of a batch share, by run id."""
        async with self._connection() as conn:
            wanted = {"batch_id": batch_id, "key_rests": signing.KEY_RESTS}
            cursor = await conn.execute(_SQL.batch_contexts, wanted)
            return {row["run_id"]: context(row) async for row in cursor}

    async def claim(self, lease: Lease, amount: int, channel: str) -> list[Claimed] | None:
        """Take up to ``amount`` rows; ``None`` when there is nothing that may be sent now.

        Rows of recipients who opted out meanwhile, or got as many messages as their team allows,
        are settled on the way and are not in the list, which may therefore be empty.
        """
        query = "claim_capped" if lease.capped else "claim"
        asked = time.monotonic()
        wanted = {
            "batch_id": lease.batch_id, "token": lease.token, "amount": amount,
            "channel": channel, "capped": lease.capped, "lease_seconds": LEASE_SECONDS, "now": None,
        }  # fmt: skip
        async with self._connection() as conn:
            cursor = conn.cursor(row_factory=tuple_row)
            await cursor.execute(_SQL.by_address(query, ADDRESS_COLUMN[channel]), wanted)
            rows = await cursor.fetchall()
        return _claimed(rows, asked) if rows else None

    async def record(
        self,
        lease: Lease,
        settlements: Sequence[Settlement],
        capabilities: Capabilities = SILENT,
        *,
        announcing: bool = False,
    ) -> int:
        """Write outcomes; returns how many rows took them.

        ``capabilities``: of the adapter. They tell whether reports are to come, and whether it has
        to be noted where message ids lead, because nothing else in them tells whose they are.
        ``announcing``: a run of the batch has somebody to be told.
        """
        outcomes = record_parameters(lease.token, settlements, awaits_report=capabilities.reports)
        outcomes["noting"] = capabilities.needs_message_ids
        if lease.capped or capabilities.needs_message_ids or words.are_in(settlements):
            return await self._record_all(lease, outcomes, settlements, announcing)
        try:
            row = await self._row(_record("record", announcing), outcomes)
        except psycopg.errors.UniqueViolation:
            # The server's clock was set back, to the very moment of an earlier claim.
            row = None
        settled = int(row["settled"]) if row else 0
        if settled < len(settlements):
            settled += await self._record_all(lease, outcomes, settlements, announcing)
        return settled

    async def _record_all(
        self,
        lease: Lease,
        outcomes: Mapping[str, Any],
        settlements: Sequence[Settlement],
        announcing: bool,
    ) -> int:
        """Write outcomes of rows too of which somebody else said something meanwhile."""
        query = _record("record_capped" if lease.capped else "record_all", announcing)
        async with self._connection() as conn, conn.transaction():
            row = await (await conn.execute(query, outcomes)).fetchone()
            cursor = await conn.execute(_EVENTS.note_message_ids, outcomes)
            if heard := await cursor.fetchall():
                again = {name: [each[name[:-1]] for each in heard] for name in ("run_ids", "seqs")}
                await conn.execute(_EVENTS.refold, {**again, "now": None})
            await words.record(conn, lease.token, settlements)
            return int(row["settled"]) if row else 0

    async def renew(self, lease: Lease) -> bool:
        """A sign of life; false when the lease is lost."""
        row = await self._row(
            _SQL.renew_lease,
            {"batch_id": lease.batch_id, "token": lease.token, "lease_seconds": LEASE_SECONDS},
        )
        return row is not None

    async def hand_back(self, lease: Lease, *, wait: float = 0.0) -> bool:
        """End the batch: what is still pending waits ``wait`` seconds to be cut again.

        Only for a caller that has recorded every outcome: what is claimed under this lease and has
        none is released as never sent. False when the lease was lost to somebody else.
        """
        owned = {"batch_id": lease.batch_id, "token": lease.token}
        async with self._connection() as conn:
            if await (await conn.execute(_SQL.finish_batch, owned)).fetchone():
                return True
            return await self._return_rest(conn, owned, wait)

    async def _return_rest(
        self, conn: AsyncConnection, owned: Mapping[str, Any], wait: float
    ) -> bool:
        async with conn.transaction():
            row = await (await conn.execute(_SQL.own_batch, owned)).fetchone()
            if row is None:
                return False
            await conn.execute(_SQL.release_unsent, owned)
            now = row["now"]
            not_before = now + timedelta(seconds=wait)
            await conn.execute(
                handback.SQL.hand_back,
                handback.parameters([owned["batch_id"]], now=now, not_before=not_before),
            )
            return True

    async def is_alone(self, lease: Lease) -> bool:
        """Whether nobody else sends for the account of this batch right now."""
        row = await self._row(_SIGNS.other_batches, {"batch_id": lease.batch_id})
        return row is not None and not row["others"]

    async def beat_heart(self, name: str) -> None:
        """Say that this send process is alive."""
        await self._row(_SIGNS.beat_heart, {"name": name, "kind": "send", "now": None})

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AsyncConnection]:
        """A connection for one statement.

        One that turns out dead is rarely alone: after a restart of the server all that were idle
        are. They are looked through at once, or each would cost somebody a statement.
        """
        conn = None
        try:
            async with self._pool.connection() as conn:
                yield conn
        except psycopg.OperationalError:
            if conn is not None and conn.closed:
                await self._pool.check()
            raise

    async def _row(self, query: str, parameters: Mapping[str, Any]) -> dict[str, Any] | None:
        async with self._connection() as conn:
            cursor = await conn.execute(query, parameters)
            return await cursor.fetchone() if cursor.description else None
