"""Messages between beat and workers: late, lost, doubled, or waiting for a process to come back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from campaigns.messaging import TASK_CLOSE, TASK_RESOLVE, TASK_SEND
from tests.simulation.ledger import Audience
from tests.simulation.processes import Process
from tests.simulation.workers import Sending

if TYPE_CHECKING:
    from tests.simulation.world import World


@dataclass
class Chances:
    """What goes wrong between beat and workers."""

    lost: float = 0.01
    doubled: float = 0.01


class Broker:
    """Carries what a tick published."""

    def __init__(
        self,
        world: World,
        processes: Sequence[Process],
        audiences: Mapping[UUID, Audience],
        chances: Chances,
    ) -> None:
        self._world = world
        self._processes = processes
        self._audiences = audiences
        self._chances = chances

    def publish(self, task: str, row_id: int) -> None:
        """Bring the message to a process that does what it says, most of the time."""
        draw = self._world.random
        luck = draw.random()
        if luck < self._chances.lost:
            return
        if task != TASK_SEND:
            work = {TASK_RESOLVE: self._resolve, TASK_CLOSE: self._close}[task]
            delay = timedelta(seconds=0.02 + draw.expovariate(2))
            self._world.later(self._world.now + delay, lambda: work(row_id))
            return
        for _ in range(2 if luck > 1 - self._chances.doubled else 1):
            delay = timedelta(seconds=0.005 + draw.expovariate(50))
            self._deliver(row_id, draw.choice(self._processes), self._world.now + delay)

    def _deliver(self, batch_id: int, process: Process, at: datetime) -> None:
        def arrives() -> None:
            awake = process.awake(self._world.now)
            if awake > self._world.now:
                # It waits in the queue; a process that was killed finds it there later.
                self._world.later(awake, arrives)
            else:
                self._go_on(Sending(self._world, process, batch_id).run(), process)

        self._world.later(at, arrives)

    def _go_on(self, sending: Iterator[datetime], process: Process) -> None:
        at = next(sending, None)
        if at is not None:
            self._world.later(at, lambda: self._go_on(sending, process), process)

    def _resolve(self, run_id: int) -> None:
        ledger = self._world.ledger
        run = ledger.runs[run_id]
        campaign = ledger.campaign_of(run)
        if run["status"] == "resolving" and campaign["status"] == "sending":
            ledger.resolve(run, self._audiences[campaign["id"]])
            self._world.want(self._world.now)

    def _close(self, run_id: int) -> None:
        run = self._world.ledger.runs[run_id]
        if run["status"] == "closing":
            self._world.ledger.close(run)
            self._world.want(self._world.now)
