"""Delivery reports on their way back to whoever sent the messages.

They never hold up a reply: they wait in a bounded queue, and one task posts them in batches.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx

from cli.carrier.core import Report

#: Reports in one request.
_BATCH = 500
#: Reports that wait at most; with the receiver down for longer, new ones are dropped.
_QUEUE = 200_000
#: How long reports that are due are gathered before a request.
_GATHER_SECONDS = 0.05
#: Waits before the second attempt and those that follow; then the batch is dropped.
_BACKOFF_SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0)
_TIMEOUT_SECONDS = 5.0
_SECOND_US = 1_000_000

_HEADERS = {"content-type": "application/json"}


def payload(reports: Sequence[Report]) -> dict[str, object]:
    """The JSON of one request."""
    return {
        "reports": [
            {
                "reference": report.reference,
                "id": report.id,
                "state": "delivered" if report.delivered else "undelivered",
                "at": datetime.fromtimestamp(report.at_us / _SECOND_US, UTC).isoformat(
                    timespec="microseconds"
                ),
                "code": None if report.delivered else "absent_subscriber",
            }
            for report in reports
        ]
    }


class Reporter:
    """Posts reports to ``url``, in the order of the messages, when they are due."""

    def __init__(self, url: str, *, queue: int = _QUEUE) -> None:
        self._url = url
        self._queue: deque[Report] = deque()
        self._limit = queue
        self._arrived = asyncio.Event()
        self._sent = 0
        self._dropped = 0

    def add(self, report: Report) -> None:
        """Take one report; it is dropped if too many wait."""
        if len(self._queue) >= self._limit:
            self._dropped += 1
            return
        self._queue.append(report)
        self._arrived.set()

    def clear(self) -> None:
        """Forget the reports that wait, and the counts."""
        self._queue.clear()
        self._sent = self._dropped = 0

    def statistics(self) -> dict[str, int]:
        """How many were taken by the receiver, wait, or were dropped."""
        return {"sent": self._sent, "waiting": len(self._queue), "dropped": self._dropped}

    async def run(self) -> None:
        """Post reports until cancelled."""
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._queue:
                    await self._wait_until_due()
                    if batch := self._due():
                        await self._post(client, batch)

    async def _wait_until_due(self) -> None:
        wait = self._queue[0].at_us / _SECOND_US - time.time()
        await asyncio.sleep(max(wait, _GATHER_SECONDS if len(self._queue) < _BATCH else 0.0))

    def _due(self) -> list[Report]:
        now_us = time.time_ns() // 1000
        batch: list[Report] = []
        while self._queue and len(batch) < _BATCH and self._queue[0].at_us <= now_us:
            batch.append(self._queue.popleft())
        return batch

    async def _post(self, client: httpx.AsyncClient, batch: Sequence[Report]) -> None:
        content = json.dumps(payload(batch)).encode("ascii")
        for wait in (*_BACKOFF_SECONDS, None):
            try:
                response = await client.post(self._url, content=content, headers=_HEADERS)
            except httpx.HTTPError:
                pass
            else:
                if response.is_success:
                    self._sent += len(batch)
                    return
            if wait is not None:
                await asyncio.sleep(wait)
        self._dropped += len(batch)
