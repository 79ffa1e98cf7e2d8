"""A throttled campaign: how far its arrivals are from the straight line through its window."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from benchmarks import figures
from benchmarks.figures import Figure, Report
from benchmarks.pacing import stage
from benchmarks.pacing.chart import Axis, Panel, document
from benchmarks.pacing.measuring import Line, percentile, rms
from benchmarks.pacing.result import Result
from benchmarks.place import Place

SECONDS = 60
#: As parts of the window.
PAUSES = ((0.2, 0.3), (0.6, 0.75))
#: Messages per second of window.
DENSITY = 50

#: Of the total, in percent.
MOST_RMS = 1.0
#: Seconds from the last message to the finish.
MOST_SPARE = 1.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One window and what arrived, in seconds since its start."""

    line: Line
    pauses: tuple[tuple[float, float], ...]
    finish: float
    moments: list[float]
    others: Figure

    @property
    def rms_percent(self) -> float:
        """Root mean square distance from the line, in percent of the total."""
        return 100 * rms(self.line.deviations(self.moments)) / self.line.total

    @property
    def spare(self) -> float:
        """Seconds from the last message to the finish."""
        return self.finish - self.moments[-1]

    @property
    def outside(self) -> int:
        """Messages inside a pause, before the start or after the finish."""
        return sum(
            not any(begin <= moment < end for begin, end in self.line.active)
            for moment in self.moments
        )


def measure(place: Place, *, quick: bool) -> Result:
    """Windows with pauses, one after the other."""
    # Not shorter when it is quick: what is late by a moment is a larger part of a short window.
    samples = [_run(place, SECONDS) for _ in range(1 if quick else 3)]
    spares = [sample.spare for sample in samples]
    distances = [sample.rms_percent for sample in samples]
    outside = [sample.outside for sample in samples]
    total = samples[0].line.total
    missing = [total - len(sample.moments) for sample in samples]
    return Result(
        Report(
            "pacing-window",
            f"{total:,} messages evenly over {SECONDS} s with {len(PAUSES)} pauses",
            [
                figures.at_most(
                    "RMS deviation from the line, of the total", median(distances), "%",
                    MOST_RMS, f"median; {figures.runs(distances)}",
                ),
                figures.at_most(
                    "last message before the finish", max(spares), "s", MOST_SPARE,
                    f"of all runs; {figures.runs(spares)}",
                ),
                figures.at_most(
                    "in a pause or outside of the window", max(outside), "messages", 0,
                    f"of all runs; {figures.runs(outside)}",
                ),
                figures.at_most("not sent at the finish", max(missing), "messages", 0),
                *(sample.others for sample in samples),
            ],
        ),
        _picture(samples[0]),
    )  # fmt: skip


def _run(place: Place, seconds: int) -> Sample:
    total = DENSITY * seconds
    pauses = tuple((round(begin * seconds), round(end * seconds)) for begin, end in PAUSES)
    with stage.opened(place) as running:
        everybody = running.group("everybody", total)
        start = stage.soon(7)
        campaign = running.sluice.submit(
            [everybody],
            schedule_type="once",
            throttled=True,
            scheduled_send_date=start,
            scheduled_finish_date=start + seconds,
            pauses=[{"start_at": start + begin, "end_at": start + end} for begin, end in pauses],
        )
        stage.sleep_until(start + seconds)
        others = running.others()
        running.sluice.wait_for(campaign, "finished", seconds=60)
        moments = [moment - start for moment in running.judge.moments()]
    edges = [0.0, *(edge for pause in pauses for edge in pause), float(seconds)]
    active = tuple(zip(edges[::2], edges[1::2], strict=True))
    return Sample(Line(total, active), pauses, seconds, moments, others)


def _picture(sample: Sample) -> str:
    line, moments = sample.line, sample.moments
    across = Axis(0, sample.finish, "seconds since the start")
    course = Panel("A window with pauses", across, Axis(0, line.total, "messages"))
    deviations = [100 * distance / line.total for distance in line.deviations(moments)]
    furthest = max(MOST_RMS, *map(abs, deviations)) * 1.1
    distance = Panel(
        "Distance from the line", across, Axis(-furthest, furthest, "% of the total"), height=120
    )
    for begin, end in sample.pauses:
        course.band(begin, end)
        distance.band(begin, end)
    corners = [edge for stretch in line.active for edge in stretch]
    course.line([(moment, n) for n, moment in enumerate(moments, 1)], "measured", "arrived")
    course.line([(corner, line.at(corner)) for corner in corners], "ideal", "straight line")
    distance.line(zip(moments, deviations, strict=True), "measured", "ahead (+), behind (−)")
    distance.level(0, "straight line", "ideal")
    worst = percentile([abs(value) for value in deviations], 100)
    return document(
        f"{line.total} messages over a window of {sample.finish:g} s with pauses",
        "The arrivals follow a straight line over the active time and rest in the pauses. "
        f"The furthest distance is {worst:.2f} % of the total.",
        [course, distance],
    )
