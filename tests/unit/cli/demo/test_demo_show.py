"""The picture is a pure function of a moment, and fits a terminal of 80 by 24."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console, RenderableType

from campaigns.schedule.flow import Pace, flow
from cli.demo import closing, show, timeline
from cli.demo.folder import Folder
from cli.demo.show import Scene
from cli.demo.verdict import Hold, Judgement

PLAN = timeline.plan(datetime(2026, 11, 21, 11, 59, 55, tzinfo=UTC), 60)
TOTAL = 19_200


def at(seconds: float) -> datetime:
    return PLAN.start + timedelta(seconds=seconds)


def scene(seconds: float, **changes: object) -> Scene:
    begin = int(PLAN.start.timestamp())
    arrivals: Mapping[int, int] = {begin + n: 400 for n in range(int(seconds))}
    plain = Scene(
        now=at(seconds),
        timeline=PLAN,
        total=TOTAL,
        planned=8000,
        ahead=flow([TOTAL - sum(arrivals.values())], [PLAN.turn], Pace(True), at(seconds)),
        counts={"accepted": 8000, "rejected": 0, "failed": 0, "unknown": 0, "waiting": 11_200},
        arrivals=arrivals,
        arrived=8000,
        doubled=0,
        why="sending",
        holds=(),
        notes=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def lines(content: RenderableType, width: int = 80) -> list[str]:
    console = Console(width=width, file=StringIO(), record=True)
    console.print(content)
    return console.export_text().splitlines()


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("seconds", [-4, 0, 11.9, 15, 29, 47, 60, 70])
def test_every_moment_fits(width, seconds):
    hold = Hold(at(27), at(27.1))
    remark = "A rather long remark on what has happened just now. " * 3
    full = scene(seconds, holds=(hold,), notes=((at(0), remark),) * 9)
    shown = lines(show.render(full, width), width)
    assert len(shown) <= 22
    assert all(len(row) <= width for row in shown)


def test_the_chart_is_empty_in_pauses_and_lies_above_its_axis():
    shown = lines(show.render(scene(30), 80))
    axis = next(n for n, row in enumerate(shown) if "▲" in row)
    first = int((PLAN.pauses[0].start - PLAN.start).total_seconds())
    last = int((PLAN.pauses[1].start - PLAN.start).total_seconds())
    ahead = shown[axis - 1][2:]
    assert ahead[last : last + 7].strip() == ""
    assert ahead[last - 1] == "█"
    assert shown[axis + 1][2 + first :].startswith("pause")
    assert shown[axis][2:].index("▲") == 30


def test_a_pause_by_hand_is_marked_and_what_the_run_says_is_shown():
    held = scene(29, holds=(Hold(at(27), at(27.1)),), why="paused by hand, until it is resumed")
    text = "\n".join(lines(show.render(held, 80)))
    assert "held" in text
    assert "paused by hand, until it is resumed" in text


def test_outcomes_that_did_not_occur_are_left_out_except_the_bad_ones():
    text = "\n".join(lines(show.render(scene(20), 80)))
    assert "8,000 accepted · 0 failed · 0 unknown · 11,200 waiting" in text
    assert "rejected" not in text


def test_the_rate_is_that_of_the_last_whole_seconds():
    assert show.rate(scene(20.5)) == 400
    assert show.rate(scene(0.5)) == 0


def test_a_line_says_it_all_where_there_is_no_terminal():
    assert show.line(scene(20, why="in a pause")) == (
        "12:00:20  8,000 of 19,200 arrived, 8,000 planned by now, 400/s; in a pause"
    )


CLEAN = Judgement(
    expected=100,
    received=100,
    doubled=0,
    missing=0,
    unexpected=0,
    misread=0,
    in_pauses=0,
    while_held=0,
    outside_window=0,
    silent_after=0.084,
    spare=0.5,
    evenness=(1.0, 0.98),
)
FOLDER = Folder(Path("/home/somebody/.local/share/sluice/demo/20261121-120000"))


def test_a_clean_verdict_says_so_and_fits():
    shown = lines(closing.render(CLEAN, FOLDER))
    text = "\n".join(shown)
    assert len(shown) <= 23
    assert "…" not in text
    assert "Clean" in text
    assert "✗" not in text
    assert "84 ms" in text
    assert "±2.0%" in text
    assert closing.as_json(CLEAN, FOLDER)["clean"] is True


@pytest.mark.parametrize(
    "name",
    ["doubled", "missing", "unexpected", "misread", "in_pauses", "while_held", "outside_window"],
)
def test_a_verdict_that_is_not_clean_marks_the_line_and_says_so(name):
    spoilt = replace(CLEAN, **{name: 3})
    shown = lines(closing.render(spoilt, FOLDER))
    marked = [row for row in shown if row.startswith("  ✗")]
    assert len(marked) == 1
    assert " 3 " in marked[0]
    assert any("Not clean" in row for row in shown)
    assert closing.as_json(spoilt, FOLDER)["clean"] is False
