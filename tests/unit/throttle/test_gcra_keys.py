"""Several keys at once, messages of several units, bursts: every single limit holds."""

from __future__ import annotations

import heapq
from bisect import bisect_left
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.throttle.gcra import (
    SECOND_US,
    Cell,
    Grant,
    Terms,
    cool,
    emission_interval_us,
    reserve,
    usable_burst,
)

NOW = 1_900_000_000 * SECOND_US
JITTER = 10_000
LAG = JITTER // 2
LEAD = 120_000
TERMS = Terms((1_010, 20_200), horizon_us=300_000, max_block_us=100_000, lag_us=LAG)

#: Two accounts with two senders each, and a team that uses both accounts.
KEYS = ("one", "two", "one:a", "one:b", "two:a", "team")
CALLS = (
    ("one",), ("one", "one:a"), ("one", "one:b", "team"), ("one", "team"),
    ("two",), ("two", "two:a"), ("two", "two:a", "team"), ("two", "team"),
)  # fmt: skip
ACCOUNTS = (("one",), ("two",))

rates = st.one_of(st.integers(1, 20), st.integers(1, 500))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from(CALLS), st.integers(1, 60)),
        st.tuples(st.just("ask"), st.sampled_from(CALLS), st.integers(1, 60)),
        st.tuples(st.just("wait and ask"), st.sampled_from(CALLS), st.integers(1, 60)),
        st.tuples(st.just("ask ahead"), st.sampled_from(CALLS), st.integers(1, 60)),
        st.tuples(st.just("pass"), st.just(("",)), st.integers(0, SECOND_US // 2)),
        st.tuples(st.just("lose"), st.sampled_from([(key,) for key in KEYS]), st.just(0)),
        st.tuples(st.just("set back"), st.just(("",)), st.integers(1, 60 * SECOND_US)),
        st.tuples(
            st.just("cool"), st.sampled_from([("one",), ("two",)]), st.integers(0, SECOND_US)
        ),
    ),
    max_size=60,
)


@dataclass
class World:
    """All keys, any number of workers, and a server whose clock need not tell the truth."""

    rates: dict[str, int]
    unlimited: str = ""
    cost: int = 1
    bursts: dict[str, int] = field(default_factory=dict)
    cells: dict[str, Cell] = field(default_factory=lambda: dict.fromkeys(KEYS, Cell()))
    true_us: int = 0
    error_us: int = NOW
    #: Per key the moments at which messages leave, each as late as a worker ever is.
    left: dict[str, list[int]] = field(default_factory=lambda: {key: [] for key in KEYS})

    def interval_us(self, key: str) -> int:
        if key == self.unlimited:
            return 0
        return emission_interval_us(self.rates[key], JITTER, burst=self.bursts.get(key, 1))

    def terms(self, keys: tuple[str, ...]) -> Terms:
        intervals = tuple(self.interval_us(key) for key in keys)
        return replace(TERMS, intervals_us=intervals, burst=self.bursts.get(keys[0], 1))

    def ask(self, keys: tuple[str, ...], want: int, late_us: int = 0, lead_us: int = 0) -> Grant:
        terms = replace(self.terms(keys), lead_us=lead_us)
        if not terms.spacing_us:
            return Grant(0, 0, 0)
        now = self.true_us + self.error_us
        cells = [self.cells[key] for key in keys]
        found, grant = reserve(cells, now, terms, want, self.cost)
        self.cells.update(zip(keys, found, strict=True))
        together = max(terms.together, self.cost)
        for unit in range(0, grant.granted, self.cost):
            slot = unit - unit % together
            moment = self.true_us + grant.delay_us + slot * terms.spacing_us + late_us
            for key in keys:
                self.left[key].append(moment)
        return grant

    def step(self, name: str, keys: tuple[str, ...], amount: int, late_us: int = 0) -> None:
        match name:
            case "ask":
                self.ask(keys, amount, late_us)
            case "wait and ask":
                self.true_us += self.ask(keys, amount, late_us).wait_us
                self.ask(keys, amount, late_us)
            case "ask ahead":
                self.ask(keys, amount, late_us, lead_us=LEAD)
            case "pass":
                self.true_us += amount
            case "lose":
                self.cells[keys[0]] = Cell()
            case "set back":
                self.error_us -= amount
            case "cool":
                now = self.true_us + self.error_us
                self.cells[keys[0]] = cool(self.cells[keys[0]], now, amount)


def most_in_any_second(moments: list[int]) -> int:
    ordered = sorted(moments)
    return max((bisect_left(ordered, t + SECOND_US) - i for i, t in enumerate(ordered)), default=0)


#: Limits far from each other, and limits so near that a block of several units serves them all.
limits = st.one_of(
    st.fixed_dictionaries(dict.fromkeys(KEYS, rates)),
    st.integers(20, 500).flatmap(
        lambda rate: st.fixed_dictionaries(dict.fromkeys(KEYS, st.integers(rate, rate + 2)))
    ),
)


@given(limits, st.sampled_from(["", "one"]), steps, st.data())
def test_no_second_holds_more_than_the_limit_of_any_key(
    limits: dict[str, int], unlimited: str, history: list, data: st.DataObject
) -> None:
    """Whoever asks for whatever, with any key lost at any time, and leaving late by the jitter
    that limits which hold each other up have left."""
    world = World(limits, unlimited)
    for step in history:
        world.step(*step, late_us=data.draw(st.sampled_from([0, LAG])))
    for key in KEYS:
        assert key == unlimited or most_in_any_second(world.left[key]) <= limits[key], key


@given(limits, st.integers(1, 12), steps)
def test_messages_of_several_units_take_as_many_slots(
    limits: dict[str, int], cost: int, history: list
) -> None:
    """Between any two departures lies an interval for each unit of the earlier message."""
    world = World(limits, cost=cost)
    for step in history:
        if step[0] != "lose":
            world.step(*step)
    for key in KEYS:
        left = sorted(world.left[key])
        interval = world.interval_us(key)
        for i, earlier in enumerate(left):
            for j, later in enumerate(left[i + 1 : i + 9], 1):
                assert later - earlier >= j * cost * interval - LAG, key


@given(limits, st.integers(1, 250), steps, st.data())
def test_a_burst_never_puts_more_than_the_rate_into_a_second(
    limits: dict[str, int], burst: int, history: list, data: st.DataObject
) -> None:
    """Also where the same account is asked for with other limits beside it, and without."""
    bursts = {key: usable_burst(burst, limits[key]) for key in ("one", "two")}
    world = World(limits, bursts=bursts)
    for step in history:
        world.step(*step, late_us=data.draw(st.sampled_from([0, LAG])))
    for key in KEYS:
        assert most_in_any_second(world.left[key]) <= limits[key], key


def test_a_limit_that_has_not_paid_for_a_burst_gets_none() -> None:
    assert replace(TERMS, intervals_us=(10_000,), burst=5).together == 5
    assert replace(TERMS, intervals_us=(10_000, 10_000), burst=5).together == 1


@given(st.integers(2, 2_000), st.integers(1, 100), st.sampled_from([60, 3600]))
def test_a_burst_keeps_the_rate_in_its_own_period(count: int, burst: int, period: int) -> None:
    burst = usable_burst(burst, count / period, period)
    interval = emission_interval_us(count / period, JITTER, burst=burst, period_s=period)
    slots = [unit - unit % burst for unit in range(count + 2 * burst)]
    window = [s for s in slots if s * interval < period * SECOND_US + JITTER]
    assert len(window) <= count


@given(st.integers(1, 100_000), st.integers(1, 100_000))
def test_a_burst_never_costs_more_than_half_of_the_rate(burst: int, rate: int) -> None:
    usable = usable_burst(burst, rate)
    assert 1 <= usable <= max(1, burst)
    assert emission_interval_us(rate, burst=usable) <= 2 * emission_interval_us(rate)


@given(limits, steps, st.sampled_from(CALLS), st.integers(1, 60))
def test_the_account_pays_only_for_what_leaves(
    limits: dict[str, int], history: list, keys: tuple[str, ...], want: int
) -> None:
    """Its timeline never stands idle because another key is busy."""
    world = World(limits)
    for step in history:
        world.step(*step)
    world.ask(keys[:1], 1)
    before = world.cells[keys[0]]
    assert before.tat_us is not None
    grant = world.ask(keys, want)
    now = world.true_us + world.error_us
    own = max(now, before.tat_us, before.cool_until_us)
    spent = grant.granted * world.interval_us(keys[0])
    assert world.cells[keys[0]].tat_us == (own + spent if spent else before.tat_us)


@given(limits, steps, st.sampled_from(CALLS), st.integers(1, 60))
def test_nothing_is_granted_before_the_wait_is_over_and_all_is_after_some(
    limits: dict[str, int], history: list, keys: tuple[str, ...], want: int
) -> None:
    world = World(limits)
    for step in history:
        world.step(*step)
    refused = world.ask(keys, want)
    if refused.granted:
        return
    # Where others keep the account full, its next slot is expected to come nearer as time passes.
    # Where they stop, it does not, and it takes more than one wait.
    assert refused.wait_us > 0
    world.true_us += refused.wait_us - 1
    assert world.ask(keys, want).granted == 0
    world.true_us += 1
    for _ in range(1000):
        found = world.ask(keys, want)
        if found.granted:
            return
        world.true_us += found.wait_us
    pytest.fail("it is never granted")


def cells(*tats: int) -> list[Cell]:
    return [Cell(tat_us=NOW + tat) for tat in tats]


def test_a_busy_sender_does_not_hold_up_its_account() -> None:
    before = cells(0, 200_000)
    after, grant = reserve(before, NOW, TERMS, 5)
    assert grant == Grant(0, 0, 200_000 - LAG)
    assert after == before


def test_a_short_wait_for_another_key_costs_the_account_nothing() -> None:
    """What leaves late by it still counts for the slot that the account had free."""
    near = replace(TERMS, intervals_us=(10_000, 11_000))
    after, grant = reserve(cells(0, 3_000), NOW, near, 50)
    assert grant == Grant(3, 3_000, 0)
    assert [cell.tat_us for cell in after] == [NOW + 30_000, NOW + 36_000]


def test_units_leave_at_the_pace_of_the_slowest_key_while_the_faster_can_bear_it() -> None:
    near = replace(TERMS, intervals_us=(10_000, 11_000))
    after, grant = reserve(cells(0, 0), NOW, near, 50)
    assert grant == Grant(6, 0, 0)
    assert [cell.tat_us for cell in after] == [NOW + 60_000, NOW + 66_000]


def test_an_account_without_a_rate_obeys_the_others_and_its_cool_down() -> None:
    terms = replace(TERMS, intervals_us=(0, 20_200))
    _, grant = reserve(cells(0, 200_000), NOW, terms, 50)
    assert grant == Grant(4, 200_000, 0)
    cooled = [cool(Cell(), NOW, SECOND_US), *cells(0)]
    _, grant = reserve(cooled, NOW, terms, 50)
    assert grant == Grant(0, 0, SECOND_US - terms.horizon_us)


def test_each_lost_key_is_an_empty_bucket() -> None:
    after, grant = reserve([*cells(0), Cell()], NOW, TERMS, 5)
    assert grant == Grant(0, 0, TERMS.reach_us(1) - LAG)
    assert after[1].tat_us == NOW + TERMS.reach_us(1)


def test_a_message_dearer_than_a_block_is_granted_whole_and_not_forgotten() -> None:
    """A slow account is busy for longer than a block and the horizon; nothing cuts that short."""
    slow = replace(TERMS, intervals_us=(SECOND_US,))
    found, grant = reserve(cells(0), NOW, slow, 1, at_least=10)
    assert grant == Grant(10, 0, 0)
    _, grant = reserve(found, NOW, slow, 1)
    assert grant == Grant(0, 0, 10 * SECOND_US - slow.horizon_us)


def test_a_block_that_would_begin_too_late_for_its_asker_is_left_to_others() -> None:
    one = replace(TERMS, intervals_us=(1_010,))
    before = cells(100_000)
    after, grant = reserve(before, NOW, replace(one, within_us=60_000), 5)
    assert grant == Grant(0, 0, 40_000)
    assert after == before
    assert reserve(before, NOW, one, 5)[1] == Grant(5, 100_000, 0)


def test_what_is_granted_holds_whole_messages() -> None:
    _, grant = reserve(cells(0), NOW, replace(TERMS, intervals_us=(1_010,)), 50, at_least=7)
    assert grant.granted == 49


@pytest.mark.parametrize("rate", [0.5, 1, 2])
def test_a_rate_that_has_no_room_for_a_burst_gets_none(rate: float) -> None:
    assert usable_burst(100, rate) == 1


def test_a_slower_key_keeps_its_pace_on_an_account_that_others_keep_full() -> None:
    """Four batches lease all of an account of 1,000/s, a hundredth of a second at a time; a team of
    100/s asks for its next unit while it waits for those it has."""
    own, team = emission_interval_us(1000.0, 10_000), emission_interval_us(100.0, 10_000)
    wide = Terms((own,), 300_000, 100_000, 5_000)
    narrow = replace(wide, intervals_us=(own, team))
    account, other = Cell(tat_us=0), Cell(tat_us=0)
    asks = [(number * 137, number) for number in range(5)]
    got = dict.fromkeys(range(5), 0)
    departures: list[int] = []
    seconds = 5
    while asks:
        now, asker = heapq.heappop(asks)
        if now > seconds * SECOND_US:
            continue
        if asker:
            (account,), grant = reserve([account], now, wide, 10)
            pause = grant.wait_us or grant.delay_us
        else:
            (account, other), grant = reserve([account, other], now, narrow, 100)
            pause = grant.wait_us
        spacing = own if asker else team
        departures += [now + grant.delay_us + n * spacing for n in range(grant.granted)]
        got[asker] += grant.granted
        heapq.heappush(asks, (now + pause + 1_000, asker))
    assert 85 * seconds <= got[0] <= 101 * seconds
    assert sum(got.values()) >= 970 * seconds
    departures.sort()
    ends = iter(departures[1000:])
    assert all(end - start >= SECOND_US for start, end in zip(departures, ends, strict=False))
