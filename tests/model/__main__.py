"""Search a world of any size, as ``python -m tests.model --rows 3 --workers 2 --crashes 2``,
or with ``--worlds`` those of the tests."""

from __future__ import annotations

import argparse
import sys
import time

from tests.model.search import search
from tests.model.setting import ANSWERS, Setting
from tests.model.state import Budget
from tests.model.worlds import WORLDS


def main() -> int:
    """Exit code 1: a rule is broken, and the shortest way there is printed."""
    options = _parser().parse_args()
    if options.worlds:
        return max(_searched(name, setting) for name, setting in WORLDS.items())
    return _searched("this world", _setting(options))


def _searched(name: str, setting: Setting) -> int:
    begun = time.process_time()
    found = search(setting)
    print(
        f"{name}: {found.states:,} states, {found.transitions:,} steps between them, the farthest "
        f"{found.depth} steps away, {found.ends:,} ends; {time.process_time() - begun:.1f} s"
    )
    if found.counterexample is not None:
        print(found.counterexample)
        return 1
    print("  no rule is broken, and from every state an end is reached")
    return 0


def _setting(options: argparse.Namespace) -> Setting:
    return Setting(
        rows=options.rows,
        workers=options.workers,
        beats=options.beats,
        budget=Budget(**{name: getattr(options, name) for name in Budget._fields}),
        answers=ANSWERS[: options.answers_of],
        cuts=(1, 99) if options.small_cuts else (99,),
        chunks=(options.chunk,),
        idempotent=options.idempotent,
        journal=options.journal,
        atomic_ticks=not options.split_ticks,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.model", description=__doc__)
    parser.add_argument("--worlds", action="store_true", help="those that the tests search")
    parser.add_argument("--rows", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--beats", type=int, default=1)
    parser.add_argument("--chunk", type=int, default=1, help="rows that a claim asks for")
    parser.add_argument(
        "--answers-of", type=int, default=2, metavar="N", help=f"the first N of {ANSWERS}"
    )
    for name in Budget._fields:
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=0)
    parser.add_argument("--small-cuts", action="store_true", help="a tick may cut a single row")
    parser.add_argument("--split-ticks", action="store_true", help="others work during a tick")
    parser.add_argument("--idempotent", action="store_true", help="doubts are sent again")
    parser.add_argument("--journal", action="store_true", help="departures are noted, and adopted")
    return parser


if __name__ == "__main__":
    sys.exit(main())
