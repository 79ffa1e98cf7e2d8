"""What a batch asks the limiter for, and what becomes of messages that cost more than expected."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

import pytest

from campaigns.database import Connection
from tests.support import ledger as rows
from tests.support.batches import Bench, ScriptedAdapter
from worker.batch import send_batch
from worker.engine import Engine
from worker.throttle.base import Limit, Permits, Wait
from worker.throttle.memory import MemoryLimiter

#: Three segments: two parts of 153 septets and one more.
LONG = "a" * 307


@dataclass
class Question:
    """What the limiter was asked, and what it answered."""

    want: int
    rules: dict[str, object]
    answer: Permits | Wait


@dataclass
class Recorder(MemoryLimiter):
    """A limiter that remembers."""

    asked: list[Question] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def acquire(self, account, rate_per_second, want, **rules):
        answer = await super().acquire(account, rate_per_second, want, **rules)
        self.asked.append(Question(want, rules, answer))
        return answer

    @property
    def granted(self) -> int:
        """All units that were leased."""
        return sum(q.answer.count for q in self.asked if isinstance(q.answer, Permits))


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    bench = Bench(conn, database)
    bench.limiter = Recorder()
    return bench


def configure(bench: Bench, **keys: object) -> None:
    bench.configs = [bench.config.model_copy(update=keys)]


def write(bench: Bench, template: str, segments: int = 1) -> None:
    bench.conn.execute("UPDATE campaigns SET template = %s, segments = %s", (template, segments))


def test_a_message_takes_a_unit_for_each_of_its_segments(bench):
    configure(bench, rate="1000/s")
    write(bench, LONG, segments=3)
    bench.send(bench.cut(0, 10))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 10}
    assert bench.limiter.granted == 30


def test_where_messages_are_counted_each_takes_one_unit(bench):
    configure(bench, rate="1000/s", rate_unit="message")
    write(bench, LONG, segments=3)
    bench.send(bench.cut(0, 10))
    assert bench.limiter.granted == 10


def test_messages_dearer_than_expected_lease_what_they_lack(bench):
    """Only the rendered text tells: a field of the contact may be long."""
    configure(bench, rate="1000/s")
    write(bench, LONG, segments=1)
    bench.send(bench.cut(0, 10))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 10}
    assert bench.limiter.granted >= 30


def test_what_finds_no_permit_in_time_goes_back_uncharged_and_fits_the_next_time(bench):
    """At a slow rate too: whoever sends for the run next leases enough at once."""
    configure(bench, rate="3/s")
    write(bench, LONG, segments=1)
    first = bench.cut(0, 1)

    async def try_twice(engine: Engine) -> None:
        await send_batch(engine, first)
        row = bench.conn.execute(
            "SELECT status, attempts, error_code FROM deliveries WHERE seq = 0"
        ).fetchone()
        assert (row["status"], row["attempts"], row["error_code"]) == ("pending", 0, "no_permit")
        assert bench.waiting() == {"returned": 1}
        assert engine.accounts.get("carrier").slots.free == bench.config.max_in_flight
        bench.conn.execute("DELETE FROM slices")
        await send_batch(engine, bench.cut(0, 1))

    bench.send(first, try_twice)
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 1}


def test_without_any_limit_nothing_is_counted(bench):
    write(bench, LONG, segments=1)
    bench.send(bench.cut(0, 10))
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 10}
    assert bench.limiter.granted == 10


def test_a_batch_obeys_the_limits_that_it_was_cut_with(bench):
    configure(bench, rate="600/min", burst=4)
    batch_id = bench.cut(0, 3)
    bench.conn.execute(
        "UPDATE batches SET limit_keys = %s, limit_rates = %s",
        (["sender:carrier:1", "team:2"], [500.0, 800.0]),
    )
    bench.send(batch_id)
    assert rows.counters(bench.conn, bench.run_id) == {"accepted": 3}
    limits = (Limit("sender:carrier:1", 500.0), Limit("team:2", 800.0))
    rules = {"at_least": 1, "others": limits, "burst": 4, "period": 60.0, "within": math.inf}
    for question in bench.limiter.asked:
        assert {name: question.rules[name] for name in rules} == rules


@pytest.mark.parametrize(("burst", "largest"), [(None, 7), (1, 1), (3, 3), (100, 7)])
def test_one_request_carries_only_messages_that_may_leave_together(bench, burst, largest):
    """Or a request of many would leave ahead of the slots of all but its first message."""
    configure(bench, rate="1000/s", burst=burst)
    sizes: list[int] = []

    class Bulk(ScriptedAdapter):
        def encode(self, messages):
            sizes.append(len(messages))
            return super().encode(messages)

    bench.adapter = Bulk({}, 7)
    bench.send(bench.cut(20, 34))
    assert max(sizes) == largest
    assert sum(sizes) == 14


def test_a_request_of_many_leaves_at_the_first_slot_of_its_messages(bench):
    """Where nothing is said about bursts, as full as a tenth of the rate pays for."""
    configure(bench, rate="40/s")
    requests: list[tuple[float, int]] = []

    class Bulk(ScriptedAdapter):
        def encode(self, messages):
            requests.append((time.monotonic(), len(messages)))
            return super().encode(messages)

    bench.adapter = Bulk({}, 100)
    bench.send(bench.cut(20, 40))
    grants = [q.answer for q in bench.limiter.asked if isinstance(q.answer, Permits)]
    assert {grant.burst for grant in grants} == {5}
    assert max(size for _, size in requests) == 5
    assert sum(size for _, size in requests) == 20


def test_without_a_rate_requests_are_as_full_as_the_adapter_makes_them(bench):
    sizes: list[int] = []

    class Bulk(ScriptedAdapter):
        def encode(self, messages):
            sizes.append(len(messages))
            return super().encode(messages)

    bench.adapter = Bulk({}, 4)
    bench.send(bench.cut(20, 40))
    assert sizes == [4] * 5


class Lots(MemoryLimiter):
    """Leases two slots at a time, and the first of each lot is due at the same moment."""

    def __init__(self) -> None:
        super().__init__()
        self._start = math.inf

    async def acquire(self, account, rate_per_second, want, **rules):
        self._start = min(self._start, time.monotonic() + 0.1)
        return Permits(self._start, 0.001, min(want, 2), tolerance=60.0)


def test_lots_that_are_due_together_are_claimed_one_after_the_other(bench):
    """Or the second claim would find the rows of the first, and the batch would seem empty."""
    bench.limiter = Lots()
    batch_id = bench.cut(14, 22)
    bench.conn.execute("UPDATE batches SET limit_keys = '{team:1}', limit_rates = '{100}'")
    claimed: list[int] = []
    under_way = 0

    async def prepare(engine: Engine) -> None:
        claim = engine.ledger.claim

        async def alone(lease, amount, channel):
            nonlocal under_way
            under_way += 1
            assert under_way == 1
            found = await claim(lease, amount, channel)
            under_way -= 1
            claimed.append(len(found or ()))
            return found

        engine.ledger.claim = alone

    assert bench.send(batch_id, prepare) == 8
    assert claimed == [2, 2, 2, 2]
