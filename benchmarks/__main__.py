"""python -m benchmarks [import | audience | run | send | limited | web ...] [--quick] [--save]

python -m benchmarks pacing [scenario ...] [--quick] [--save]
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Mapping
from typing import Protocol

from benchmarks import audience, figures, importing, limited, machine, place, run, send, web
from benchmarks.figures import Report
from benchmarks.pacing import command as pacing
from benchmarks.place import Place


class Benchmark(Protocol):
    """One kind of measurement; ``scale`` is what all sizes are divided by."""

    def __call__(self, place: Place, *, scale: int) -> Report: ...


BENCHMARKS: Mapping[str, Benchmark] = {
    "import": importing.measure,
    "audience": audience.measure,
    "run": run.measure,
    "send": send.measure,
    "limited": limited.measure,
    "web": web.measure,
}


def main() -> int:
    """Run the chosen benchmarks; 1 if a promise was not kept."""
    # As Ctrl-C does: what was started is stopped on the way out.
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    if sys.argv[1:2] == ["pacing"]:
        return pacing.main(sys.argv[2:])
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description="Measure Sluice's speed and memory."
    )
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="a tenth of all sizes")
    parser.add_argument(
        "--save", action="store_true", help=f"write {figures.RESULTS.name}/<name>.json"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is called {min(unknown)!r}; there are {', '.join(BENCHMARKS)}")
    facts = machine.facts()
    print(", ".join(f"{name} {value}" for name, value in facts.items() if name != "packages"))
    kept = True
    with place.opened() as here:
        for name in chosen.names or BENCHMARKS:
            report = BENCHMARKS[name](here, scale=10 if chosen.quick else 1)
            figures.show(report)
            kept = kept and report.kept
            if chosen.save:
                figures.save(report, facts, figures.RESULTS)
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
