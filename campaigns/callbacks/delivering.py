"""One receiver at a time: lease it, take the next message, say what became of that, release it.

A process that dies in the middle holds the receiver until its lease ends; then another one tells
the same message again, under the same id.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.callbacks import forms, retries, signature, webhooks
from campaigns.database import Connection

SQL = queries.load("campaigns.callbacks", "delivering.sql")

_RANDOM = secrets.SystemRandom()

#: How long a receiver is leased without a sign of life, in seconds; more than one attempt takes.
LEASE_SECONDS = 30.0

#: By which a receiver says that it is gone for good (Standard Webhooks; RFC 9110, 15.5.11).
GONE = "http_410"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One message, as it is to be posted."""

    id: int
    attempts: int
    #: Failures in a row that its receiver had before.
    failures: int
    url: str = field(repr=False)
    #: Of the whole: a body never changes from attempt to attempt.
    body: bytes = field(repr=False)
    content_type: str
    #: Null for a form, which is not signed.
    message_id: str | None
    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def headers(self, now: datetime) -> dict[str, str]:
        """The fields of an attempt at ``now``."""
        fields = {"content-type": self.content_type}
        if self.message_id is not None:
            timestamp = int(now.timestamp())
            fields |= signature.headers(self.keys, self.message_id, timestamp, self.body)
        return fields


@dataclass(slots=True)
class Turn:
    """The right to tell one receiver things."""

    receiver_id: int
    token: UUID
    #: How long it is to be left alone after this turn.
    rest: timedelta = timedelta()

    @property
    def _owned(self) -> dict[str, Any]:
        return {"receiver_id": self.receiver_id, "token": self.token}

    def next(self, conn: Connection, *, now: datetime | None = None) -> Outgoing | None:
        """The next message, ``None`` if none is due or the lease is lost.

        What cannot be told any more is dropped on the way: its run is gone, or the campaign names
        no URL.
        """
        wanted = {**self._owned, "lease_seconds": LEASE_SECONDS, "now": now}
        while row := conn.execute(SQL.next_callback, wanted).fetchone():
            found = _outgoing(conn, row) if row["url"] and row["campaign_id"] else None
            if found is not None:
                return found
            conn.execute(SQL["drop"], {**self._owned, "id": row["id"]})
        return None

    def delivered(self, conn: Connection, told: Outgoing, *, now: datetime | None = None) -> None:
        """The receiver has it."""
        with conn.transaction():
            conn.execute(SQL.delivered, {**self._owned, "id": told.id, "now": now})
            if told.failures >= retries.DOWN:
                conn.execute(SQL.catch_up, {"receiver_id": self.receiver_id, "now": now})

    def failed(
        self, conn: Connection, told: Outgoing, code: str, *, now: datetime | None = None
    ) -> None:
        """The receiver did not take it, for a reason without any address or URL in it."""
        gone = code == GONE
        pause = None if gone else retries.pause(told.attempts + 1, _RANDOM.random())
        conn.execute(
            SQL.failed,
            {
                **self._owned,
                "id": told.id,
                "code": code,
                "gone": gone,
                "pause": None if pause is None else pause.total_seconds(),
                "now": now,
            },
        )
        self.rest = retries.rest(told.failures + 1)

    def release(self, conn: Connection, *, now: datetime | None = None) -> None:
        """Let others tell it the rest, when that is due."""
        with conn.transaction():
            conn.execute(SQL.lock_receiver, self._owned)
            conn.execute(
                SQL.release, {**self._owned, "rest": self.rest.total_seconds(), "now": now}
            )


def lease(conn: Connection, receiver_id: int, *, now: datetime | None = None) -> Turn | None:
    """Take a receiver's turn; ``None`` if somebody has it or nothing is due."""
    turn = Turn(receiver_id, uuid4())
    wanted = {
        "receiver_id": receiver_id, "token": turn.token, "lease_seconds": LEASE_SECONDS, "now": now,
    }  # fmt: skip
    return turn if conn.execute(SQL.lease_receiver, wanted).fetchone() else None


def _outgoing(conn: Connection, row: dict[str, Any]) -> Outgoing | None:
    """The message of a row, ``None`` if nobody of it is in the ledger any more."""
    wanted = {"run_id": row["run_id"], "seqs": row["seqs"]}
    addresses = {one["seq"]: one["address"] for one in conn.execute(SQL.addresses, wanted)}
    told = [
        (addresses[seq], at, code)
        for seq, at, code in zip(row["seqs"], row["ats"], row["codes"], strict=True)
        if seq in addresses
    ]
    if not told:
        return None
    first = min(at for _, at, _ in told)
    shared = (row["id"], row["attempts"], row["failures"], row["url"])
    if row["endpoint_id"] is None:
        body = forms.encode(row["sending_type"], row["kind"], first, [one[0] for one in told])
        return Outgoing(*shared, body, forms.CONTENT_TYPE, None)
    body = webhooks.encode(
        row["kind"],
        first,
        campaign=row["campaign_id"],
        run=row["run_id"],
        occurrence=row["occurrence"],
        channel=row["sending_type"],
        deliveries=told,
    )
    keys = tuple(key for key in (row["secret"], row["previous_secret"]) if key is not None)
    message_id = webhooks.message_id(row["message_id"])
    return Outgoing(*shared, body, webhooks.CONTENT_TYPE, message_id, keys)
