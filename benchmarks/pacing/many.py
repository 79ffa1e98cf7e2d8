"""A thousand slow campaigns at once: how late their messages are, and what a tick costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from benchmarks import figures
from benchmarks.figures import Figure, Report
from benchmarks.pacing import stage
from benchmarks.pacing.chart import Axis, Panel, document
from benchmarks.pacing.measuring import Line, percentile
from benchmarks.pacing.result import Result
from benchmarks.place import Place
from benchmarks.timed_beat import durations

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

    lags: list[float]
    ticks: list[float]
    missing: int
    others: Figure


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
                    f"behind the line, of {len(sample.lags):,} messages",
                ),
                Figure("lag, median", percentile(sample.lags, 50), "s"),
                Figure("lag, least", min(sample.lags), "s", detail="below 0: before the line"),
                Figure("lag, most", max(sample.lags), "s"),
                figures.at_most("not sent at the finish", sample.missing, "messages", 0),
                figures.at_most(
                    "tick, 99th percentile", percentile(sample.ticks, 99), "ms", MOST_TICK_MS,
                    f"of {len(sample.ticks)}, messages published, all campaigns sending",
                ),
                Figure("tick, median", percentile(sample.ticks, 50), "ms"),
                Figure("tick, longest", max(sample.ticks), "ms"),
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
        starts = {
            running.sluice.submit(
                [everybody],
                schedule_type="once",
                throttled=True,
                # One after the other, so that each second has its share of messages.
                scheduled_send_date=start + number % INTERVAL,
                scheduled_finish_date=start + number % INTERVAL + seconds,
            ): start + number % INTERVAL
            for number in range(CAMPAIGNS)
        }
        stage.sleep_until(start + INTERVAL)
        warmed_up = len(durations(running.sluice.beat_log()))
        stage.sleep_until(start + seconds)
        ticks = durations(running.sluice.beat_log())[warmed_up:]
        others = running.others()
        stage.sleep_until(start + seconds + 2 * INTERVAL)
        rows = running.conn.execute("SELECT id, campaign_id FROM runs").fetchall()
        by_run = running.judge.by_run()
    lags = []
    for row in rows:
        begin = starts[row["campaign_id"]]
        line = Line(messages, ((begin, begin + seconds),))
        lags += line.lags(by_run.get(row["id"], ()))
    return Sample(lags, ticks, CAMPAIGNS * messages - len(lags), others)


def _picture(sample: Sample) -> str:
    lag = _histogram(
        "How late a thousand slow campaigns are", "seconds behind the line", sample.lags, 0.05,
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
    last = int(max(*values, limit) // width) + 2
    edges = [n * width for n in range(first, last)]
    counts = [sum(a <= value < b for value in values) for a, b in pairwise(edges)]
    most = max(counts)
    panel = Panel(title, Axis(edges[0], edges[-1], across), Axis(0, most * 1.1, "how many"))
    panel.bars(edges, counts, "measured")
    panel.mark(limit, label)
    return panel
