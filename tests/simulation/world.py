"""Everything together, in simulated time: beats, ledger, workers, providers, and what people do.

Time jumps from event to event. A tick takes place where some run may want something or something
is to be started, ended, published or taken back; those in between would find nothing to do.
"""

from __future__ import annotations

import heapq
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

from campaigns.clock import Clock
from campaigns.providers import Providers
from campaigns.schedule.stored import series_of
from campaigns.schedule.windows import FOREVER
from scheduler.duties import reading
from scheduler.duties.known_runs import KnownRuns
from scheduler.memory import Memory
from scheduler.tick import tick
from tests.simulation import tick_queries
from tests.simulation.agenda import Agenda
from tests.simulation.beats import Beats
from tests.simulation.broker import Broker, Chances
from tests.simulation.carrier import Carrier
from tests.simulation.changes import change
from tests.simulation.connection import MemoryConnection
from tests.simulation.health import Accounts
from tests.simulation.ledger import Audience, Ledger, Row
from tests.simulation.processes import Departure, Process
from tests.simulation.waking import AllTimes, wake_at
from worker.throttle.memory import MemoryLimiter

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


#: So many ticks for each campaign are several times what they need.
MOST_TICKS = 400


@dataclass(frozen=True)
class Cut:
    """What an account had outstanding once a tick had cut for it."""

    at: datetime
    provider: str
    outstanding: int


class _Clock(Clock):
    """The limiter's."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now

    def monotonic(self) -> float:
        return self._world.seconds

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


class World:
    """A year, or an hour, of campaigns."""

    def __init__(
        self,
        *,
        seed: int,
        begin: datetime,
        providers: Providers,
        beats: Beats,
        processes: Sequence[Process],
        carrier: Carrier,
        audiences: Mapping[UUID, Audience],
        chances: Chances | None = None,
        every_tick: bool = False,
    ) -> None:
        self.random = random.Random(f"world {seed}")
        self.now = begin
        self.providers = providers
        self.carrier = carrier
        self.ledger = Ledger()
        self.conn = MemoryConnection(self.ledger)
        self.limiter = MemoryLimiter(clock=_Clock(self))
        self.departures: list[Departure] = []
        self.cuts: list[Cut] = []
        #: What each campaign said, and from when on.
        self.history: dict[UUID, list[tuple[datetime, Row]]] = {}
        #: Where the windows of each run were, and from when on.
        self.windows: dict[int, list[tuple[datetime, datetime]]] = {}
        #: When a process went on that had stood still.
        self.stood_still = sorted(end for each in processes for _, end in each.stalls)
        #: What the judges do not see.
        self.happened: Counter[str] = Counter()
        self._beats = beats
        self.accounts = Accounts(self)
        self.is_calm = chances is not None and not chances.lost
        self._broker = Broker(self, processes, audiences, chances or Chances())
        self._every_tick = every_tick
        self._events: list[tuple[datetime, int, Callable[[], None]]] = []
        self._order = count()
        self._times = AllTimes()
        self._memory = Memory(KnownRuns(self._times))
        self._agenda = Agenda(self.ledger)
        self._last_tick: datetime | None = None
        self._wanted = begin
        self._ticks_at: datetime | None = None
        for process in processes:
            for death, _ in process.deaths:
                self.later(death, process.die)

    # Time.

    def monotonic(self, moment: datetime | None = None) -> float:
        return ((moment or self.now) - EPOCH).total_seconds()

    @property
    def seconds(self) -> float:
        return self.monotonic()

    def at(self, seconds: float) -> datetime:
        return EPOCH + timedelta(seconds=seconds)

    # Events.

    def later(
        self, at: datetime, event: Callable[[], None], process: Process | None = None
    ) -> None:
        """Let ``event`` happen at ``at``, unless its process dies before that."""
        if process is None:
            heapq.heappush(self._events, (at, next(self._order), event))
            return
        life = process.life

        def happens() -> None:
            if process.life != life:
                return
            awake = process.awake(self.now)
            if awake > self.now:
                self.later(awake, event, process)
            else:
                event()

        heapq.heappush(self._events, (at, next(self._order), happens))

    def want(self, at: datetime) -> None:
        """A tick is of use at ``at``."""
        if at < self._wanted:
            self._wanted, self._ticks_at = at, None

    def want_if_settled(self, run_id: int) -> None:
        if not self.ledger.deliveries[run_id].unsettled:
            self.want(self.now)

    def run(self, until: datetime) -> None:
        """Up to ``until``."""
        while True:
            if self._ticks_at is None:
                wanted = min(self._wanted, until + timedelta(days=1))
                self._ticks_at = self._beats.following(wanted, self._last_tick)
            if self._events and self._events[0][0] <= self._ticks_at:
                at, _, event = heapq.heappop(self._events)
                if at > until:
                    return
                self.now = max(self.now, at)
                event()
            else:
                if self._ticks_at > until:
                    return
                self.now = max(self.now, self._ticks_at)
                self._tick()

    # The scheduler.

    def _tick(self) -> None:
        now = self._last_tick = self.now
        self.happened["tick"] += 1
        if self.happened["tick"] > MOST_TICKS * (len(self.ledger.campaigns) + 50):
            raise RuntimeError("the campaigns do not come to their end")
        self._agenda.bring_near(now)
        # Ticks that are left out would have shown that a beat is there.
        self.ledger.last_beat = self._beats.preceding(now)
        before = max(self.ledger.batches, default=0)
        windows = {run["id"]: run["window_at"] for run in self.ledger.open.values()}
        report = tick(
            self.conn,  # type: ignore[arg-type]
            self.providers,
            name="beat@simulation",
            now=now,
            memory=Memory(KnownRuns(self._times)),
        )
        assert report is not None
        self.happened["taken back"] += report.reclaimed
        self._note_cuts(before)
        self._note_windows(windows)
        for task, row_id in report.publish:
            self._broker.publish(task, row_id)
        wanted = self._agenda.next(now)
        for run in list(self.ledger.open.values()):
            if run["status"] == "sending":
                wanted = min(wanted, self._sleep(run, now))
        if self._every_tick or report.finished or report.closing:
            # Whatever waited for that is found by the next tick.
            wanted = now
        self._wanted, self._ticks_at = wanted, None

    def _sleep(self, run: Row, now: datetime) -> datetime:
        """Put the run to sleep for as long as it will want nothing."""
        asleep = self.ledger.asleep.get(run["id"])
        if asleep is not None and asleep > now:
            return asleep
        if self._every_tick:
            return now
        rows = tick_queries.lane_rows(self.ledger, run, now)
        times = self._times.of(self.conn, rows, now)
        seen = reading.run(rows, times, self.providers)
        at = wake_at(seen, {row["lane"]: row["retries"] for row in rows}, now)
        for piece in self.ledger.waiting.get(run["id"], {}).values():
            if piece["not_before"] > now:
                at = min(at, piece["not_before"])
        if at > now:
            self.ledger.asleep[run["id"]] = at
        return at

    def _note_cuts(self, before: int) -> None:
        names = {b["provider"] for n, b in self.ledger.batches.items() if n > before}
        for name in names:
            held = sum(b["messages"] for b in self.ledger.batches.values() if b["provider"] == name)
            self.cuts.append(Cut(self.now, name, held))

    def _note_windows(self, before: dict[int, datetime]) -> None:
        for run in self.ledger.open.values():
            if before.get(run["id"]) != run["window_at"]:
                self.windows.setdefault(run["id"], []).append((self.now, run["window_at"]))

    def lose_limiter(self) -> None:
        """Everything in Redis is gone."""
        self.happened["limiter lost"] += 1
        self.limiter = MemoryLimiter(clock=_Clock(self))

    # What people do.

    def add(self, campaign: Row) -> None:
        """Submit a campaign."""
        self.ledger.campaigns[campaign["id"]] = campaign
        self.history[campaign["id"]] = [(self.now, dict(campaign))]

    def change(self, campaign_id: UUID, fields: Row) -> None:
        """Pause, resume, stop or edit a campaign that is not over."""
        campaign = self.ledger.campaigns[campaign_id]
        if campaign["status"] not in ("scheduled", "sending"):
            return
        windows = {run["id"]: run["window_at"] for run in self.ledger.open.values()}
        if not change(self.ledger, campaign_id, fields, self.now):
            self.later(self.now + timedelta(seconds=5), lambda: self.change(campaign_id, fields))
            return
        self.happened[f"change of {min(fields)}"] += 1
        self.history[campaign_id].append((self.now, dict(campaign)))
        self._note_windows(windows)
        self.want(self.now)

    # What the workers ask for.

    def campaign_of(self, run_id: int) -> Row:
        return self.ledger.campaign_of(self.ledger.runs[run_id])

    def occurrences_of(self, campaign: Row) -> list[datetime]:
        """All of the campaign's; there are few."""
        times = series_of(campaign).times
        return times.between(campaign["scheduled_send_date"], FOREVER, limit=1000)

    def most_attempts(self, run_id: int) -> int:
        chain = self.providers.chain(self.ledger.runs[run_id]["provider"])
        return sum(each.max_attempts for each in chain)
