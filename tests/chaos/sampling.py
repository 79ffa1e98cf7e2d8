"""Memory, threads, files and connections over time, and whether they are flat."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import psutil
from redis import Redis

from campaigns.database import Connection
from tests.chaos.installation import Installation
from tests.chaos.soak_faults import SPARED

MB = 1_000_000

#: What each measure may grow by, beside 15 %: noise of small numbers.
ALLOWANCE: Mapping[str, float] = {
    "memory, MB": 5,
    "threads": 2,
    "open files": 5,
    "sockets": 5,
    "connections": 5,
}
GROWTH = 1.15

#: Measures that come and go with the load, up to the size of a pool: what counts of a quarter is
#: its highest value. Of the others it is the median.
POOLED = frozenset({"open files", "sockets"})

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One measure of one kind of process over a soak."""

    kind: str
    measure: str
    first: float
    last: float
    highest: float

    @property
    def flat(self) -> bool:
        """The last quarter's value is no higher than the first one's, but for noise."""
        return self.last <= self.first * GROWTH + ALLOWANCE[self.measure]


@dataclass
class Samples:
    """Values by kind of process and measure, with the seconds since the beginning."""

    values: dict[Key, list[tuple[float, float]]] = field(default_factory=lambda: defaultdict(list))
    #: The largest that the database became, in bytes.
    database_bytes: int = 0

    def take(self, at: float, kind: str, measures: Mapping[str, float]) -> None:
        """Note what was measured at ``at``."""
        for measure, value in measures.items():
            self.values[kind, measure].append((at, value))

    def lines(self, seconds: float) -> list[Line]:
        """All measures of a soak that took ``seconds``."""
        return [
            line(kind, measure, values, seconds)
            for (kind, measure), values in sorted(self.values.items())
        ]


def line(kind: str, measure: str, values: Sequence[tuple[float, float]], seconds: float) -> Line:
    """What counts of the first and the last quarter of ``seconds``, and the highest value."""
    of_quarter = max if measure in POOLED else median
    first = [value for at, value in values if at < seconds / 4]
    last = [value for at, value in values if at >= seconds * 3 / 4]
    everything = [value for _, value in values]
    return Line(
        kind,
        measure,
        of_quarter(first or everything[:1]),
        of_quarter(last or everything[-1:]),
        max(everything),
    )


def take_processes(samples: Samples, here: Installation, at: float) -> None:
    """Measure all processes. Those that are killed and restarted are a kind of their own."""
    for name, member in list(here.members.items()):
        role, _, number = name.partition(".")
        kind = role if number == SPARED else f"{role}, restarted"
        try:
            samples.take(at, kind, _measures(psutil.Process(member.pid)))
        except psutil.NoSuchProcess:
            # It is just being killed or restarted.
            continue


def _measures(process: psutil.Process) -> dict[str, float]:
    with process.oneshot():
        if process.status() == psutil.STATUS_ZOMBIE:
            raise psutil.NoSuchProcess(process.pid)
        return {
            "memory, MB": process.memory_info().rss / MB,
            "threads": process.num_threads(),
            "open files": process.num_fds(),
            "sockets": len(process.net_connections(kind="inet")),
        }


def take_servers(samples: Samples, here: Installation, conn: Connection, at: float) -> None:
    """Count the connections to PostgreSQL and to Redis."""
    row = conn.execute(
        "SELECT count(*) AS connections, pg_database_size(current_database()) AS size "
        "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    ).fetchone()
    assert row is not None
    samples.take(at, "PostgreSQL", {"connections": row["connections"]})
    samples.database_bytes = max(samples.database_bytes, row["size"])
    for kind, url in (("Redis", "SLUICE_REDIS_URL"), ("broker", "SLUICE_BROKER_URL")):
        with Redis.from_url(here.env[url], socket_timeout=1.0, protocol=2) as client:
            # This one is not theirs.
            count = client.info("clients")["connected_clients"] - 1
        samples.take(at, kind, {"connections": count})


def growing(lines: Iterable[Line]) -> list[Line]:
    """Those that are not flat. What was restarted begins again and again and is not judged by
    quarters, but by the one that was spared: see :func:`heavier`."""
    return [one for one in lines if "restarted" not in one.kind and not one.flat]


def heavier(lines: Sequence[Line]) -> list[Line]:
    """Restarted processes that once had more than the spared one of their kind ever had."""
    highest = {(one.kind, one.measure): one.highest for one in lines}
    return [
        one
        for one in lines
        if one.kind.endswith(", restarted")
        and one.highest
        > highest[one.kind.removesuffix(", restarted"), one.measure] * GROWTH
        + ALLOWANCE[one.measure]
    ]
