"""``python -m tests.chaos --trials 200 --seed 0``: play trials, print each and the table.

Several lanes play at once: a trial mostly waits, for leases to end and for processes to come back.
What a failed trial left (logs of processes and carrier) is kept below ``.chaos``.
"""

from __future__ import annotations

import argparse
import sys
import time
from functools import partial
from pathlib import Path

from tests.chaos import table
from tests.chaos.ending import end_by_signal
from tests.chaos.games import Games
from tests.chaos.plan import draw
from tests.chaos.plan_faults import TRIED
from tests.support.environment import REPOSITORY

#: Where the remains of failed trials are kept.
REMAINS = REPOSITORY / ".chaos"

#: From so many trials on every failpoint must have killed often enough.
_MANY = 200


def main() -> int:
    """The command; 0 if nothing is wrong and every failpoint has killed often enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--trials", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial (default: 0)")
    parser.add_argument("--only", type=int, help="one trial again, by its own seed")
    parser.add_argument("--lanes", type=int, default=4, help="trials at once (default: 4)")
    parser.add_argument("--remains", type=Path, default=REMAINS, help="default: .chaos")
    options = parser.parse_args()
    end_by_signal()
    once = options.only is not None
    seeds = [options.only] if once else list(range(options.seed, options.seed + options.trials))
    began = time.monotonic()
    games = Games(list(map(draw, seeds)), options.remains, partial(print, flush=True))
    games.play(min(options.lanes, len(seeds)))
    if not once:
        print(table.report(games.results, time.monotonic() - began))
    return _exit_code(games, len(seeds))


def _exit_code(games: Games, trials: int) -> int:
    failed = sorted(
        [result.trial.seed for result in games.results if not result.verdict.clean]
        + [seed for seed, _ in games.broken]
    )
    for seed in failed:
        print(f"failed: python -m tests.chaos --only {seed}")
    kills = table.killed(games.results)
    rare = [point for point in TRIED if kills[point] < table.KILLS_EACH and trials >= _MANY]
    if rare:
        print(f"killed fewer than {table.KILLS_EACH} times at: {', '.join(rare)}")
    return 1 if failed or rare or len(games.results) < trials else 0


if __name__ == "__main__":
    sys.exit(main())
