"""A run of a million recipients from submission on: memory of every process, and the ticks."""

from __future__ import annotations

import time
from statistics import quantiles

from benchmarks import carrier, contacts, figures, sluice
from benchmarks.carrier import Carrier
from benchmarks.figures import Figure, Report
from benchmarks.importing import PROMISED_MB
from benchmarks.place import Place
from benchmarks.sluice import Sluice
from benchmarks.timed_beat import durations
from benchmarks.usage import peak_mb
from campaigns import database
from campaigns.team import teams

RECIPIENTS = 1_000_000

#: How long the run is watched sending before its campaign is stopped.
SENDING_SECONDS = 60.0

SENDS = 2


def measure(place: Place, *, scale: int = 1) -> Report:
    """Submit, let it be resolved, watch it send, stop it, and look what everybody needed."""
    folder = place.folder()
    recipients = RECIPIENTS // scale
    with (
        place.database() as url,
        database.opened(url) as conn,
        carrier.running(folder) as sink,
    ):
        team = teams.find(conn, "default")
        group = contacts.group(conn, team, "everybody", range(recipients))
        env = sluice.environment(url, place.broker(), folder, sink.url)
        with sluice.running(conn, team, folder, env, sends=SENDS) as running:
            return Report(
                "run",
                f"A run of {recipients:,} recipients, {SENDS} send workers",
                _watch(running, sink, group, SENDING_SECONDS / scale),
            )


def _watch(running: Sluice, sink: Carrier, group: object, seconds: float) -> list[Figure]:
    submitted = time.monotonic()
    campaign = running.submit([group])  # type: ignore[list-item]
    running.wait_for(campaign, "sending", "finished", seconds=300)
    resolved = time.monotonic() - submitted
    sink.wait_for(1, seconds=60)
    first = time.monotonic() - submitted
    rate = sink.rate(seconds=seconds)
    running.end(campaign)
    stopped = time.monotonic()
    run = running.wait_for(campaign, "finished", seconds=300)
    closed = time.monotonic() - stopped
    settled = f"{run['accepted']:,} accepted, {run['cancelled']:,} cancelled"
    ticks = durations(running.beat_log())
    cuts = quantiles(ticks, n=100, method="inclusive")
    return [
        Figure("submission until resolved", resolved, "s"),
        Figure("submission until the first arrival", first, "s"),
        Figure("sending", rate, "messages/s", detail=f"over {seconds:g} s"),
        Figure("stopped until every row is settled", closed, "s", detail=settled),
        Figure("tick, median", cuts[49], "ms", detail=f"{len(ticks)} ticks, messages published"),
        Figure("tick, 99th percentile", cuts[98], "ms"),
        *_memory(running),
    ]


def _memory(running: Sluice) -> list[Figure]:
    return [
        figures.at_most(f"peak memory, {name}", peak_mb(child.pid), "MB", PROMISED_MB)
        for name, child in running.children.items()
    ]
