"""What is played: how many of each, how much may go wrong, and which guards are on."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.model.state import Budget, State, initial


@dataclass(frozen=True, slots=True)
class Guards:
    """Each condition that the protocol stands on; the tests switch off one at a time."""

    #: ``lease_batch``: only a batch that is ready.
    lease_once: bool = True
    #: ``claim``: only under the batch's present token.
    claim_by_holder: bool = True
    #: ``claim``: only before the lease has run out.
    claim_in_time: bool = True
    #: ``claim``: only rows that are pending.
    claim_pending: bool = True
    #: ``claim``: no row twice under one lease.
    claim_once_per_lease: bool = True
    #: ``claim``: not while the campaign is paused or stopped.
    claim_obeys: bool = True
    #: ``claim``: not to whom has opted out.
    claim_opt_outs: bool = True
    #: The claim is committed before the request leaves.
    intent_first: bool = True
    #: ``record``: only rows of one's own claim.
    record_fenced: bool = True
    #: ``record``: only rows that are in sending or unknown.
    record_open: bool = True
    #: ``record``: a doubt that was held never becomes pending by a late word.
    record_keeps_doubt: bool = True
    #: A batch is handed back only by a worker that recorded every outcome.
    recorded_first: bool = True
    #: ``finish_batch``: not while a row of it is pending or in sending.
    finish_empty: bool = True
    #: ``release_unsent``: what a claim took whose answer was lost goes back.
    release_unsent: bool = True
    #: The tick holds in doubt what a lost worker had claimed.
    reclaim_doubts: bool = True
    #: ``expired_batches``: locked from the doubt to the handing back.
    reclaim_locks: bool = True
    #: One tick at a time.
    advisory_lock: bool = True
    #: A batch that nobody leased is published again.
    publish_again: bool = True
    #: ``finish_runs``: only when every row is settled.
    finish_settled: bool = True
    #: ``send_again``: what gets a slice of its own is in no other any more.
    resend_uncovers: bool = True
    #: A departure is noted before the request leaves.
    journal_first: bool = True
    #: A journal is adopted only when its process is dead.
    adopt_dead: bool = True
    #: Adoption: only rows of the dead process' own claims.
    adopt_fenced: bool = True


#: What a provider may do with a request: take it and say so; take it, and the answer is lost; never
#: get it, and nobody knows; turn it down for now; fail for now.
ANSWERS = ("accepted", "taken in silence", "lost in silence", "throttled", "failed")


@dataclass(frozen=True, slots=True)
class Setting:
    """One small world."""

    rows: int = 2
    workers: int = 2
    beats: int = 1
    budget: Budget = field(default_factory=Budget)
    answers: tuple[str, ...] = ("accepted",)
    #: How many rows one claim asks for, and how many one tick grants.
    chunks: tuple[int, ...] = (1,)
    cuts: tuple[int, ...] = (99,)
    max_attempts: int = 2
    #: The account is configured to resend what is in doubt, and knows a repetition again.
    idempotent: bool = False
    #: Send processes keep journals of departures, and another one reads what a dead one left.
    journal: bool = False
    #: A tick's reading and writing happen at one moment. Off: others work in between.
    atomic_ticks: bool = False
    guards: Guards = field(default_factory=Guards)

    def initial(self) -> State:
        return initial(self.rows, self.workers, self.beats, self.budget)
