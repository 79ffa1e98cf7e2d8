"""What is seen of a running demo from outside: the carrier's log as it grows, the run's status."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import httpx

from cli.carrier.log import RECEIVED, Arrival, parse

_TIMEOUT = 5.0


class CarrierWatch:
    """Follows the carrier's log, which :meth:`look` makes it write out."""

    def __init__(self, url: str, log: Path) -> None:
        self._client = httpx.Client(
            base_url=url.removesuffix("/messages"), timeout=_TIMEOUT, trust_env=False
        )
        self._log = log
        self._offset = 0
        self.arrivals: list[Arrival] = []
        #: Messages that reached their recipient, by whole Unix second.
        self.by_second: Counter[int] = Counter()
        self.received = 0
        self.doubled = 0

    def look(self) -> None:
        """Read what has come since the last look.

        Raises:
            httpx.HTTPError: the carrier does not answer.
        """
        statistics = self._client.get("/stats").raise_for_status().json()
        self.doubled = statistics["doubled_addresses"]
        for arrival in self._new():
            self.arrivals.append(arrival)
            if arrival.outcome in RECEIVED:
                self.received += 1
                self.by_second[int(arrival.t)] += 1

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _new(self) -> list[Arrival]:
        with self._log.open("rb") as file:
            file.seek(self._offset)
            data = file.read()
        # The last line may be half written.
        whole = data[: data.rfind(b"\n") + 1]
        self._offset += len(whole)
        return parse(whole.splitlines(keepends=True))
