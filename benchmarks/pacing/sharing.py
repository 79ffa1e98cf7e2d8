"""A small run beside a large one on the same account."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks import figures
from benchmarks.figures import Figure, Report
from benchmarks.pacing import stage
from benchmarks.pacing.chart import Axis, Panel, document
from benchmarks.pacing.measuring import mean_rate
from benchmarks.pacing.result import Result
from benchmarks.place import Place
from benchmarks.processes import EndedError

RATE = 100
LARGE, SMALL = 100_000, 1_000

#: Half of the rate sends the small one in 20 s; the rest is for finding its place.
MOST_SECONDS = 22.0

#: How long the large run has the account to itself.
ALONE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Arrivals of both, in seconds since the small one's start."""

    large: list[float]
    small: list[float]
    others: Figure


def measure(place: Place, *, quick: bool) -> Result:
    """From the small run's start to its last arrival, while the large one is sending."""
    size = SMALL // 5 if quick else SMALL
    # What goes beyond half the rate is overhead, and does not shrink with the size.
    limit = size / (RATE / 2) + MOST_SECONDS - SMALL / (RATE / 2)
    samples = [_run(place, size) for _ in range(1 if quick else 3)]
    seconds = [sample.small[-1] for sample in samples]
    rates = [mean_rate(sample.large, 0, sample.small[-1]) for sample in samples]
    firsts = [sample.small[0] for sample in samples]
    return Result(
        Report(
            "pacing-sharing",
            f"A run of {size:,} beside one of {LARGE:,} on an account of {RATE}/s",
            [
                figures.at_most(
                    "small run, start to last arrival", median(seconds), "s", limit,
                    f"median; {figures.runs(seconds)}",
                ),
                figures.median_of("small run, start to first arrival", firsts, "s"),
                figures.median_of("large run meanwhile", rates, "messages/s"),
                *(sample.others for sample in samples),
            ],
        ),
        _picture(samples[0], size),
    )  # fmt: skip


def _run(place: Place, size: int) -> Sample:
    with stage.opened(place, rate=f"{RATE}/s") as running:
        many = running.group("many", LARGE)
        few = running.group("few", size)
        large = running.sluice.submit([many])
        running.sluice.wait_for(large, "sending", seconds=120)
        running.judge.wait_for(int(RATE * ALONE_SECONDS), seconds=60)
        start = stage.soon(7)
        small = running.sluice.submit([few], schedule_type="once", scheduled_send_date=start)
        found = running.sluice.wait_for(small, "finished", seconds=120)
        others = running.others()
        by_run = running.judge.by_run()
        running.sluice.end(large)
    moments = by_run.pop(found["id"], [])
    if len(moments) != size:
        raise EndedError(f"{len(moments)} of {size} messages arrived")
    (rest,) = by_run.values()
    return Sample([t - start for t in rest], [t - start for t in moments], others)


def _picture(sample: Sample, size: int) -> str:
    begin, end = -int(ALONE_SECONDS), int(sample.small[-1]) + 3
    seconds = range(begin, end)
    panel = Panel(
        "A small run beside a large one",
        Axis(begin, end, "seconds since the small run's start"),
        Axis(0, RATE * 1.1, "arrivals per second"),
    )
    for moments, kind, label in (
        (sample.large, "other", f"{LARGE:,} messages"),
        (sample.small, "measured", f"{size:,} messages"),
    ):
        points = [(second + 0.5, mean_rate(moments, second, 1)) for second in seconds]
        panel.line(points, kind, label)  # type: ignore[arg-type]
    panel.level(RATE / 2, "half of the rate", "ideal")
    return document(
        f"Two runs on an account of {RATE} per second",
        "The large run has the whole rate until the small one starts; then each has half, until "
        f"the small one is done after {sample.small[-1]:.1f} s.",
        [panel],
    )
