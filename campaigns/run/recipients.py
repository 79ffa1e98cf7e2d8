"""What became of every recipient of a run, streamed page by page in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from campaigns import queries
from campaigns.database import Connection

SQL = queries.load("campaigns.run", "recipients.sql")

#: Rows that are held in memory at once.
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """One recipient in one run. The address is left out of its ``repr``."""

    seq: int
    address: str = field(repr=False)
    #: What became of the request to the provider (:data:`campaigns.states.DELIVERY`).
    status: str
    #: What the provider said afterwards: delivered, undelivered, or nothing yet.
    report: str | None
    attempts: int
    #: The account that it was last handed to.
    provider: str | None
    #: One, or one for each part of the message.
    provider_message_ids: Sequence[str] | None
    #: What kind of failure it was, of which the code tells the rest.
    error_class: str | None
    error_code: str | None
    claimed_at: datetime | None
    settled_at: datetime | None
    reported_at: datetime | None
    opened_at: datetime | None
    clicked_at: datetime | None
    #: The final report came after the expiry.
    late: bool

    @property
    def outcome(self) -> str:
        """The one word for it: the provider's report where there is one, else the status."""
        return self.report or self.status


def stream(conn: Connection, run_id: int, *, page: int = PAGE) -> Iterator[DeliveryRow]:
    """Every recipient, in the order of the audience.

    Each recipient comes once. While the run is sending, rows speak of the moment at which their
    page was read.
    """
    return _pages(conn, SQL.recipients_page, run_id, page)


def unknown(conn: Connection, run_id: int, *, page: int = PAGE) -> Iterator[DeliveryRow]:
    """The recipients of whom nobody knows whether the message arrived."""
    return _pages(conn, SQL.unknown_page, run_id, page)


def _pages(conn: Connection, query: str, run_id: int, page: int) -> Iterator[DeliveryRow]:
    after = -1
    while True:
        rows = conn.execute(query, {"run_id": run_id, "after": after, "amount": page}).fetchall()
        for row in rows:
            yield DeliveryRow(**row)
        if len(rows) < page:
            return
        after = rows[-1]["seq"]
