"""What a provider says about a recipient beyond the one message: try later, or never again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.database import AsyncConnection
from worker.outcomes import Settlement

_GONE = queries.load("campaigns.audience", "gone.sql")
_OUTCOMES = queries.load("campaigns.run", "outcomes.sql")


def are_in(settlements: Sequence[Settlement]) -> bool:
    """Whether there is anything to :func:`record`; seldom, so it is no part of each record."""
    return any(one.gone or one.wait is not None for one in settlements)


async def record(conn: AsyncConnection, token: UUID, settlements: Sequence[Settlement]) -> None:
    """Write it down, in the transaction that recorded ``settlements`` under the lease ``token``."""
    if held := [one for one in settlements if one.wait is not None]:
        waits = {"waits": [one.wait for one in held], "now": None}
        await conn.execute(_OUTCOMES.hold_recipients, _rows(token, held) | waits)
    if dead := [one for one in settlements if one.gone]:
        await conn.execute(_GONE.note_gone, _rows(token, dead) | {"now": None})
        await conn.execute(_GONE.forget_subscriptions, _rows(token, dead))


def _rows(token: UUID, settlements: Sequence[Settlement]) -> dict[str, Any]:
    return {
        "token": token,
        "run_ids": [one.run_id for one in settlements],
        "seqs": [one.seq for one in settlements],
    }
