"""The scripts that Redis runs give the answers of their specification, to the microsecond."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from worker.throttle import gcra

SCRIPTS = resources.files("worker.throttle")

#: All sixteen digits differ from zero somewhere, so that a lost one shows.
NOW = 1_923_456_789_123_457

terms = st.builds(
    gcra.Terms,
    interval_us=st.one_of(st.integers(1, 50_000), st.integers(1, gcra.MAX_INTERVAL_US)),
    horizon_us=st.integers(0, gcra.SECOND_US),
    max_block_us=st.integers(0, gcra.SECOND_US),
)
passed = st.integers(0, 2 * gcra.SECOND_US)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("reserve"), passed, terms, st.integers(1, 1000)),
        st.tuples(st.just("cool"), passed, st.integers(0, gcra.MAX_COOL_US)),
        st.tuples(st.just("cool"), passed, st.integers(0, gcra.SECOND_US)),
        st.tuples(st.just("set the clock back"), st.integers(0, 3600 * gcra.SECOND_US)),
        st.tuples(st.just("lose the key"), passed),
    ),
    min_size=1,
    max_size=40,
)


class Scripts:
    """One cell in Redis, on a time that the test gives."""

    _numbers = count(1)

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._reserve = redis.register_script((SCRIPTS / "gcra.lua").read_text("utf-8"))
        self._cool = redis.register_script((SCRIPTS / "cool.lua").read_text("utf-8"))
        self._key = f"oracle:{next(self._numbers)}"

    def reserve(self, now_us: int, terms: gcra.Terms, want: int) -> gcra.Grant:
        args = (terms.interval_us, want, terms.horizon_us, terms.max_block_us, now_us)
        return gcra.Grant(*self._reserve(keys=[self._key], args=args))

    def cool(self, now_us: int, span_us: int) -> int:
        return int(self._cool(keys=[self._key], args=(span_us, now_us)))

    def lose(self) -> None:
        self._redis.delete(self._key)

    @property
    def cell(self) -> gcra.Cell:
        tat, until, span = self._redis.hmget(self._key, "tat", "cool_until", "cool_span")
        return gcra.Cell(None if tat is None else int(tat), int(until or 0), int(span or 0))

    @property
    def expires_in_us(self) -> int:
        return self._redis.pttl(self._key) * 1000


@pytest.fixture
def redis(redis_url: str) -> Iterator[Redis]:
    with Redis.from_url(redis_url) as client:
        yield client


@given(history=histories)
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_redis_and_the_specification_agree(redis: Redis, history: list[tuple[object, ...]]) -> None:
    scripts, cell, now = Scripts(redis), gcra.Cell(), NOW
    for step in history:
        match step:
            case ("reserve", int(later), gcra.Terms() as terms, int(want)):
                now += later
                cell, grant = gcra.reserve(cell, now, terms, want)
                assert scripts.reserve(now, terms, want) == grant
            case ("cool", int(later), int(span)):
                now += later
                cell = gcra.cool(cell, now, span)
                assert scripts.cool(now, span) == gcra.cooling_us(cell, now)
            case ("set the clock back", int(back)):
                now -= back
            case ("lose the key", int(later)):
                now += later
                cell = gcra.Cell()
                scripts.lose()
        assert scripts.cell == cell
        furthest = max(cell.tat_us or 0, cell.cool_until_us)
        assert cell == gcra.Cell() or scripts.expires_in_us > furthest - now


def test_a_cell_vanishes_a_day_after_its_last_use(redis: Redis) -> None:
    scripts = Scripts(redis)
    scripts.reserve(NOW, gcra.Terms(20_000, 500_000, 200_000), 1)
    assert 86_400 < scripts.expires_in_us / gcra.SECOND_US <= 86_401
    scripts.cool(NOW, 10 * gcra.SECOND_US)
    assert 86_401 < scripts.expires_in_us / gcra.SECOND_US <= 86_410


def test_the_scripts_leave_no_globals(redis: Redis) -> None:
    scripts = Scripts(redis)
    scripts.reserve(NOW, gcra.Terms(20_000, 500_000, 200_000), 1)
    scripts.cool(NOW, 1)
    for name in ("now", "tat", "cell", "whole", "run", "KEEP_MS"):
        # Redis itself refuses to read a global that nobody has set.
        with pytest.raises(Exception, match="nonexistent global variable"):
            redis.eval(f"return {name}", 0)
