"""An account's rate, with several send workers and two beats on it."""

from __future__ import annotations

from statistics import median

from benchmarks import figures
from benchmarks.figures import Figure, Report
from benchmarks.pacing import stage
from benchmarks.pacing.chart import Axis, Panel, document
from benchmarks.pacing.measuring import mean_rate, sliding_counts
from benchmarks.pacing.result import Result
from benchmarks.place import Place

RATE = 200
SENDS, BEATS = 3, 2
SECONDS = 30.0

#: What any second may hold: the rate, and 1 % for the jitter of the loopback interface.
MOST = 202
#: The mean rate as a share of the account's.
SHARE = 0.98

#: The steady part begins so long after the first arrival, when every worker has work.
WARM_UP_SECONDS = 2.0


def measure(place: Place, *, quick: bool) -> Result:
    """The busiest second of all runs, wherever it begins, and the mean of the steady part."""
    seconds = SECONDS / 3 if quick else SECONDS
    samples = [_run(place, seconds) for _ in range(1 if quick else 3)]
    runs = [moments for moments, _ in samples]
    peaks = [max(sliding_counts(moments, 1.0)) for moments in runs]
    means = [mean_rate(moments, moments[0] + WARM_UP_SECONDS, seconds) for moments in runs]
    shares = [100 * mean / RATE for mean in means]
    return Result(
        Report(
            "pacing-ceiling",
            f"An account of {RATE}/s, {SENDS} send workers, {BEATS} beats, {seconds:g} s",
            [
                figures.at_most(
                    "most in any sliding second", max(peaks), "messages", MOST,
                    f"of all runs; {figures.runs(peaks)}",
                ),
                figures.at_least(
                    "mean, of the rate", median(shares), "%", 100 * SHARE,
                    f"median; {figures.runs(means)} messages/s",
                ),
                *(others for _, others in samples),
            ],
        ),
        _picture(runs[0]),
    )  # fmt: skip


def _run(place: Place, seconds: float) -> tuple[list[float], Figure]:
    with stage.opened(place, rate=f"{RATE}/s", sends=SENDS, beats=BEATS) as running:
        everybody = running.group("everybody", int(RATE * (seconds + 30)))
        campaign = running.sluice.submit([everybody])
        running.judge.wait_for(1, seconds=60)
        # A second more than is judged, so that the campaign's end is no part of it.
        stage.sleep_until(running.judge.moments()[0] + WARM_UP_SECONDS + seconds + 1)
        others = running.others()
        running.sluice.end(campaign)
        return running.judge.moments(), others


def _picture(moments: list[float]) -> str:
    begin = moments[0]
    panel = Panel(
        "An account's rate is a ceiling and is used",
        Axis(0, moments[-1] - begin, "seconds since the first arrival"),
        Axis(0, MOST * 1.15, "arrivals in the second before"),
    )
    panel.level(MOST, f"at most {MOST}")
    counts = sliding_counts(moments, 1.0)
    panel.line(
        [(moment - begin, count) for moment, count in zip(moments, counts, strict=True)],
        "measured", "in any sliding second",
    )  # fmt: skip
    return document(
        f"Arrivals in every sliding second on an account of {RATE} per second",
        f"{SENDS} send workers and {BEATS} beats. The count rises to just below {RATE} within a "
        f"second and stays there; the highest is {max(counts)}.",
        [panel],
    )
