"""Trials, played side by side."""

from __future__ import annotations

import queue
import shutil
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.chaos import table, trial
from tests.chaos.judge import VIOLATIONS
from tests.chaos.lane import Lane, open_lane
from tests.chaos.plan import Trial
from tests.chaos.trial import Result

#: Violations of one kind that are told of a trial.
_TOLD = 5


class Games:
    """Trials, played by lanes. What a failed one left is kept below ``remains``."""

    def __init__(
        self, trials: Sequence[Trial], remains: Path, say: Callable[[str], None] = print
    ) -> None:
        self._trials: queue.SimpleQueue[Trial] = queue.SimpleQueue()
        for one in trials:
            self._trials.put(one)
        self._remains = remains
        self._say = say
        self._lock = threading.Lock()
        self._ended = False
        self.results: list[Result] = []
        #: Seeds of trials that did not come to a verdict, with the reason.
        self.broken: list[tuple[int, str]] = []

    def play(self, lanes: int) -> None:
        """Play all of them on so many lanes.

        Who ends the caller's thread meanwhile ends the lanes' servers and processes, and thereby
        the trials.
        """
        with ExitStack() as opened:
            threads = [
                threading.Thread(
                    target=self._play_on, args=(opened.enter_context(open_lane()),), daemon=True
                )
                for _ in range(lanes)
            ]
            for thread in threads:
                thread.start()
            try:
                for thread in threads:
                    thread.join()
            except BaseException:
                self._ended = True
                raise

    def _play_on(self, lane: Lane) -> None:
        while not self._ended:
            try:
                one = self._trials.get_nowait()
            except queue.Empty:
                return
            folder = self._remains / str(one.seed)
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            try:
                result = trial.run(one, lane, folder)
            except Exception:
                if self._ended:
                    return
                with self._lock:
                    self.broken.append((one.seed, traceback.format_exc()))
                    self._say(f"{one.seed:>6}  broken\n{self.broken[-1][1]}")
                continue
            self._tell(result, folder)

    def _tell(self, result: Result, folder: Path) -> None:
        with self._lock:
            self.results.append(result)
            self._say(table.line(result))
            if result.verdict.clean:
                shutil.rmtree(folder)
                return
            for kind in VIOLATIONS:
                for sentence in result.verdict.violations.get(kind, [])[:_TOLD]:
                    self._say(f"        {kind}: {sentence}")
            self._say(f"        again: python -m tests.chaos --only {result.trial.seed}")
