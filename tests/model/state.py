"""What the model knows at one moment: immutable, hashable, and as small as the questions allow.

Rows are numbers from 0 on, a slice is the tuple of its rows. There is no clock: whether a lease has
run out is all that the protocol reads off it, so that is a flag, and it may be raised at any time.
"""

from __future__ import annotations

from typing import NamedTuple

PENDING, SENDING = "pending", "sending"
ACCEPTED, FAILED, UNKNOWN = "accepted", "failed", "unknown"
SUPPRESSED, CANCELLED = "suppressed", "cancelled"

#: What became of a claimed row in its worker's hands. ``CLAIMED`` has not departed yet; the worker
#: does not know more of ``IN_DOUBT`` than that; of ``NOT_SENT`` it knows that it never left.
CLAIMED, IN_DOUBT, NOT_SENT, THROTTLED, RETRY = (
    "claimed", "in doubt", "not sent", "throttled", "retry",
)  # fmt: skip

Slice = tuple[int, ...]


class Row(NamedTuple):
    """One recipient."""

    status: str = PENDING
    #: Of the last claim; 0: nobody holds that token any more, so it matches nothing.
    token: int = 0
    attempts: int = 0
    #: How many messages the provider took, and how many of them the operator took upon himself.
    received: int = 0
    resent: int = 0
    #: The provider has reported the delivery.
    reported: bool = False


class Batch(NamedTuple):
    """What is leased as one."""

    id: int
    slices: tuple[Slice, ...]
    #: 0: ready, nobody has it.
    token: int = 0
    #: The lease has run out. Nothing but a claim within the lease moves its end.
    ran_out: bool = False
    #: Its first message was put on the queue, or got lost on the way there.
    published: bool = False

    @property
    def rows(self) -> Slice:
        return tuple(seq for piece in self.slices for seq in piece)


class Hand(NamedTuple):
    """A row that a worker has claimed and not recorded yet."""

    seq: int
    #: The number of this attempt, as the claim told it; 0 once it has been sent.
    attempt: int
    outcome: str


class Worker(NamedTuple):
    """What a process that sends a batch knows; ``token`` 0: it has none."""

    batch: int = 0
    token: int = 0
    hands: tuple[Hand, ...] = ()
    #: The rows of the batch of which its journal does not say that they departed.
    stayed: Slice = ()


class Beat(NamedTuple):
    """A beat between the statements of its tick, or between its commit and its messages."""

    #: ``""``, ``"deciding"`` or ``"publishing"``.
    at: str = ""
    #: What the tick read, and what it will decide from.
    waiting: tuple[Slice, ...] = ()
    uncut: int = 0
    #: The run goes on, and may be cut.
    open: bool = False
    #: Whether it saw that the campaign was stopped.
    ending: bool = False
    #: Batches whose messages it still has to put on the queue.
    publish: tuple[int, ...] = ()
    #: Rows it took for doubtful when it began (only where the guard ``reclaim_locks`` is off).
    doubtful: tuple[int, ...] = ()
    expired: tuple[int, ...] = ()


class Statement(NamedTuple):
    """A statement on its way to PostgreSQL from somebody who will never hear the answer."""

    name: str
    batch: int
    token: int
    hands: tuple[Hand, ...] = ()


class Journal(NamedTuple):
    """What a dead process left of a batch: the rows that it had not let go."""

    batch: int
    token: int
    stayed: Slice = ()


class Budget(NamedTuple):
    """How much may still go wrong, and how often people may still step in."""

    crashes: int = 0
    expiries: int = 0
    lost: int = 0
    repeated: int = 0
    answers: int = 0
    pauses: int = 0
    stops: int = 0
    opt_outs: int = 0
    decisions: int = 0
    reports: int = 0


class State(NamedTuple):
    """Everything."""

    budget: Budget
    rows: tuple[Row, ...]
    workers: tuple[Worker, ...]
    beats: tuple[Beat, ...]
    #: Status of the run: sending, closing, finished.
    run: str = SENDING
    paused: bool = False
    stopped: bool = False
    opted_out: tuple[int, ...] = ()
    #: Rows from here on were never cut (``lanes.next_seq``).
    uncut: int = 0
    waiting: tuple[Slice, ...] = ()
    batches: tuple[Batch, ...] = ()
    #: Messages that name a batch.
    queue: tuple[int, ...] = ()
    wire: tuple[Statement, ...] = ()
    journals: tuple[Journal, ...] = ()

    def batch(self, batch_id: int) -> Batch | None:
        for one in self.batches:
            if one.id == batch_id:
                return one
        return None

    @property
    def settled(self) -> bool:
        """Whether every row has its end."""
        return all(row.status not in (PENDING, SENDING) for row in self.rows)


def initial(rows: int, workers: int, beats: int, budget: Budget) -> State:
    """A run whose recipients are written and of which nothing was cut yet."""
    return State(budget, (Row(),) * rows, (Worker(),) * workers, (Beat(),) * beats)


def with_worker(state: State, number: int, worker: Worker) -> State:
    workers = state.workers
    return state._replace(workers=(*workers[:number], worker, *workers[number + 1 :]))


def with_beat(state: State, number: int, beat: Beat) -> State:
    beats = state.beats
    return state._replace(beats=(*beats[:number], beat, *beats[number + 1 :]))


def with_rows(state: State, changed: dict[int, Row]) -> State:
    if not changed:
        return state
    return state._replace(rows=tuple(changed.get(n, row) for n, row in enumerate(state.rows)))


def spend(state: State, what: str) -> State | None:
    """The same with one less of ``what`` to come; ``None`` if there is none left."""
    left = getattr(state.budget, what)
    return state._replace(budget=state.budget._replace(**{what: left - 1})) if left else None


def fresh_id(state: State) -> int:
    """A batch id that nobody knows."""
    known = [one.id for one in state.batches] + [*state.queue]
    known += [worker.batch for worker in state.workers]
    known += [one.batch for one in (*state.wire, *state.journals)]
    known += [number for beat in state.beats for number in beat.publish]
    return max(known, default=0) + 1


def fresh_token(state: State) -> int:
    """A lease token that nobody knows."""
    known = [one.token for one in (*state.batches, *state.rows, *state.workers)]
    known += [one.token for one in (*state.wire, *state.journals)]
    return max(known, default=0) + 1
