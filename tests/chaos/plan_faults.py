"""The faults of a trial, as a seed draws them; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from campaigns.failpoints import POINTS
from tests.chaos.plan_campaigns import Campaign

BEAT, SEND, CONTROL = "beat", "send", "control"

#: Which process comes by the failpoints of a family.
ROLES = {
    "submit": CONTROL, "resolve": CONTROL, "close": CONTROL, "report": CONTROL,
    "tick": BEAT, "publish": BEAT, "reclaim": BEAT,
    "lease": SEND, "permit": SEND, "claim": SEND, "send": SEND, "record": SEND, "finish": SEND,
    "adopt": SEND,
}  # fmt: skip

#: Families of failpoints that no campaign comes by, and where their processes are killed instead.
ELSEWHERE = {
    "gather": "tests/integration/callbacks/test_gathering.py",
    "call": "tests/acceptance/test_callbacks.py",
    "jobs": "tests/integration/audience/test_changes.py",
}

#: The failpoints that trials kill at.
TRIED = tuple(point for point in POINTS if point.partition(".")[0] in ROLES)

#: Longer than a lease (15 s): whoever stands still for so long has lost its batches.
PAST_THE_LEASE = 17.0

#: Where a send process is killed so that another one has something to take over.
_WITH_ROWS = ("claim.committed", "send.departed", "send.answered", "record.before")

#: Blows to processes, and to the servers that they work on.
_TO_PROCESSES = ("kill", "kill", "terminate", "halt")
SERVER_FAULTS = ("flush_redis", "cut_redis", "hang_redis", "cut_database", "carrier_down")
_TO_MESSAGES = ("repeat_messages", "lose_messages")


@dataclass(frozen=True, slots=True)
class Armed:
    """A failpoint in one life of the processes of a role."""

    role: str
    #: 0 is the life that begins with the trial.
    life: int
    point: str
    #: ``kill``, ``raise`` or ``stall:SECONDS``.
    action: str
    at: int
    #: In all later lives too, until it has happened to one process.
    lasting: bool = False

    def spec(self) -> str:
        """The entry of ``SLUICE_FAILPOINTS``."""
        return f"{self.point}={self.action}@{self.at}"


@dataclass(frozen=True, slots=True)
class Blow:
    """Something done to a trial from outside, ``at`` seconds after its beginning."""

    at: float
    kind: str
    #: The role of the process that it hits, if it hits one.
    role: str = ""
    #: For how long, for what lasts.
    seconds: float = 0.0


def draw(
    random: Random, point: str, campaigns: Sequence[Campaign], *, sends: int, paced: bool
) -> tuple[tuple[Armed, ...], tuple[Blow, ...]]:
    """The kill at ``point`` with what leads to it, and up to five other faults."""
    family = point.partition(".")[0]
    size = sum(campaign.size for campaign in campaigns) // sends
    at = _hit(random, point, size, paced=paced)
    armed = [Armed(ROLES[family], 0, point, "kill", at, lasting=True)]
    blows = []
    if family == "adopt":
        armed = [
            Armed(SEND, 0, random.choice(_WITH_ROWS), "kill", 1, lasting=True),
            Armed(SEND, 1, point, "kill", 1, lasting=True),
        ]
    if family == "reclaim":
        # Nobody else takes a batch back: its journal is lost, or its process stands still.
        armed.append(Armed(SEND, 0, random.choice(_WITH_ROWS[1:]), "kill", 1, lasting=True))
        if random.random() < 0.3:
            blows.append(Blow(round(random.uniform(1, 2), 1), "halt", SEND, PAST_THE_LEASE))
    limited = any(campaign.has_limits for campaign in campaigns)
    for _ in range(random.choice((0, 0, 1, 2))):
        extra = _extra(random, size, paced=paced, limited=limited)
        if extra.role == armed[0].role and extra.action == "kill":
            # Nobody else takes the life that is meant for the point whose turn it is.
            extra = replace(extra, action="raise")
        if all((extra.role, extra.point) != (one.role, one.point) for one in armed):
            armed.append(extra)
    blows += [_blow(random) for _ in range(random.choice((0, 1, 1, 2, 3)))]
    return tuple(armed), tuple(sorted(blows, key=lambda blow: blow.at))


def _hit(random: Random, point: str, size: int, *, paced: bool) -> int:
    """At which hit, of those that there surely are."""
    family = point.partition(".")[0]
    if point in {"send.departed", "send.answered"}:
        return random.randint(1, max(1, size // 8))
    if family in {"permit", "claim", "send", "record"}:
        return random.randint(1, 3) if paced and size >= 100 else 1
    if family in {"tick", "publish"}:
        return random.randint(1, 3 if family == "publish" and paced else 1)
    return 1


def _extra(random: Random, size: int, *, paced: bool, limited: bool) -> Armed:
    """Another failpoint, mostly with another action than a kill."""
    point = random.choice([name for name in TRIED if not name.startswith(("adopt", "reclaim"))])
    action = random.choice(("raise", "raise", "stall", "stall", "kill"))
    # A request that counts as departed is past the last look at what forbids it.
    if action == "stall" and limited and point == "send.departed":
        action = "kill"
    role = ROLES[point.partition(".")[0]]
    if action == "stall":
        past = role == SEND and random.random() < 0.15
        action = f"stall:{PAST_THE_LEASE if past else round(random.uniform(0.3, 4), 1)}"
    return Armed(role, 0, point, action, _hit(random, point, size, paced=paced))


def _blow(random: Random) -> Blow:
    at = round(random.uniform(0.5, 6), 1)
    if random.random() < 0.1:
        return Blow(at, "second_beat")
    kind = random.choice((*_TO_PROCESSES, *SERVER_FAULTS, *_TO_MESSAGES))
    role = random.choice((SEND, SEND, CONTROL, BEAT)) if kind in _TO_PROCESSES else ""
    return Blow(at, kind, role, _lasting(random, kind, role))


def _lasting(random: Random, kind: str, role: str) -> float:
    if kind == "halt":
        past = role == SEND and random.random() < 0.15
        return PAST_THE_LEASE if past else round(random.uniform(0.3, 4), 1)
    if kind in {"hang_redis", "carrier_down"}:
        return round(random.uniform(0.5, 3), 1)
    return 1.0 if kind == "lose_messages" else 0.0
