"""What the providers answer: mostly yes, sometimes no, and now and then nothing at all."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from tests.simulation.spans import Spans
from worker.adapters.base import Accepted, Failed, Outcome, Rejected, Throttled, Unknown
from worker.outcomes import NotSent


class Reply(NamedTuple):
    outcome: Outcome | NotSent
    takes: timedelta


@dataclass
class Trouble:
    """When an account cannot be reached, and when it says "too fast" to whoever asks."""

    down: Spans = field(default_factory=Spans)
    busy: Spans = field(default_factory=Spans)


@dataclass
class Carrier:
    """All providers. ``faults`` is the part of the messages that anything is wrong with; ``worse``
    are accounts of which it is another one."""

    random: random.Random
    faults: float = 0.04
    trouble: dict[str, Trouble] = field(default_factory=dict)
    worse: dict[str, float] = field(default_factory=dict)

    def reply(self, provider: str, at: datetime, slowness: float) -> Reply:
        takes = timedelta(seconds=(0.02 + self.random.expovariate(20)) * slowness)
        trouble = self.trouble.get(provider)
        if trouble is not None:
            if trouble.down.around(at) is not None:
                return Reply(NotSent("connect_error"), takes)
            if trouble.busy.around(at) is not None:
                return Reply(Throttled(self.random.choice((None, 1.0, 5.0, 45.0))), takes)
        luck, faults = self.random.random(), self.worse.get(provider, self.faults)
        if luck > faults:
            return Reply(Accepted("id"), takes)
        if luck > faults * 0.3:
            return Reply(Failed("busy"), takes)
        if luck > faults * 0.05:
            return Reply(Rejected("no_such_number"), takes)
        # The request may have arrived: the answer does not.
        return Reply(Unknown("timeout"), timedelta(seconds=10))
