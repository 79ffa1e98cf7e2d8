"""Half an hour at full speed with a fault every ten seconds: is anything lost, does anything grow?

    python -m tests.chaos.soak [--minutes 30] [--fault-every 10] [--seed 1] [--page docs/soak.md]

Two of each process, on servers and a carrier of their own. Campaigns follow each other without a
gap. The first process of each kind may be stopped for a while and is never killed, so that what it
holds can be compared over the whole time; the second one is killed and restarted. The exit code is
1 if a message was lost or doubled, if an unknown one has no fault to explain it, if something grew,
or if something went wrong that nobody had foreseen: that is what a traceback in a log means.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import psycopg
from redis.exceptions import RedisError

from campaigns.errors import Unavailable
from tests.chaos import logs, sampling, soak_faults, soak_page
from tests.chaos.ending import end_by_signal, with_children
from tests.chaos.installation import installed, pause
from tests.chaos.judgement import Fault
from tests.chaos.soak_load import Load
from tests.support.outages import own_servers

RECIPIENTS = 50_000

#: How often everything is measured, in seconds.
SAMPLE_EVERY = 2.0

_STEP_SECONDS = 0.25

#: What is under way at the end is over within this time.
_PATIENCE = 180.0


@dataclass
class Soak:
    """The installation, what keeps it busy, what is done to it, and what is measured."""

    load: Load
    samples: sampling.Samples
    seed: int
    fault_every: float
    done: list[Fault] = field(default_factory=list)
    #: Messages by then, at each sample.
    progress: list[tuple[float, int]] = field(default_factory=list)
    _under_way: Future[Fault] | None = None
    _begun: datetime | None = None

    def run(self, seconds: float) -> None:
        """Let it run, and then come to rest."""
        names = soak_faults.drawn(self.seed)
        random = Random(self.seed)
        begin = time.monotonic()
        next_fault, next_sample = self.fault_every, 0.0
        with ThreadPoolExecutor(1) as executor:
            while (at := time.monotonic() - begin) < seconds:
                self._collect()
                if at >= next_fault and self._under_way is None:
                    self._begin(executor, next(names), random)
                    next_fault += self.fault_every
                if at >= next_sample:
                    self._sample(at)
                    next_sample = at + SAMPLE_EVERY
                self._step(more=True)
                pause(_STEP_SECONDS)
            while self._under_way is not None:
                self._collect()
                pause(_STEP_SECONDS)
        self._settle()

    def _begin(self, executor: ThreadPoolExecutor, name: str, random: Random) -> None:
        self._begun = datetime.now(UTC)
        self._under_way = executor.submit(soak_faults.do, self.load.here, name, random)

    def _collect(self) -> None:
        if self._under_way is not None and self._under_way.done():
            fault = self._under_way.result()
            self.done.append(fault)
            print(f"{fault.begin:%H:%M:%S} {fault.name}", file=sys.stderr, flush=True)
            self._under_way = self._begun = None

    def _faults(self) -> list[Fault]:
        """Those that are over, and the one under way."""
        now = [] if self._begun is None else [Fault("", self._begun, datetime.now(UTC))]
        return self.done + now

    def _step(self, *, more: bool) -> None:
        try:
            with self.load.here.connection() as conn:
                self.load.step(conn, self._faults(), more=more)
        except (psycopg.Error, Unavailable):
            # That was a fault; what was not done is done at the next step.
            return

    def _sample(self, at: float) -> None:
        here = self.load.here
        self.progress.append((at, self.load.here.arrivals.total))
        sampling.take_processes(self.samples, here, at)
        try:
            with here.connection() as conn:
                sampling.take_servers(self.samples, here, conn, at)
        except (psycopg.Error, Unavailable, RedisError):
            return

    def _settle(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self.load.idle:
            self._step(more=False)
            if time.monotonic() > deadline:
                raise RuntimeError(f"campaigns are not over {_PATIENCE:g} s after the last fault")
            pause(_STEP_SECONDS)


def main() -> int:
    """Run the soak and print its page; 1 if a promise was not kept."""
    end_by_signal()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--fault-every", type=float, default=10, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--page", type=Path, help="write the result there, as Markdown")
    chosen = parser.parse_args()
    seconds = chosen.minutes * 60
    with (
        tempfile.TemporaryDirectory(prefix="sluice-soak-") as folder,
        own_servers() as servers,
        installed(servers, Path(folder)) as here,
        with_children(),
    ):
        here.start()
        load = Load(here, here.group(RECIPIENTS), RECIPIENTS)
        soak = Soak(load, sampling.Samples(), chosen.seed, chosen.fault_every)
        soak.run(seconds)
        exits = here.stop()
        tracebacks = _tracebacks(here.folder)
    result = soak_page.Result(
        seconds=seconds,
        seed=chosen.seed,
        fault_every=chosen.fault_every,
        recipients=RECIPIENTS,
        verdict=load.verdict,
        campaigns=load.judged,
        strays=load.strays(),
        codes=load.codes,
        faults=Counter(fault.name for fault in soak.done),
        lines=soak.samples.lines(seconds),
        progress=soak.progress,
        database_bytes=soak.samples.database_bytes,
        tracebacks=tracebacks.total(),
    )
    page = soak_page.written(result)
    print(page)
    for run_id, row in load.unexplained[:20]:
        print(f"unexplained: run {run_id}, {row}", file=sys.stderr)
    for (name, error), count in tracebacks.items():
        print(f"{count} tracebacks in the logs of {name}: {error}", file=sys.stderr)
    print(f"exit codes after SIGTERM: {exits}", file=sys.stderr)
    if chosen.page is not None:
        chosen.page.write_text(page, "utf-8")
    return 0 if result.kept and not any(exits.values()) else 1


def _tracebacks(folder: Path) -> Counter[tuple[str, str]]:
    """What was logged with a traceback, by the process and the kind of error."""
    found: Counter[tuple[str, str]] = Counter()
    for log in folder.glob("[0-9]*.log"):
        name = log.stem.partition("-")[2]
        found.update((name, error) for error in logs.errors(log.read_text("utf-8", "replace")))
    return found


if __name__ == "__main__":
    sys.exit(main())
