"""From rows of the database to what the decision works on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from campaigns.providers import ProviderConfig, Providers, parse_rate
from campaigns.schedule import adaptive, warm_up
from campaigns.schedule.adaptive import Health, RateFactor
from campaigns.schedule.windows import Interval
from scheduler.active_times import Times
from scheduler.model import CLASSES, URGENT, Account, Lane, LaneKey, Limit, Run
from scheduler.pacing import Line, Meter, RampState

_rate = lru_cache(maxsize=1024)(parse_rate)

Row = Mapping[str, Any]

#: A campaign's own rate is metered by the tick. From so many messages per second on, the limiter
#: holds it too, which costs batches of its own: several of its messages may be under way at once,
#: and would catch up with each other behind a delay. Slower ones share batches with others.
STRICT_FROM = 2.0


def run(rows: Sequence[Row], times: Mapping[LaneKey, Times], providers: Providers) -> Run:
    """A run from its lanes' rows of ``open_runs``."""
    row = rows[0]
    carried = _carries(providers, row)
    return Run(
        run_id=row["id"],
        provider=row["provider"],
        starts_at=row["starts_at"],
        finish=row["finishes_at"],
        lanes=tuple(_lane(lane, times) for lane in rows),
        paused=row["paused"] or not carried,
        evenly=row["pacing"] == "evenly",
        priority=URGENT if row["is_test"] else CLASSES[row["priority"]],
        weight=row["weight"],
        segments=row["segments"],
        sender=sender_key(row["sender"]),
        limits=_limits(row, providers.by_name.get(row["provider"])),
        per_second=_rate(row["rate"]) if row["rate"] else None,
        meter=_meter(row),
        ramp=warm_up.ramp_of(row["warm_up"]),
        ramped=None if row["ramp_day"] is None else RampState(row["ramp_day"], row["ramp_base"]),
    )


def account(name: str, providers: Providers, state: Row | None, now: datetime) -> Account:
    """A configured account, with what ``accounts`` in tick.sql knows of it."""
    config = providers.by_name[name]
    chain = providers.chain(name)
    factor = 1.0
    health = Health()
    if state is not None:
        health = Health(state["failures"], state["circuit"], state["cooling_until"])
        if state["factor_at"] is not None:
            factor = adaptive.current(RateFactor(state["rate_factor"], state["factor_at"]), now)
    ceiling = config.per_second
    return Account(
        name,
        None if ceiling is None else ceiling * factor,
        outstanding=state["outstanding"] if state is not None else 0,
        health=health,
        chain=tuple(link.name for link in chain),
        attempts=tuple(link.max_attempts for link in chain),
        counts_segments=config.counts_segments,
        per_sender=config.sender_per_second,
    )


@lru_cache(maxsize=4096)
def sender_key(sender: str) -> str:
    """A sender in the name of a limit: told apart, and not to be read."""
    return hashlib.sha256(sender.encode()).hexdigest()[:16]


def _lane(row: Row, times: Mapping[LaneKey, Times]) -> Lane:
    key = LaneKey(row["id"], row["lane"])
    has_line = row["pace_until"] is not None
    has_gate = row["gate_opens_at"] is not None
    return Lane(
        key=key,
        lo=row["lo"],
        hi=row["hi"],
        next_seq=row["next_seq"],
        active=times[key].active,
        paced=times[key].paced,
        returned=row["returned"],
        later=row["later"],
        line=Line(row["pace_remaining"], row["pace_until"]) if has_line else None,
        gate=Interval(row["gate_opens_at"], row["gate_closes_at"]) if has_gate else None,
    )


def _carries(providers: Providers, row: Row) -> bool:
    """Whether the run's account is there and still of the channel that the run was made for."""
    config = providers.by_name.get(row["provider"])
    return config is not None and config.channel == row["sending_type"]


def _limits(row: Row, config: ProviderConfig | None) -> tuple[Limit, ...]:
    """What holds for the run whichever account it goes through: of its team, of its campaign."""
    found = []
    if row["team_rate"] is not None:
        found.append(Limit(f"team:{row['team_id']}", _rate(row["team_rate"])))
    if row["rate"] is not None and _rate(row["rate"]) >= STRICT_FROM:
        # In the units that its account counts: a campaign's own rate is one of messages.
        units = row["segments"] if config is not None and config.counts_segments else 1
        found.append(Limit(f"campaign:{row['campaign_id']}", _rate(row["rate"]) * units))
    return tuple(found)


def _meter(row: Row) -> Meter | None:
    if row["metered_until"] is None:
        return None
    return Meter(row["metered_credit"], row["metered_until"])
