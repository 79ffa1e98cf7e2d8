"""From the press of pause to the last message."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from uuid import UUID

from benchmarks import figures
from benchmarks.figures import Report
from benchmarks.pacing import stage
from benchmarks.pacing.chart import Axis, Panel, document
from benchmarks.pacing.measuring import percentile
from benchmarks.pacing.result import Result
from benchmarks.pacing.stage import Stage
from benchmarks.place import Place
from campaigns.campaign import control

RATE = 1_000
PRESSES = 50
MOST_MS = 250.0

#: How long each pause is held, and so the longest silence that could be seen. Seconds.
HOLD_SECONDS = 1.0

#: Messages per press: what flows before it, and as much again for its ups and downs.
_SUPPLY = 4 * RATE

#: What has to flow again before the next press, which then comes at another part of the tick's
#: second: multiples of the golden ratio leave no part out.
_FLOW = RATE // 2
_GOLDEN = 0.6180339887


def measure(place: Place, *, quick: bool) -> Result:
    """The moment ``pause`` returned against the last arrival, on the same machine's clock."""
    presses = PRESSES // 5 if quick else PRESSES
    with stage.opened(place, rate=f"{RATE}/s") as running:
        everybody = running.group("everybody", _SUPPLY * (presses + 2))
        campaign = running.sluice.submit([everybody])
        running.judge.wait_for(_FLOW, seconds=60)
        marks = [_press(running, campaign, number) for number in range(presses)]
        others = running.others()
        moments = running.judge.moments()
        running.sluice.end(campaign)
    silences = [_silence(moments, returned, resumed) for _, returned, resumed in marks]
    press_ms = [1000 * (returned - pressed) for pressed, returned, _ in marks]
    before = [_silence(moments, pressed, resumed) for pressed, _, resumed in marks]
    return Result(
        Report(
            "pacing-silence",
            f"Pause to silence at {RATE:,}/s, {presses} presses, 2 send workers",
            [
                figures.at_most(
                    "99th percentile", percentile(silences, 99), "ms", MOST_MS,
                    "from the return of pause to the last arrival",
                ),
                figures.Figure("median", percentile(silences, 50), "ms"),
                figures.Figure(
                    "99th percentile since the press", percentile(before, 99), "ms",
                    detail="with the time that pause itself takes",
                ),
                figures.Figure("pause itself, median", percentile(press_ms, 50), "ms"),
                others,
            ],
        ),
        _picture(silences),
    )  # fmt: skip


def _press(running: Stage, campaign: UUID, number: int) -> tuple[float, float, float]:
    """One pause and resume: when it was pressed, when it returned, and when it was resumed."""
    conn, team = running.conn, running.sluice.team.id
    time.sleep(number * _GOLDEN % 1)
    pressed = time.time()
    control.pause(conn, team, campaign, now=datetime.now(UTC))
    returned = time.time()
    time.sleep(HOLD_SECONDS)
    count = running.judge.count()
    resumed = time.time()
    control.resume(conn, team, campaign, now=datetime.now(UTC))
    running.judge.wait_for(count + _FLOW, seconds=60)
    return pressed, returned, resumed


def _silence(moments: list[float], since: float, until: float) -> float:
    """Milliseconds from ``since`` to the last arrival before ``until``; 0 if there was none."""
    late = [moment for moment in moments if since < moment < until]
    return 1000 * (late[-1] - since) if late else 0.0


def _picture(silences: list[float]) -> str:
    panel = Panel(
        "From the press of pause to silence",
        Axis(0, len(silences) + 1, "presses, sorted"),
        Axis(0, max(MOST_MS, *silences) * 1.1, "milliseconds"),
    )
    panel.level(MOST_MS, f"at most {MOST_MS:g} ms")
    panel.dots(enumerate(sorted(silences), 1), "measured", "last arrival after pause returned")
    return document(
        f"Pause to silence at {RATE} messages per second",
        f"{len(silences)} presses; the longest silence took {max(silences):.0f} ms.",
        [panel],
    )
