"""python -m benchmarks pacing [scenario ...] [--quick] [--save]"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from benchmarks import figures, machine, place
from benchmarks.figures import Figure
from benchmarks.pacing import ceiling, many, page, refusal, sharing, silence, window
from benchmarks.pacing.result import Result
from benchmarks.place import Place


class Scenario(Protocol):
    """One promise. ``quick``: once and shorter, for a first impression."""

    def __call__(self, place: Place, *, quick: bool) -> Result: ...


SCENARIOS: Mapping[str, Scenario] = {
    "ceiling": ceiling.measure,
    "window": window.measure,
    "sharing": sharing.measure,
    "many": many.measure,
    "silence": silence.measure,
    "refusal": refusal.measure,
}


def main(arguments: Sequence[str]) -> int:
    """Measure the chosen scenarios; 1 if a promise was missed."""
    chosen = _parse(arguments)
    facts = machine.facts()
    print(_summary(facts))
    results: list[Result] = []
    with place.opened() as here:
        for name in chosen.names or SCENARIOS:
            result = SCENARIOS[name](here, quick=chosen.quick)
            figures.show(result.report)
            results.append(result)
            if chosen.save:
                page.save(result, facts)
    missed = [
        (result.report, figure)
        for result in results
        for figure in result.report.figures
        if not figure.kept
    ]
    print(_summary(facts))
    print(f"{_promises(results)} promises, {len(missed)} missed")
    for report, figure in missed:
        print(f"  {report.name}: {_sentence(figure)}")
    return 1 if missed else 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks pacing",
        description="Measure how exactly Sluice keeps its pace, by the sandbox carrier's log.",
    )
    parser.add_argument("names", nargs="*", metavar="scenario", help=f"of {', '.join(SCENARIOS)}")
    parser.add_argument("--quick", action="store_true", help="each once, and shorter")
    parser.add_argument(
        "--save", action="store_true", help="write the figures, the pictures and docs/pacing.md"
    )
    chosen = parser.parse_args(arguments)
    if unknown := set(chosen.names) - set(SCENARIOS):
        parser.error(f"no scenario is called {min(unknown)!r}; there are {', '.join(SCENARIOS)}")
    if chosen.quick and chosen.save:
        parser.error("--save is for figures of full size; leave out --quick")
    return chosen


def _promises(results: Sequence[Result]) -> int:
    return sum(bool(figure.promise) for result in results for figure in result.report.figures)


def _summary(facts: Mapping[str, Any]) -> str:
    return (
        f"{facts['date']}: {facts['cores']} cores ({facts['processor']}), "
        f"{facts['memory_gb']} GB, {facts['system']}, Python {facts['python']}; "
        f"busy with other things before the start: {facts['busy_with_others']} %"
    )


def _sentence(figure: Figure) -> str:
    return f"{figure.what}: {figures.shown(figure.value)} {figure.unit}, promised {figure.promise}"
