"""The three state machines, once, as data.

Everything else is derived from these tables or tested against them: the ``WHERE`` of the UPDATE
that changes a campaign's status, the CHECK constraints in PostgreSQL, the diagrams in
``docs/states.md``. A campaign is what somebody planned, a run one occurrence of it, a delivery one
recipient in one run.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Move:
    """``event`` takes a machine from ``source`` to ``target``."""

    source: str
    event: str
    target: str
    #: A person or a provider takes it out of an end again, which is an end all the same.
    reopens: bool = False


@dataclass(frozen=True, slots=True)
class Machine:
    """States and the moves between them."""

    name: str
    states: tuple[str, ...]
    #: Where a new row may begin.
    initial: tuple[str, ...]
    moves: tuple[Move, ...]

    @property
    def events(self) -> frozenset[str]:
        """The names of all events."""
        return frozenset(move.event for move in self.moves)

    @property
    def terminal(self) -> frozenset[str]:
        """The states that no event leads out of, unless they are reopened."""
        return frozenset(self.states) - {m.source for m in self.moves if not m.reopens}

    def sources(self, event: str) -> tuple[str, ...]:
        """The states in which ``event`` may happen.

        Raises:
            KeyError: there is no such event.
        """
        found = tuple(move.source for move in self.moves if move.event == event)
        if not found:
            raise KeyError(event)
        return found

    def target(self, event: str) -> str:
        """The one state that ``event`` leads to.

        Raises:
            KeyError: there is no such event.
            ValueError: the event leads to different states, depending on where it happens.
        """
        targets = {move.target for move in self.moves if move.event == event}
        if not targets:
            raise KeyError(event)
        if len(targets) > 1:
            raise ValueError(f"{event} leads to {sorted(targets)}")
        return targets.pop()


def _moves(event: str, sources: Iterable[str], target: str) -> tuple[Move, ...]:
    return tuple(Move(source, event, target) for source in sources)


CAMPAIGN = Machine(
    name="campaign",
    states=("draft", "scheduled", "sending", "finished", "stopped", "failed", "deleted"),
    # A test send has its run from the start, so it begins in sending.
    initial=("draft", "scheduled", "sending"),
    moves=(
        *_moves("activate", ["draft"], "scheduled"),
        # Nothing was sent yet, and nothing is prepared.
        *_moves("withdraw", ["scheduled"], "draft"),
        *_moves("start", ["scheduled"], "sending"),
        *_moves("finish", ["sending"], "finished"),
        # Between two occurrences of a recurring campaign.
        *_moves("rest", ["sending"], "scheduled"),
        # Every occurrence that was left was skipped or missed.
        *_moves("miss", ["scheduled"], "finished"),
        # The operator sends again what was held as unknown.
        Move("scheduled", "reopen", "sending"),
        Move("finished", "reopen", "sending", reopens=True),
        *_moves("stop", ["scheduled", "sending"], "stopped"),
        *_moves("fail", ["scheduled", "sending"], "failed"),
        *_moves("delete", ["draft", "scheduled", "finished", "stopped", "failed"], "deleted"),
    ),
)

RUN = Machine(
    name="run",
    states=("resolving", "sending", "closing", "finished"),
    # An occurrence that is skipped or missed is over from the start, unless it is prepared already.
    initial=("resolving", "sending", "finished"),
    moves=(
        *_moves("resolved", ["resolving"], "sending"),
        *_moves("expired", ["resolving", "sending"], "closing"),
        *_moves("stopped", ["resolving", "sending"], "closing"),
        *_moves("missed", ["resolving", "sending"], "closing"),
        *_moves("poisoned", ["sending"], "closing"),
        *_moves("all rows settled", ["sending", "closing"], "finished"),
        Move("finished", "reopened by the operator", "sending", reopens=True),
    ),
)

DELIVERY = Machine(
    name="delivery",
    states=(
        "pending", "sending", "accepted", "rejected", "failed", "unknown",
        "suppressed", "expired", "cancelled",
    ),
    initial=("pending",),
    moves=(
        *_moves("claim", ["pending"], "sending"),
        *_moves("opted out", ["pending"], "suppressed"),
        *_moves("frequency cap", ["pending"], "suppressed"),
        *_moves("run expired", ["pending"], "expired"),
        *_moves("run stopped", ["pending"], "cancelled"),
        *_moves("poisoned", ["pending"], "failed"),
        *_moves("throttled", ["sending"], "pending"),
        *_moves("retry", ["sending"], "pending"),
        *_moves("in doubt", ["pending", "sending"], "unknown"),
        *_moves("accepted", ["sending", "unknown"], "accepted"),
        *_moves("rejected", ["sending", "unknown"], "rejected"),
        *_moves("failed", ["sending", "unknown"], "failed"),
        *_moves("resent by the operator", ["unknown"], "pending"),
        # A person may want to try again what failed.
        Move("failed", "resent by the operator", "pending", reopens=True),
        Move("rejected", "resent by the operator", "pending", reopens=True),
        # A report proves that the provider took it, whatever became of it here.
        *_moves("reported", ["pending", "sending", "unknown"], "accepted"),
        *(
            Move(source, "reported", "accepted", reopens=True)
            for source in ("rejected", "failed", "suppressed", "expired", "cancelled")
        ),
        # The expiry settles what its provider never reported on, and a report what was settled so.
        Move("accepted", "never reported", "failed", reopens=True),
        Move("failed", "reported late", "accepted", reopens=True),
    ),
)  # fmt: skip

MACHINES = (CAMPAIGN, RUN, DELIVERY)

#: Passona's numbers: 0 pending, 1 sending, 2 sent. It knows no number for the other ends, which
#: read as "nothing more will be sent". A deleted campaign is never shown.
PASSONA_STATUS = {
    "draft": 0,
    "scheduled": 0,
    "sending": 1,
    "finished": 2,
    "stopped": 2,
    "failed": 2,
}

#: HORISEN's words for campaigns that are not paused by hand. It has none for one that failed, of
#: which nothing more will be sent.
HORISEN_STATUS = {
    "draft": "draft",
    "scheduled": "active",
    "sending": "active",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "stopped",
}


def horisen_status(status: str, *, manually_paused: bool) -> str:
    """HORISEN's word for a campaign: what is paused by hand while it could send is stopped."""
    shown = HORISEN_STATUS[status]
    return "stopped" if manually_paused and shown == "active" else shown


def mermaid(machine: Machine) -> str:
    """A Mermaid state diagram of ``machine``, events of the same arrow on one label."""
    labels: dict[tuple[str, str], list[str]] = {}
    for move in machine.moves:
        labels.setdefault((move.source, move.target), []).append(move.event)
    lines = [
        "stateDiagram-v2",
        *(f"    [*] --> {state}" for state in machine.initial),
        *(f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in labels.items()),
        *(f"    {state} --> [*]" for state in machine.states if state in machine.terminal),
    ]
    return "\n".join(lines)
