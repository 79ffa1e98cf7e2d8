"""Everything that runs while a scenario is measured, with the sandbox carrier as its judge."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from uuid import UUID

import psutil

from benchmarks import contacts, sluice
from benchmarks.figures import Figure
from benchmarks.place import Place
from benchmarks.processes import Child, EndedError
from benchmarks.sluice import Sluice
from benchmarks.usage import OTHERS, CpuMeter
from campaigns import database
from campaigns.team import teams
from cli.carrier import log
from cli.carrier.log import Arrival

_POLL_SECONDS = 0.05


class Judge:
    """A running sandbox carrier."""

    def __init__(self, url: str, process: psutil.Process, log_file: Path) -> None:
        self.url = url
        self.process = process
        self._log_file = log_file
        self._address = url.removeprefix("http://").partition("/")[0]

    def count(self) -> int:
        """How many messages it has taken."""
        connection = HTTPConnection(self._address, timeout=30)
        connection.request("GET", "/stats")
        count = json.loads(connection.getresponse().read())["accepted"]
        connection.close()
        return int(count)

    def wait_for(self, count: int, *, seconds: float) -> None:
        """Wait until it has taken so many messages.

        Raises:
            EndedError: it had not after ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while (taken := self.count()) < count:
            if time.monotonic() > deadline:
                raise EndedError(f"the carrier has {taken} messages, {count} were expected")
            time.sleep(_POLL_SECONDS)

    def arrivals(self) -> list[Arrival]:
        """The messages that reached their recipient, in order."""
        return log.received(log.read(self._log_file))

    def moments(self) -> list[float]:
        """When they arrived, in Unix seconds."""
        return [arrival.t for arrival in self.arrivals()]

    def by_run(self) -> dict[int, list[float]]:
        """The same, run by run."""
        runs: dict[int, list[float]] = {}
        for arrival in self.arrivals():
            # A reference is the id of the run and a number in it.
            run_id = int((arrival.reference or "").partition("-")[0])
            runs.setdefault(run_id, []).append(arrival.t)
        return runs


@dataclass(slots=True)
class Stage:
    """A running installation whose only account leads to the judge."""

    conn: database.Connection
    sluice: Sluice
    judge: Judge
    _meter: CpuMeter
    _since: float

    def group(self, name: str, size: int) -> UUID:
        """A group of so many people."""
        return contacts.group(self.conn, self.sluice.team, name, range(size))

    def others(self) -> Figure:
        """What the rest of the machine did since everything ran."""
        cores = self._meter.cores(time.monotonic() - self._since)[OTHERS]
        return Figure("everything else on the machine", max(cores, 0.0), "cores")


@contextmanager
def opened(
    place: Place, *, rate: str | None = None, sends: int = 2, beats: int = 1
) -> Iterator[Stage]:
    """All processes, started for one run of a scenario and stopped after it."""
    folder = place.folder()
    with (
        place.database() as url,
        database.opened(url) as conn,
        _carrier(folder) as judge,
    ):
        team = teams.find(conn, "default")
        env = sluice.environment(url, place.broker(), folder, judge.url, rate=rate)
        with sluice.running(conn, team, folder, env, sends=sends, beats=beats) as running:
            parts = {
                **running.processes(),
                "servers": [place.postgres(), place.redis()],
                "carrier and benchmark": [judge.process, psutil.Process()],
            }
            yield Stage(conn, running, judge, CpuMeter(parts), time.monotonic())


def soon(seconds: int) -> int:
    """A whole Unix second at least so many ``seconds`` ahead: campaigns start at whole ones."""
    return int(time.time()) + 1 + seconds


def sleep_until(moment: float) -> None:
    """Wait for a Unix time."""
    time.sleep(max(moment - time.time(), 0.0))


@contextmanager
def _carrier(folder: Path) -> Iterator[Judge]:
    log_file = folder / "carrier.log"
    child = Child(
        folder / "carrier.out", {}, "cli.carrier", "--bind", "127.0.0.1:0", "--log", str(log_file)
    )
    try:
        url = child.wait_for(r"carrier listening on (\S+)")[1]
        yield Judge(url, psutil.Process(child.pid), log_file)
    finally:
        child.stop()
