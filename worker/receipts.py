"""Reports that come over the connections that messages go by, on their way into the ledger.

Whoever brings one waits until it is committed, and only then tells the provider that it was taken:
a report that this process loses, because it ends or because the database is away, comes again. What
arrives while a transaction is under way goes into the next one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from campaigns.clock import Clock
from campaigns.database import Connection
from campaigns.run import reports as ledger
from campaigns.run.reports import DeliveryReport
from worker.adapters.base import Report


class Recorder:
    """Writes the reports of all accounts of a process; used within one event loop."""

    def __init__(
        self, connect: Callable[[], AbstractContextManager[Connection]], clock: Clock
    ) -> None:
        self._connect = connect
        self._clock = clock
        self._waiting: list[tuple[list[DeliveryReport], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def __call__(self, account: str, found: Sequence[Report]) -> None:
        """Return when ``found`` is in the ledger.

        Raises:
            Exception: it is not.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(([self._given(account, one) for one in found], done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await done

    def _given(self, account: str, one: Report) -> DeliveryReport:
        return DeliveryReport(
            one.kind,
            one.at or self._clock.now(),
            provider=account,
            message_id=one.message_id,
            part=one.part,
            code=one.code,
            event_id=one.event_id,
            gone=one.gone,
        )

    async def _write(self) -> None:
        try:
            while self._waiting:
                taken, self._waiting = self._waiting, []
                found = [report for reports, _ in taken for report in reports]
                try:
                    await asyncio.to_thread(self._record, found)
                except Exception as error:
                    for _, done in taken:
                        if not done.done():
                            done.set_exception(error)
                else:
                    for _, done in taken:
                        if not done.done():
                            done.set_result(None)
        finally:
            self._writing = None

    def _record(self, found: Sequence[DeliveryReport]) -> None:
        with self._connect() as conn:
            ledger.record(conn, found)
