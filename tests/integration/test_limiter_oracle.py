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

#: The account and two other limits, as many of them as a question names.
KEYS = 3


@st.composite
def questions(draw: st.DrawFn) -> gcra.Terms:
    interval = st.one_of(st.integers(1, 50_000), st.integers(1, gcra.MAX_INTERVAL_US))
    near = draw(st.integers(1, 50_000))
    others = st.lists(st.one_of(interval, st.integers(near, near + 2_000)), max_size=KEYS - 1)
    account = draw(st.one_of(st.just(near), interval, st.just(0)))
    intervals = (account, *draw(others))
    return gcra.Terms(
        intervals_us=intervals if any(intervals) else (near,),
        horizon_us=draw(st.integers(0, gcra.SECOND_US)),
        max_block_us=draw(st.integers(0, gcra.SECOND_US)),
        lag_us=draw(st.integers(0, 20_000)),
        burst=draw(st.integers(1, 50)),
        lead_us=draw(st.one_of(st.just(0), st.integers(0, gcra.SECOND_US))),
        within_us=draw(st.one_of(st.just(gcra.MAX_COOL_US), st.integers(0, gcra.SECOND_US))),
    )


passed = st.integers(0, 2 * gcra.SECOND_US)
histories = st.lists(
    st.one_of(
        st.tuples(
            st.just("reserve"), passed, questions(), st.integers(1, 1000), st.integers(1, 12)
        ),
        st.tuples(st.just("cool"), passed, st.integers(0, gcra.MAX_COOL_US)),
        st.tuples(st.just("cool"), passed, st.integers(0, gcra.SECOND_US)),
        st.tuples(st.just("set the clock back"), st.integers(0, 3600 * gcra.SECOND_US)),
        st.tuples(st.just("lose a key"), st.integers(0, KEYS - 1)),
    ),
    min_size=1,
    max_size=40,
)

NEAR = [
    gcra.Terms((10_000, 10_500, 10_900), 300_000, 100_000, lag_us=5_000),
    gcra.Terms((10_800, 10_000, 10_900), 300_000, 100_000, lag_us=5_000),
    gcra.Terms((10_000, 10_000, 10_000), 300_000, 100_000, lag_us=5_000, burst=30),
]
near_histories = st.lists(
    st.tuples(
        st.just("reserve"),
        st.one_of(st.integers(0, 10_000), passed),
        st.sampled_from(NEAR),
        st.integers(1, 50),
        st.just(1),
    ),
    min_size=10,
    max_size=40,
)


class Scripts:
    """Cells in Redis, on a time that the test gives."""

    _numbers = count(1)

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._reserve = redis.register_script((SCRIPTS / "gcra.lua").read_text("utf-8"))
        self._cool = redis.register_script((SCRIPTS / "cool.lua").read_text("utf-8"))
        number = next(self._numbers)
        self._keys = [f"oracle:{number}:{index}" for index in range(KEYS)]

    def reserve(self, now_us: int, terms: gcra.Terms, want: int, at_least: int = 1) -> gcra.Grant:
        lengths = (terms.horizon_us, terms.ahead_us(at_least), terms.max_block_us, terms.lag_us)
        own = (terms.burst, terms.lead_us)
        args = (want, at_least, *lengths, *own, *terms.intervals_us, now_us)
        keys = self._keys[: len(terms.intervals_us)]
        *grant, shown_us = self._reserve(keys=keys, args=args)
        assert shown_us == now_us
        return gcra.Grant(*grant)

    def cool(self, now_us: int, span_us: int) -> int:
        return int(self._cool(keys=self._keys[:1], args=(span_us, now_us)))

    def lose(self, index: int) -> None:
        self._redis.delete(self._keys[index])

    def cell(self, index: int = 0) -> gcra.Cell:
        names = ("tat", "block", "cool_until", "cool_span")
        tat, *numbers = self._redis.hmget(self._keys[index], *names)
        return gcra.Cell(None if tat is None else int(tat), *(int(n or 0) for n in numbers))

    def expires_in_us(self, index: int = 0) -> int:
        return self._redis.pttl(self._keys[index]) * 1000


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
    agree(Scripts(redis), history)


@given(history=near_histories)
@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_they_agree_on_limits_that_hold_each_other_up(
    redis: Redis, history: list[tuple[object, ...]]
) -> None:
    agree(Scripts(redis), history)


def agree(scripts: Scripts, history: list[tuple[object, ...]]) -> None:
    cells, now = [gcra.Cell()] * KEYS, NOW
    for step in history:
        match step:
            case ("reserve", int(later), gcra.Terms() as terms, int(want), int(at_least)):
                now += later
                asked = len(terms.intervals_us)
                cells[:asked], grant = gcra.reserve(cells[:asked], now, terms, want, at_least)
                assert scripts.reserve(now, terms, want, at_least) == grant
            case ("cool", int(later), int(span)):
                now += later
                cells[0] = gcra.cool(cells[0], now, span)
                assert scripts.cool(now, span) == gcra.cooling_us(cells[0], now)
            case ("set the clock back", int(back)):
                now -= back
            case ("lose a key", int(index)):
                cells[index] = gcra.Cell()
                scripts.lose(index)
        for index, cell in enumerate(cells):
            assert scripts.cell(index) == cell
            furthest = max(cell.tat_us or 0, cell.cool_until_us)
            assert cell == gcra.Cell() or scripts.expires_in_us(index) > furthest - now


def test_a_cell_vanishes_a_day_after_its_last_use(redis: Redis) -> None:
    scripts = Scripts(redis)
    scripts.reserve(NOW, gcra.Terms((20_000,), 500_000, 200_000), 1)
    assert 86_400 < scripts.expires_in_us() / gcra.SECOND_US <= 86_401
    scripts.cool(NOW, 10 * gcra.SECOND_US)
    assert 86_401 < scripts.expires_in_us() / gcra.SECOND_US <= 86_410


def test_the_scripts_leave_no_globals(redis: Redis) -> None:
    scripts = Scripts(redis)
    scripts.reserve(NOW, gcra.Terms((20_000,), 500_000, 200_000), 1)
    scripts.cool(NOW, 1)
    for name in ("now", "tat", "cell", "whole", "run", "KEEP_MS"):
        # Redis itself refuses to read a global that nobody has set.
        with pytest.raises(Exception, match="nonexistent global variable"):
            redis.eval(f"return {name}", 0)
