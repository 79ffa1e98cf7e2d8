"""Which trial a seed stands for: campaigns, accounts, carrier, faults.

Pure: the same seed is the same trial, down to the hit of a failpoint at which a process dies. The
times at which things then really happen are the machine's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos import plan_campaigns, plan_faults
from tests.chaos.plan_campaigns import Campaign
from tests.chaos.plan_faults import TRIED, Armed, Blow

#: Attempts that an account has for a message; what has failed was refused at least so often.
MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the carrier behaves until it is healed, in its own settings' terms."""

    errors: str = ""
    latency_ms: int = 0
    jitter_ms: int = 0
    #: Its ceiling in messages per second, above which it answers 429; ``None``: there is none.
    rate: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Everything about one trial that is not left to the machine."""

    seed: int
    #: The failpoint whose turn it is: a process is killed there.
    point: str
    campaigns: tuple[Campaign, ...]
    behaviour: Behaviour
    #: Messages per second of the account; ``None``: as fast as it goes.
    rate: int | None
    #: ``"none"``, ``"dead"`` (nobody listens at the first of two accounts), or ``"shared"`` (both
    #: lead to the same carrier).
    chain: str
    sends: int
    beats: int
    armed: tuple[Armed, ...]
    blows: tuple[Blow, ...]
    #: Seconds from a process' death to its next life.
    restart_after: float
    #: What a dead process left on the disk is gone with it, as with its host.
    forgetful: bool

    @property
    def seconds(self) -> float:
        """From the first submission to the healing of the carrier."""
        ends = [campaign.delay + campaign.seconds for campaign in self.campaigns]
        return max([*ends, *(blow.at + blow.seconds for blow in self.blows)])


def rotation(seed: int) -> str:
    """The failpoint whose turn it is: as many seeds in a row as there are points have them all."""
    names = TRIED
    return names[seed % len(names)]


def draw(seed: int) -> Trial:
    """The trial of ``seed``."""
    random = Random(f"sluice {seed}")
    point = rotation(seed)
    family = point.partition(".")[0]
    campaigns = plan_campaigns.draw(random, family)
    messages = sum(campaign.size for campaign in campaigns)
    rate = None if random.random() < 0.25 else max(40, round(messages / random.uniform(3, 8)))
    sends = 1 if family == "reclaim" else random.choice((1, 1, 2))
    armed, blows = plan_faults.draw(random, point, campaigns, sends=sends, paced=rate is not None)
    return Trial(
        seed=seed,
        point=point,
        campaigns=campaigns,
        behaviour=_behaviour(random, rate),
        rate=rate,
        chain=random.choice(("none", "none", "none", "dead", "shared")),
        sends=sends,
        beats=random.choice((1, 1, 1, 2)),
        armed=armed,
        blows=blows,
        restart_after=round(random.uniform(0.1, 1.0), 2),
        forgetful=family == "reclaim",
    )


def _behaviour(random: Random, rate: int | None) -> Behaviour:
    errors = {
        "rejected": random.choice((0, 0, 1, 3)),
        "unavailable": random.choice((0, 0, 2, 5)),
        "lost": random.choice((0, 0, 0, 1)),
    }
    # A ceiling a little below the account's own rate: it has to adapt.
    throttles = rate is not None and random.random() < 0.2
    return Behaviour(
        errors=_mix(errors),
        latency_ms=random.choice((0, 0, 10, 40, 120)),
        jitter_ms=random.choice((0, 0, 20, 60)),
        rate=round(rate * 0.8) if throttles and rate is not None else None,
    )


def _mix(shares: dict[str, int]) -> str:
    return ",".join(f"{name}={percent}%" for name, percent in shares.items() if percent)


def kills(trials: Sequence[Trial]) -> dict[str, int]:
    """How many processes these trials arm to be killed at each failpoint."""
    counts = dict.fromkeys(TRIED, 0)
    for trial in trials:
        for armed in trial.armed:
            counts[armed.point] += armed.action == "kill"
    return counts
