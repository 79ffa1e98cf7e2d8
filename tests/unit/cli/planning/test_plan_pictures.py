"""The chart in a terminal and the picture for a report: readable at any width, and well-formed."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from rich.console import Console

from campaigns.audience.audience import ZoneShare
from campaigns.errors import Unavailable
from cli.planning.chart import NARROWEST, chart
from cli.planning.picture import picture, write
from cli.planning.plan import Plan
from cli.planning.terminal import parts
from cli.planning.warnings import warnings
from tests.support.plans import plan

SVG = "{http://www.w3.org/2000/svg}"
WINDOW: dict[str, Any] = {
    "throttled": True,
    "scheduled_send_date": "2026-11-25 09:00:00",
    "scheduled_finish_date": "2026-11-25 09:01:00",
    "expiry_date": "2026-11-25 10:00:00",
    "pauses": [{"start_at": "2026-11-25 09:00:20", "end_at": "2026-11-25 09:00:40"}],
}
DAYS = {
    **WINDOW,
    "scheduled_finish_date": "2026-11-28 18:00:00",
    "expiry_date": "2026-12-24 18:00:00",
    "timezone": "Europe/Berlin",
    "sending_hours": [{"from": "09:00", "to": "17:00"}],
}
SERIES = {
    "schedule_type": "scheduled",
    "schedule_rrule": "FREQ=DAILY;COUNT=30",
    "scheduled_send_date": "2026-11-25 09:00:00",
}
ZONES = [ZoneShare("Europe/London", 500, 10), ZoneShare("Pacific/Chatham", 100, 0)]

PLANS = {
    "window": plan(WINDOW),
    "days": plan(DAYS),
    "zones": plan({**DAYS, "recipient_local": True}, zones=ZONES),
    "series": plan(SERIES),
    "nobody": plan(WINDOW, 0),
    "one": plan(WINDOW, 1),
    "millions": plan(DAYS, 12_345_678),
    "no ceiling": plan({}, rate=None),
    "left": plan({**WINDOW, "leftover": "expire"}, 100_000),
    "warm-up": plan({**SERIES, "warm_up": {"first_day": 10, "factor": 2.0}}),
}
every_plan = pytest.mark.parametrize("made", PLANS.values(), ids=PLANS.keys())


def lines(made: Plan, width: int, *, ascii_only: bool = False) -> list[str]:
    return [line.plain for line in chart(made, width, ascii_only=ascii_only)]


def test_the_curve_rises_to_everybody_and_a_pause_is_a_gap() -> None:
    drawn = lines(PLANS["window"], 67)
    assert drawn[0].startswith("600 ┤")
    assert drawn[0].endswith("█")
    bottom, axis = drawn[-3], drawn[-2]
    # Sixty columns for sixty seconds, of which the second third is a pause.
    assert bottom[5:].rstrip()[21:40].strip() == ""
    assert bottom[5 + 41] == "█"
    assert axis.count("·") == pytest.approx(20, abs=2)
    assert "09:00:15" in drawn[-1]


@every_plan
@pytest.mark.parametrize("width", [1, 10, 20, 37, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(made: Plan, width: int) -> None:
    for line in lines(made, width):
        assert len(line) <= width


def test_where_no_chart_fits_there_is_none() -> None:
    assert lines(PLANS["window"], NARROWEST) == []
    assert lines(PLANS["nobody"], 80) == []
    # Everything at once is no curve.
    assert lines(PLANS["no ceiling"], 80) == []


@every_plan
def test_without_unicode_it_is_drawn_in_ascii(made: Plan) -> None:
    assert all(line.isascii() for line in lines(made, 60, ascii_only=True))


@every_plan
@pytest.mark.parametrize("width", [20, 33, 80])
def test_everything_can_be_printed_anywhere(made: Plan, width: int) -> None:
    file = io.TextIOWrapper(io.BytesIO(), "ascii")
    console = Console(file=file, width=width)
    assert console.options.ascii_only
    for part in parts(made, warnings(made), width=width, ascii_only=True):
        console.print(part)


@every_plan
def test_a_picture_is_well_formed_and_needs_nothing_else(made: Plan) -> None:
    text = picture(made)
    root = ElementTree.fromstring(text)
    assert root.tag == f"{SVG}svg"
    assert "href" not in text
    assert "url(" not in text
    for points in (e.get("points", "") for e in root.iter(f"{SVG}polyline")):
        for point in points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 960
            assert 0 <= y <= 480


def test_a_picture_shades_pauses_and_closed_hours_and_names_its_zone() -> None:
    root = ElementTree.fromstring(picture(PLANS["days"]))
    kinds = [each.get("class") for each in root.iter(f"{SVG}rect")]
    # Three nights, and one pause of twenty seconds; one of each is the legend's.
    assert kinds.count("closed") >= 4
    assert kinds.count("pause") == 2
    words = [each.text or "" for each in root.iter(f"{SVG}text")]
    assert any("time in Europe/Berlin" in each for each in words)
    assert "finish" in words
    assert "Spring" in words


@pytest.mark.parametrize("name", ["<b>&amp;</b>", "]]>", "a\u0000b\u001bc", "…" * 500, '"', "שלום"])
def test_any_name_may_stand_in_a_picture(name: str) -> None:
    made = PLANS["window"]
    ElementTree.fromstring(picture(with_name(made, name)))


def with_name(made: Plan, name: str) -> Plan:
    return replace(made, campaign=replace(made.campaign, name=name))


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path) -> None:
    with pytest.raises(Unavailable, match=r"none/plan\.svg: cannot be written \(No such file"):
        write(tmp_path / "none" / "plan.svg", "")
