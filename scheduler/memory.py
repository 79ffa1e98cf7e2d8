"""What a beat remembers from tick to tick. None of it is needed: a new beat begins without."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.duties.apart import Apart
from scheduler.duties.calling import Calls
from scheduler.duties.forgetting import Sweep
from scheduler.duties.known_runs import KnownRuns
from scheduler.duties.watching import Round


@dataclass(slots=True)
class Memory:
    """Spares computing again what did not change, and looking where was looked already."""

    known_runs: KnownRuns = field(default_factory=KnownRuns)
    sweep: Sweep = field(default_factory=Sweep)
    watch: Round = field(default_factory=Round)
    calls: Calls = field(default_factory=Calls)
    apart: Apart = field(default_factory=Apart)
