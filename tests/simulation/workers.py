"""Send processes in simulated time: the steps of :mod:`worker.batch`, one event after the other.

The limiter is the real one of :mod:`worker.throttle.memory` and the condition of an account the
real :class:`worker.condition.Condition`; requests are a random answer after a random time.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from datetime import datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any

from campaigns.providers import ProviderConfig
from campaigns.run import handback
from tests.simulation import send_queries
from tests.simulation.processes import Departure, Process, result
from worker import outcomes
from worker.adapters.base import Outcome, Throttled, Unknown
from worker.batch import BATCH_SECONDS, PATIENCE, TAKE_OVER_PAUSE
from worker.chunk import LATEST_END
from worker.costs import Estimate
from worker.departures import Departure as Slot
from worker.departures import departures
from worker.ledger import LEASE_SECONDS
from worker.outcomes import NotSent, Settlement
from worker.spread import CHUNK, STEP_SECONDS
from worker.throttle.base import Limit, Permits, Wait

if TYPE_CHECKING:
    from tests.simulation.world import World


#: How long a claim takes and how late a request leaves, in seconds. Both together are what the
#: emission interval allows for where limits hold each other up.
CLAIM_TAKES = 0.002
LEAVES_LATE = 0.002

#: The longest that a request is on its way. Gates close early enough for it.
LONGEST_WAY = timedelta(seconds=0.25)

MOMENT = timedelta(milliseconds=1)


class Sending:
    """One batch in the hands of one process. Yields the moments at which it goes on."""

    def __init__(self, world: World, process: Process, batch_id: int) -> None:
        self._world = world
        self._process = process
        self._batch_id = batch_id
        self._token = world.random.getrandbits(64)
        self._repelled = False
        self._taken = 0
        self._answered_by = world.now
        #: Chunks whose outcomes are not written yet. A batch ends behind all of them, also where it
        #: goes on after a standstill at the very moment at which they do.
        self._unrecorded = 0
        self._random = world.random

    def run(self) -> Iterator[datetime]:
        rows = self._do("lease_batch", lease_seconds=LEASE_SECONDS)
        if not rows:
            return
        self._batch = dict(rows[0])
        self._config: ProviderConfig = self._world.providers.by_name[self._batch["provider"]]
        self._condition = self._world.accounts.condition(self._process, self._config.name)
        self._runs = sorted({p["run_id"] for p in self._world.ledger.cut[self._batch_id]})
        self._estimate = Estimate(fmean(self._cost(run_id) for run_id in self._runs))
        if self._condition.is_open and self._others():
            self._hand_back(0.0)
            return
        wait = yield from self._claim_chunks()
        while self._world.now < self._answered_by or self._unrecorded:
            answered_by = max(self._answered_by, self._world.now + MOMENT)
            yield min(answered_by, self._world.now + timedelta(seconds=LEASE_SECONDS / 3))
            self._do("renew_lease", lease_seconds=LEASE_SECONDS)
        rest = max(wait, self._condition.rest(self._world.seconds))
        self._hand_back(min(rest, TAKE_OVER_PAUSE) if self._config.fallback else rest)

    def _claim_chunks(self) -> Generator[datetime, None, float]:
        world = self._world
        deadline = world.seconds + BATCH_SECONDS
        while self._taken < self._batch["messages"]:
            if world.seconds > deadline or self._is_held():
                return 0.0
            due_at = self._due_at(self._taken)
            if due_at > world.now:
                yield due_at
            messages = self._step()
            while not isinstance(answer := self._permits(messages), Permits):
                if answer.seconds > PATIENCE:
                    return max(answer.seconds - PATIENCE, 0.0)
                yield world.now + timedelta(seconds=answer.seconds)
            if answer.start > world.seconds:
                yield world.at(answer.start)
            if self._is_held():
                return 0.0
            amount = min(messages, self._estimate.messages(answer.due_within(STEP_SECONDS)))
            rows = self._do("claim", amount=amount, lease_seconds=LEASE_SECONDS)
            if not rows:
                return 0.0
            self._taken += amount
            self._send(rows, answer)
        return 0.0

    def _permits(self, messages: int) -> Permits | Wait:
        per_second = self._config.per_second
        if per_second is not None:
            per_second *= self._condition.factor(self._world.now)
        limits = zip(self._batch["limit_keys"], self._batch["limit_rates"], strict=True)
        known = self._process.stragglers(self._config.name).needed(self._runs, self._world.seconds)
        return result(
            self._world.limiter.acquire(
                self._config.name,
                per_second,
                self._estimate.units(messages),
                at_least=max(self._estimate.units(1), known),
                others=[Limit(*each) for each in limits],
                burst=self._config.together(1),
                period=self._config.period,
            )
        )

    def _cost(self, run_id: int) -> int:
        """In the units of the account's rate."""
        segments: int = self._world.campaign_of(run_id)["segments"]
        return segments if self._config.counts_segments else 1

    def _send(self, rows: list[dict[str, Any]], permits: Permits) -> None:
        """Let the rows leave in their slots; the answers come later."""
        world, claimed_at = self._world, self._world.now
        settlements: list[Settlement] = []
        answered_by = claimed_at
        costs = [self._cost(row["run_id"]) for row in rows]
        self._estimate.learn(costs)
        slots = departures(permits, costs, permits.start + LATEST_END)
        for row, cost, slot in zip(rows, costs, slots, strict=True):
            late = CLAIM_TAKES if row is rows[0] else 0.0
            leaves = max(world.at(slot.at) if slot else claimed_at, claimed_at)
            leaves += timedelta(seconds=late + self._random.random() * LEAVES_LATE)
            leaves = self._process.awake(leaves)
            if self._process.dies_within(claimed_at, leaves):
                continue
            outcome: Outcome | NotSent | None
            outcome = self._forbidden(row, cost, slot, leaves, claimed_at)
            answered_at = leaves
            if outcome is None:
                outcome, takes = world.carrier.reply(
                    self._config.name, leaves, self._process.slowness
                )
                if not isinstance(outcome, NotSent):
                    arrives = leaves + min(takes / 2, LONGEST_WAY)
                    self._leave(leaves, arrives, row, type(outcome).__name__)
                answered_at += takes
                self._note(outcome, leaves, answered_at)
            answered_by = max(answered_by, answered_at)
            settlements.append(
                outcomes.settle(
                    row["run_id"], row["seq"], row["attempts"], outcome,
                    max_attempts=world.most_attempts(row["run_id"]),
                )
            )  # fmt: skip
        self._answered_by = max(self._answered_by, answered_by)
        self._unrecorded += 1
        world.later(answered_by, lambda: self._record(settlements), self._process)

    def _leave(self, at: datetime, arrives: datetime, row: dict[str, Any], outcome: str) -> None:
        self._world.departures.append(
            Departure(at, arrives, self._config.name, row["run_id"], row["seq"], outcome)
        )

    def _forbidden(
        self,
        row: dict[str, Any],
        cost: int,
        slot: Slot | None,
        leaves: datetime,
        claimed_at: datetime,
    ) -> NotSent | None:
        """Why a request must not leave any more."""
        moment = self._world.monotonic(leaves)
        stragglers = self._process.stragglers(self._config.name)
        if slot is None:
            stragglers.note(row["run_id"], cost, moment)
            return NotSent("no_room")
        stragglers.sent(row["run_id"], cost)
        closes_at = self._world.monotonic(claimed_at) + row["closes_in"]
        if moment > slot.latest or moment >= closes_at:
            return NotSent("too_late")
        return NotSent("cooling") if self._condition.rest(moment) else None

    def _note(self, outcome: Outcome | NotSent, left: datetime, answered_at: datetime) -> None:
        """What the answer says about the account, once it is there."""
        world, condition = self._world, self._condition
        sent = world.monotonic(left)

        def heard() -> None:
            now = world.seconds
            match outcome:
                case NotSent(code):
                    self._repelled = True
                    condition.failed(now, code)
                case Unknown(code):
                    condition.unanswered(now, code)
                case Throttled() as throttled:
                    self._repelled = True
                    condition.throttled(now, sent, outcomes.cooling(throttled), throttled.code)
                case _:
                    condition.answered()
            if condition.has_news:
                world.accounts.tell(condition, self._config.name)

        quiet = not isinstance(outcome, NotSent | Unknown | Throttled)
        if quiet and not condition.is_open and not world.accounts.is_troubled(self._config.name):
            # Nothing changes by it; an event for each message would be most of the work.
            return
        world.later(answered_at, heard, self._process)

    def _record(self, settlements: list[Settlement]) -> None:
        self._unrecorded -= 1
        self._do(
            "record",
            run_ids=[s.run_id for s in settlements],
            seqs=[s.seq for s in settlements],
            statuses=[s.status for s in settlements],
            charged=[s.charged for s in settlements],
        )
        for run_id in {s.run_id for s in settlements}:
            self._world.want_if_settled(run_id)

    def _hand_back(self, wait: float) -> None:
        if self._do("finish_batch") or not self._do("own_batch"):
            return
        self._do("release_unsent")
        now = self._world.now
        send_queries.hand_back(
            self._world.ledger,
            handback.parameters(
                [self._batch_id], now=now, not_before=now + timedelta(seconds=wait)
            ),
        )
        self._world.want(now)

    def _is_held(self) -> bool:
        condition = self._world.accounts.condition(self._process, self._config.name)
        awaits_probe = condition.is_open and self._batch["messages"] > 1
        return self._repelled or awaits_probe or condition.rest(self._world.seconds) > PATIENCE

    def _others(self) -> bool:
        return any(
            batch["id"] != self._batch_id
            and batch["provider"] == self._config.name
            and batch["status"] == "leased"
            and batch["lease_until"] > self._world.now
            for batch in self._world.ledger.batches.values()
        )

    def _due_at(self, index: int) -> datetime:
        start, end = self._batch["spread_from"], self._batch["spread_until"]
        due: datetime = start + max(end - start, timedelta(0)) * (index / self._batch["messages"])
        return due

    def _step(self) -> int:
        messages: int = self._batch["messages"]
        left = messages - self._taken
        span = (self._batch["spread_until"] - self._batch["spread_from"]).total_seconds()
        if span <= STEP_SECONDS:
            return min(CHUNK, left)
        late = max((self._world.now - self._due_at(self._taken)).total_seconds(), 0.0)
        per_step: int = math.ceil(messages * STEP_SECONDS / span) + math.floor(
            late * messages / span
        )
        return min(CHUNK, left, per_step)

    def _do(self, name: str, **parameters: Any) -> Any:
        own = {"batch_id": self._batch_id, "token": self._token, "now": self._world.now}
        return getattr(send_queries, name)(self._world.ledger, {**own, **parameters})
