"""The send path against one Celery task per message, on the same servers and the same sink.

The promise is about tasks with the same guarantee: nobody gets a message twice because a task was
delivered twice. Tasks without it are measured as well.

Both sides record every outcome in PostgreSQL with a commit that waits for the disk. The runs take
turns; each is measured in its steady state, with its queue full from the first to the last moment.
The other side's queue is filled before its workers start, so publishing costs it nothing here.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from celery import Celery

from benchmarks import baseline, carrier, contacts, figures, sluice
from benchmarks.carrier import Carrier
from benchmarks.figures import Figure, Report
from benchmarks.place import Place
from benchmarks.processes import Child, EndedError
from benchmarks.usage import OTHERS, CpuMeter
from campaigns import database
from campaigns.team import teams

#: A multiple of one task per message that Sluice holds on any machine.
PROMISED_RATIO = 15

#: What Sluice is compared with.
_OTHER = "task per message"
_PLAIN = "without a claim"

ROUNDS = 3
PROCESSES = 2

#: How many processes it takes to fill the cores when each waits for its disk and its provider.
MANY_PROCESSES = 8

_WARM_UP_SECONDS = 2.0

#: Work that is prepared for each side, per second, so that its queue never runs empty.
_SLUICE_SUPPLY = 20_000
_BASELINE_SUPPLY = 1_500

_SLUICE_ACCEPTED = """
    SELECT (SELECT coalesce(sum(accepted), 0) FROM runs)
         + (SELECT coalesce(sum(accepted), 0) FROM run_tallies) AS n
"""
_BASELINE_ACCEPTED = "SELECT count(*) AS n FROM messages WHERE status = 'accepted'"


@dataclass(frozen=True, slots=True)
class Sample:
    """One side's steady state: its rate, and the cores that each part kept busy."""

    rate: float
    cores: Mapping[str, float]
    #: Tasks per second of filling the queue, where that came before.
    publishing: float = 0.0

    @property
    def milliseconds(self) -> float:
        """CPU time of all parts per 1,000 messages; other work on the machine hardly shows."""
        used = sum(cores for part, cores in self.cores.items() if part != OTHERS)
        return used / self.rate * 1e6


def measure(place: Place, *, scale: int = 1) -> Report:
    """Messages per second of both sides, medians of alternating runs, and their ratio."""
    seconds = 10.0 if scale == 1 else 4.0
    ours: list[Sample] = []
    theirs: list[Sample] = []
    plain: list[Sample] = []
    for _ in range(ROUNDS):
        ours.append(_sluice(place, seconds))
        theirs.append(_baseline(place, seconds, baseline.CLAIMING, PROCESSES))
        plain.append(_baseline(place, seconds, baseline.PLAIN, PROCESSES))
    many = _baseline(place, seconds, baseline.CLAIMING, MANY_PROCESSES)
    ratios = _ratios(ours, theirs)
    return Report(
        "send",
        f"Send path, {PROCESSES} processes each, {seconds:g} s of steady state",
        [
            figures.median_of("Sluice", _rates(ours), "messages/s"),
            figures.median_of(_OTHER, _rates(theirs), "messages/s"),
            figures.at_least(
                "ratio", median(ratios), "times", PROMISED_RATIO, figures.runs(ratios)
            ),
            figures.median_of(f"{_OTHER}, {_PLAIN}", _rates(plain), "messages/s"),
            figures.median_of(f"ratio to tasks {_PLAIN}", _ratios(ours, plain), "times"),
            Figure(f"{_OTHER}, {MANY_PROCESSES} processes", many.rate, "messages/s", detail="once"),
            figures.median_of("Sluice, CPU per 1,000", [s.milliseconds for s in ours], "ms"),
            figures.median_of(f"{_OTHER}, CPU per 1,000", [s.milliseconds for s in theirs], "ms"),
            *_cores("Sluice", ours),
            *_cores(_OTHER, theirs),
            figures.median_of(
                "tasks published, not counted", [s.publishing for s in theirs], "tasks/s"
            ),
        ],
    )


def _rates(samples: Sequence[Sample]) -> list[float]:
    return [sample.rate for sample in samples]


def _ratios(ours: Sequence[Sample], theirs: Sequence[Sample]) -> list[float]:
    return [a.rate / b.rate for a, b in zip(ours, theirs, strict=True)]


def _cores(side: str, samples: Sequence[Sample]) -> list[Figure]:
    return [
        figures.median_of(f"{side}: {part}", [sample.cores[part] for sample in samples], "cores")
        for part in samples[0].cores
    ]


def _sluice(place: Place, seconds: float) -> Sample:
    folder = place.folder()
    recipients = int((seconds + _WARM_UP_SECONDS + 3) * _SLUICE_SUPPLY)
    with (
        place.database() as url,
        database.opened(url) as conn,
        carrier.running(folder) as sink,
    ):
        team = teams.find(conn, "default")
        group = contacts.group(conn, team, "everybody", range(recipients))
        env = sluice.environment(url, place.broker(), folder, sink.url)
        with sluice.running(conn, team, folder, env, sends=PROCESSES) as running:
            campaign = running.submit([group])
            sample = _steady(place, sink, running.processes(), seconds)
            run = running.run(campaign)
            full = run is not None and run["accepted"] < recipients
            running.end(campaign)
        _check(conn, sink, _SLUICE_ACCEPTED, full=full)
        return sample


def _baseline(place: Place, seconds: float, task: str, processes: int) -> Sample:
    folder = place.folder()
    messages = int((seconds + _WARM_UP_SECONDS) * _BASELINE_SUPPLY)
    with (
        place.database() as url,
        database.opened(url) as conn,
        carrier.running(folder) as sink,
    ):
        conn.execute(baseline.SCHEMA)
        with conn.cursor() as cursor, cursor.copy(baseline.COPY) as copy:
            for index in range(messages):
                text = f"Hello Ada{index}, we have news for Acme."
                copy.write_row((index, contacts.number(index), text))
        broker = place.broker()
        publishing = _publish(broker, task, messages)
        env = sluice.environment(url, broker, folder, sink.url)
        worker = _worker(folder, env, processes)
        try:
            parts = {"workers": [psutil.Process(worker.pid)]}
            sample = _steady(place, sink, parts, seconds)
            full = sink.received()[0] < messages
        finally:
            worker.stop()
        _check(conn, sink, _BASELINE_ACCEPTED, full=full)
        return Sample(sample.rate, sample.cores, publishing)


def _steady(
    place: Place, sink: Carrier, parts: Mapping[str, Sequence[psutil.Process]], seconds: float
) -> Sample:
    """Measure from a moment after the first message on."""
    sink.wait_for(1, seconds=60)
    time.sleep(_WARM_UP_SECONDS)
    shared = {
        "PostgreSQL": [place.postgres()],
        "Redis": [place.redis()],
        "sink": [sink.process],
    }
    meter = CpuMeter({**parts, **shared})
    rate = sink.rate(seconds=seconds)
    return Sample(rate, meter.cores(seconds))


def _publish(broker: str, task: str, messages: int) -> float:
    """Fill the queue; tasks per second."""
    app = Celery(broker=broker, set_as_current=False)
    begin = time.monotonic()
    with app.producer_pool.acquire() as producer:
        for index in range(messages):
            app.send_task(task, args=(index,), queue=baseline.QUEUE, producer=producer)
    return messages / (time.monotonic() - begin)


def _worker(folder: Path, env: dict[str, str], processes: int) -> Child:
    return Child(
        folder / "baseline.log", env, "celery", "--app", "benchmarks.baseline", "worker",
        "--concurrency", str(processes), "--without-gossip", "--without-mingle",
    )  # fmt: skip


def _check(conn: database.Connection, sink: Carrier, query: str, *, full: bool) -> None:
    """A rate counts only if work was left at the end and the ledger agrees with the sink.

    Raises:
        EndedError: it does not count.
    """
    if not full:
        raise EndedError("the queue ran empty before the measurement was over")
    recorded = (conn.execute(query).fetchone() or {})["n"]
    received = sink.received()[0]
    if recorded != received:
        raise EndedError(f"{recorded} messages are recorded, the sink received {received}")
