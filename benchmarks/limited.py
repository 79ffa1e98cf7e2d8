"""An account with a ceiling: the pace that the provider saw, by its own clock."""

from __future__ import annotations

import time

from benchmarks import carrier, contacts, sluice
from benchmarks.figures import Figure, Report
from benchmarks.pacing.measuring import sliding_counts
from benchmarks.place import Place
from campaigns import database
from campaigns.team import teams

RATE = 1_000

_WARM_UP_SECONDS = 3.0


def measure(place: Place, *, scale: int = 1) -> Report:
    """Mean and highest count within any second, with two send workers on one account."""
    seconds = 20.0 if scale == 1 else 5.0
    folder = place.folder()
    with (
        place.database() as url,
        database.opened(url) as conn,
        carrier.running(folder) as sink,
    ):
        team = teams.find(conn, "default")
        group = contacts.group(conn, team, "everybody", range(int(RATE * (seconds + 30))))
        env = sluice.environment(url, place.broker(), folder, sink.url, rate=f"{RATE}/s")
        with sluice.running(conn, team, folder, env, sends=2) as running:
            campaign = running.submit([group])
            sink.wait_for(1, seconds=60)
            time.sleep(_WARM_UP_SECONDS)
            begin = sink.received()[1]
            time.sleep(seconds)
            times = sink.times()
            running.end(campaign)
    inside = [moment for moment in times if begin <= moment < begin + seconds]
    return Report(
        "limited",
        f"One account limited to {RATE:,}/s, two send workers, {seconds:g} s",
        [
            Figure("mean", len(inside) / seconds, "messages/s"),
            Figure("most within any second", max(sliding_counts(times, 1.0)), "messages"),
        ],
    )
