"""The charts are well-formed, and no peak gets lost in them."""

from __future__ import annotations

from xml.etree import ElementTree

from benchmarks.pacing.chart import Axis, Panel, document, thinned


def test_thinning_keeps_the_extremes_and_the_order():
    points = [(float(n), 1.0) for n in range(1000)]
    points[333] = (333.0, 9.0)
    points[777] = (777.0, -9.0)
    kept = thinned(points, 100)
    assert len(kept) <= 100
    assert {(333.0, 9.0), (777.0, -9.0)} <= set(kept)
    assert kept == sorted(kept)


def test_ticks_are_round_numbers_inside_of_the_axis():
    assert Axis(0, 60, "").ticks() == [0, 10, 20, 30, 40, 50, 60]
    assert Axis(-1.1, 1.1, "").ticks() == [-1, -0.5, 0, 0.5, 1]


def test_a_document_is_well_formed_and_escapes_its_words():
    panel = Panel("a < b", Axis(0, 2, "seconds"), Axis(0, 10, "messages"))
    panel.band(0.5, 1)
    panel.level(8, "at most 8 & no more")
    panel.line([(0, 0), (1, 5), (2, 10)], "measured", "arrived")
    panel.bars([0, 1, 2], [3, 4], "other")
    root = ElementTree.fromstring(document("title <1>", "description", [panel]))
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a < b", "at most 8 & no more", "arrived", "seconds", "messages"} <= set(words)
