"""``python -m tests.chaos --trials 200 --seed 0``: play trials, print each and the table.

Several lanes play at once: a trial mostly waits, for leases to end and for processes to come back.
What a failed trial left (logs of processes and carrier) is kept below ``.chaos``.
"""

from __future__ import annotations

import argparse
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from campaigns.failpoints import POINTS
from tests.chaos import plan, table, trial
from tests.chaos.judge import VIOLATIONS
from tests.chaos.lane import open_lane
from tests.chaos.trial import Result
from tests.support.processes import REPOSITORY

#: Where the remains of failed trials are kept.
REMAINS = REPOSITORY / ".chaos"

#: From so many trials on every failpoint must have killed often enough.
_MANY = 200

#: Violations of one kind that are told of a trial.
_TOLD = 5


class Games:
    """Trials, played by lanes."""

    def __init__(self, seeds: Sequence[int], remains: Path) -> None:
        self._seeds: queue.SimpleQueue[int] = queue.SimpleQueue()
        for seed in seeds:
            self._seeds.put(seed)
        self._remains = remains
        self._lock = threading.Lock()
        self.results: list[Result] = []
        #: Seeds of trials that did not come to a verdict, with the reason.
        self.broken: list[tuple[int, str]] = []

    def play(self, lanes: int) -> None:
        """Play all of them on so many lanes."""
        threads = [threading.Thread(target=self._lane) for _ in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _lane(self) -> None:
        with open_lane() as lane:
            while True:
                try:
                    seed = self._seeds.get_nowait()
                except queue.Empty:
                    return
                folder = self._remains / str(seed)
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                try:
                    result = trial.run(plan.draw(seed), lane, folder)
                except Exception:
                    with self._lock:
                        self.broken.append((seed, traceback.format_exc()))
                        print(f"{seed:>6}  broken\n{self.broken[-1][1]}", flush=True)
                    continue
                self._tell(result, folder)

    def _tell(self, result: Result, folder: Path) -> None:
        with self._lock:
            self.results.append(result)
            print(table.line(result), flush=True)
            if result.verdict.clean:
                shutil.rmtree(folder)
                return
            for kind in VIOLATIONS:
                for sentence in result.verdict.violations.get(kind, [])[:_TOLD]:
                    print(f"        {kind}: {sentence}", flush=True)
            print(f"        again: python -m tests.chaos --only {result.trial.seed}", flush=True)


def main() -> int:
    """The command; 0 if nothing is wrong and every failpoint has killed often enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--trials", type=int, default=200, help="how many (default: 200)")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial (default: 0)")
    parser.add_argument("--only", type=int, help="one trial again, by its own seed")
    parser.add_argument("--lanes", type=int, default=4, help="trials at once (default: 4)")
    options = parser.parse_args()
    once = options.only is not None
    seeds = [options.only] if once else list(range(options.seed, options.seed + options.trials))
    began = time.monotonic()
    games = Games(seeds, REMAINS)
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
    rare = [point for point in POINTS if kills[point] < table.KILLS_EACH and trials >= _MANY]
    if rare:
        print(f"killed fewer than {table.KILLS_EACH} times at: {', '.join(rare)}")
    return 1 if failed or rare or len(games.results) < trials else 0


if __name__ == "__main__":
    sys.exit(main())
