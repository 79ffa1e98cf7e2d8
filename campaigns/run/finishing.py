"""When a run will be finished, as far as its limits foretell it.

Pure but for the rows it is given: ``run_state`` and ``run_work`` in status.sql.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.providers import ProviderConfig, Providers, parse_rate
from campaigns.run.explain import Explanation
from campaigns.run.timing import Timing
from campaigns.schedule import warm_up
from campaigns.schedule.warm_up import Ramp, RampState
from campaigns.schedule.windows import FOREVER

#: The explanations under which a finish can be foretold.
_FORESEEABLE = frozenset(
    {"sending", "not_started", "outside_window", "waiting_for_share", "warm_up"}
)


@dataclass(frozen=True, slots=True)
class WarmUpDay:
    """The present day of a run's warm-up, as the next tick reckons it."""

    ramp: Ramp
    day: int
    allows: int
    #: What is left of that.
    left: int
    #: When the next one begins.
    until: datetime

    def allowance(self, day: int) -> int:
        """What ``day`` still brings."""
        return self.left if day == self.day else warm_up.allowance(self.ramp, day)


def warm_up_day(row: Mapping[str, Any], work: Mapping[str, Any], now: datetime) -> WarmUpDay | None:
    """``None``: the run has no warm-up."""
    ramp = warm_up.ramp_of(row["warm_up"])
    if ramp is None:
        return None
    state = None if row["ramp_day"] is None else RampState(row["ramp_day"], row["ramp_base"])
    handed_out = row["total"] - row["uncut"] - work["returned"]
    left, state = warm_up.ramped(ramp, state, handed_out, row["starts_at"], now)
    until = warm_up.next_day(row["starts_at"], now)
    return WarmUpDay(ramp, state.day, warm_up.allowance(ramp, state.day), left, until)


def expected(
    waiting: int,
    when: Timing,
    row: Mapping[str, Any],
    work: Mapping[str, Any],
    providers: Providers,
    why: Explanation,
    now: datetime,
) -> datetime | None:
    """When the last of ``waiting`` messages leaves; ``None`` where it cannot be foretold."""
    config = providers.by_name.get(row["provider"])
    if why.code not in _FORESEEABLE or config is None or not waiting:
        return None
    ceiling = min(_ceilings(row, config), default=None)
    day = warm_up_day(row, work, now)
    allowance: Callable[[int], int] | None = day.allowance if day else None
    evenly = row["pacing"] == "evenly"
    found = when.expected_finish(waiting, ceiling, evenly=evenly, now=now, allowance=allowance)
    end = when.window.end
    return found or (end if end != FOREVER and ceiling is not None else None)


def _ceilings(row: Mapping[str, Any], config: ProviderConfig) -> list[float]:
    """All limits, in messages per second: the campaign's own counts these, the others what the
    account counts."""
    cost = row["segments"] if config.counts_segments else 1
    found = [parse_rate(row["rate"])] if row["rate"] else []
    found += [parse_rate(row["team_rate"]) / cost] if row["team_rate"] else []
    found += [config.per_second / cost] if config.per_second is not None else []
    return found
