"""The sink as benchmarks use it: started, asked how much came, stopped."""

from __future__ import annotations

import json
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import psutil

from benchmarks.processes import Child, EndedError

_POLL_SECONDS = 0.1


class Carrier:
    """A running sink."""

    def __init__(self, port: int, process: psutil.Process) -> None:
        self.url = f"http://127.0.0.1:{port}/messages"
        self.process = process
        self._connection = HTTPConnection("127.0.0.1", port, timeout=30)

    def received(self) -> tuple[int, float]:
        """How many messages came since it was started, and the monotonic time it says so at."""
        state = json.loads(self._get("/received"))
        return int(state["received"]), float(state["at"])

    def times(self) -> array[float]:
        """The arrivals, in order, in seconds of the monotonic clock."""
        return array("d", self._get("/times"))

    def wait_for(self, count: int, *, seconds: float) -> None:
        """Wait until so many messages came.

        Raises:
            EndedError: they did not within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while (received := self.received()[0]) < count:
            if time.monotonic() > deadline:
                raise EndedError(f"the sink has {received} messages, {count} were expected")
            time.sleep(_POLL_SECONDS)

    def rate(self, *, seconds: float) -> float:
        """Messages per second during the next ``seconds``."""
        before, since = self.received()
        time.sleep(seconds)
        after, until = self.received()
        return (after - before) / (until - since)

    def _get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        return self._connection.getresponse().read()


@contextmanager
def running(folder: Path) -> Iterator[Carrier]:
    """A fresh sink in a process of its own."""
    child = Child(folder / "sink.log", {}, "benchmarks.sink")
    try:
        port = int(child.wait_for(r"listening on (\d+)")[1])
        yield Carrier(port, psutil.Process(child.pid))
    finally:
        child.stop()
