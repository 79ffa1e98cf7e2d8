"""A thousand slow campaigns at once: how late their messages are, and what a tick costs.

Half of them are paced by a window, half by a rate of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from benchmarks import figures
from benchmarks.figures import Figure, Report
from benchmarks.pacing import stage
from benchmarks.pacing.chart import Axis, Panel, document
from benchmarks.pacing.measuring import Line, lags, percentile
from benchmarks.pacing.result import Result
from benchmarks.place import Place
from benchmarks.timed_beat import clearing_times, cpu_times, durations

CAMPAIGNS = 1_000
#: Seconds between two messages of a campaign.
INTERVAL = 5
#: Messages of each campaign.
MESSAGES = 24

MOST_LAG = 1.5
MOST_TICK_MS = 100.0

#: From the first submission to the first start: it takes so long to submit them all.
_AHEAD_SECONDS = 40


@dataclass(frozen=True, slots=True)
class Sample:
    """Lags in seconds, and ticks in milliseconds while all campaigns were sending."""

    by_window: list[float]
    by_rate: list[float]
    ticks: list[float]
    tick_cpu: list[float]
    clearing: list[float]
    missing: int
    others: Figure

    @property
    def lags(self) -> list[float]:
        """Those of all campaigns."""
        return self.by_window + self.by_rate


def measure(place: Place, *, quick: bool) -> Result:
    """Lag of every message behind its campaign's own line, and all ticks meanwhile."""
    sample = _run(place, MESSAGES // 6 if quick else MESSAGES)
    return Result(
        Report(
            "pacing-many",
            f"{CAMPAIGNS:,} campaigns of one message every {INTERVAL} s each",
            [
                figures.at_most(
                    "lag, 99th percentile", percentile(sample.lags, 99), "s", MOST_LAG,
                    f"of {len(sample.lags):,} messages",
                ),
                Figure("the same, paced by windows", percentile(sample.by_window, 99), "s"),
                Figure("the same, paced by rates", percentile(sample.by_rate, 99), "s"),
                Figure("lag, median", percentile(sample.lags, 50), "s"),
                Figure("lag, least", min(sample.lags), "s", detail="below 0: too early"),
                Figure("lag, most", max(sample.lags), "s"),
                figures.at_most("not sent at the finish", sample.missing, "messages", 0),
                figures.at_most(
                    "tick, 99th percentile", percentile(sample.ticks, 99), "ms", MOST_TICK_MS,
                    f"of {len(sample.ticks)}, messages published, all campaigns sending",
                ),
                Figure("tick, median", percentile(sample.ticks, 50), "ms"),
                Figure("tick, longest", max(sample.ticks), "ms"),
                Figure(
                    "CPU of beat per tick, 99th percentile", percentile(sample.tick_cpu, 99), "ms"
                ),
                Figure("CPU of beat per tick, median", percentile(sample.tick_cpu, 50), "ms"),
                Figure(
                    "clearing up between two ticks, 99th percentile",
                    percentile(sample.clearing, 99), "ms",
                    detail=f"median {percentile(sample.clearing, 50):.0f} ms",
                ),
                sample.others,
            ],
        ),
        _picture(sample),
    )  # fmt: skip


def _run(place: Place, messages: int) -> Sample:
    seconds = INTERVAL * messages
    with stage.opened(place) as running:
        everybody = running.group("everybody", messages)
        start = stage.soon(_AHEAD_SECONDS)
        # One after the other, so that each second has its share of messages.
        starts = [start + number // 2 % INTERVAL for number in range(CAMPAIGNS)]
        due = {
            running.sluice.submit([everybody], **_pacing(number, begin, seconds)): (
                number,
                _due(number, begin, messages),
            )
            for number, begin in enumerate(starts)
        }
        stage.sleep_until(start + INTERVAL)
        warmed_up = len(durations(running.sluice.beat_log()))
        stage.sleep_until(start + seconds)
        log = running.sluice.beat_log()
        others = running.others()
        stage.sleep_until(start + seconds + 2 * INTERVAL)
        rows = running.conn.execute("SELECT id, campaign_id FROM runs").fetchall()
        by_run = running.judge.by_run()
    by_window: list[float] = []
    by_rate: list[float] = []
    for row in rows:
        number, ideal = due[row["campaign_id"]]
        found = lags(by_run.get(row["id"], ()), ideal)
        (by_rate if _has_rate(number) else by_window).extend(found)
    missing = CAMPAIGNS * messages - len(by_window) - len(by_rate)
    ticks, cpu = durations(log)[warmed_up:], cpu_times(log)[warmed_up:]
    clearing = clearing_times(log)[warmed_up:]
    return Sample(by_window, by_rate, ticks, cpu, clearing, missing, others)


def _has_rate(number: int) -> bool:
    return number % 2 == 1


def _pacing(number: int, begin: int, seconds: int) -> dict[str, Any]:
    """What tells a campaign its pace."""
    body: dict[str, Any] = {"schedule_type": "once", "scheduled_send_date": begin}
    if _has_rate(number):
        return {**body, "rate": f"{60 // INTERVAL}/min"}
    return {**body, "throttled": True, "scheduled_finish_date": begin + seconds}


def _due(number: int, begin: int, messages: int) -> list[float]:
    """When each message of a campaign is ideally there.

    By its window, when the straight line reaches it; by its rate, when it is allowed: the first
    one at once.
    """
    seconds = INTERVAL * messages
    line = Line(messages, ((begin, begin + seconds),)).due()
    return [moment - INTERVAL for moment in line] if _has_rate(number) else line


def _picture(sample: Sample) -> str:
    lag = _histogram(
        "How late a thousand slow campaigns are", "seconds too late", sample.lags, 0.05,
        MOST_LAG, f"99 % within {MOST_LAG:g} s",
    )  # fmt: skip
    tick = _histogram(
        "What a tick costs meanwhile", "milliseconds", sample.ticks, 5.0,
        MOST_TICK_MS, f"99 % within {MOST_TICK_MS:g} ms",
    )  # fmt: skip
    return document(
        f"{CAMPAIGNS} campaigns of one message every {INTERVAL} s each",
        f"Lags: median {percentile(sample.lags, 50):.2f} s, "
        f"99th percentile {percentile(sample.lags, 99):.2f} s. Ticks: "
        f"median {percentile(sample.ticks, 50):.0f} ms, "
        f"99th percentile {percentile(sample.ticks, 99):.0f} ms.",
        [lag, tick],
    )


def _histogram(
    title: str, across: str, values: list[float], width: float, limit: float, label: str
) -> Panel:
    first = int(min(*values, 0.0) // width)
    last = int(max(*values, limit) // width) + 3
    edges = [n * width for n in range(first, last)]
    counts = [sum(a <= value < b for value in values) for a, b in pairwise(edges)]
    most = max(counts)
    panel = Panel(title, Axis(edges[0], edges[-1], across), Axis(0, most * 1.1, "how many"))
    panel.bars(edges, counts, "measured")
    panel.mark(limit, label)
    return panel
