"""Shares of a provider: weighted max-min fairness in whole messages."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.allocation import STAGES, by_class, fair_shares, max_min, phase, rounded

demand_sets = st.dictionaries(
    st.integers(min_value=1, max_value=50), st.integers(min_value=0, max_value=1000), max_size=20
)
#: Demand and weight of each key.
weighted_sets = st.dictionaries(
    st.integers(min_value=1, max_value=50),
    st.tuples(st.integers(min_value=0, max_value=1000), st.integers(min_value=1, max_value=1000)),
    max_size=20,
)
capacities = st.integers(min_value=-5, max_value=5000)
rotations = st.integers(min_value=0, max_value=1000)
phases = st.floats(min_value=0, max_value=1, exclude_max=True)


def parted(wanted: dict[int, tuple[int, int]]) -> tuple[dict[int, int], dict[int, int]]:
    """Demands and weights."""
    return {key: d for key, (d, _) in wanted.items()}, {key: w for key, (_, w) in wanted.items()}


@given(weighted_sets, capacities)
def test_exact_shares_sum_to_what_can_be_used_and_nobody_gets_more_than_it_wants(wanted, capacity):
    demands, weights = parted(wanted)
    shares = fair_shares(demands, weights, capacity)
    assert sum(shares.values()) == min(max(capacity, 0), sum(demands.values()))
    assert shares.keys() == demands.keys()
    assert all(0 <= shares[key] <= demands[key] for key in demands)


@given(weighted_sets, capacities)
def test_nobody_gets_less_than_its_part_by_weight_unless_it_wanted_less(wanted, capacity):
    demands, weights = parted(wanted)
    shares = fair_shares(demands, weights, capacity)
    wanting = sum(weights[key] for key in demands if demands[key])
    for key in demands:
        if demands[key]:
            part = Fraction(weights[key] * max(capacity, 0), wanting)
            assert shares[key] >= min(demands[key], part)


@given(weighted_sets, capacities)
def test_who_is_not_satisfied_has_as_much_by_weight_as_anybody_has(wanted, capacity):
    """What makes the shares max-min fair: nobody's can grow but at the cost of a smaller one."""
    demands, weights = parted(wanted)
    shares = fair_shares(demands, weights, capacity)
    levels = {key: shares[key] / weights[key] for key in demands}
    assert all(levels[key] == max(levels.values()) for key in demands if shares[key] < demands[key])


@given(weighted_sets, capacities, st.integers(min_value=1, max_value=50))
def test_more_capacity_never_takes_from_anybody(wanted, capacity, more):
    before = fair_shares(*parted(wanted), capacity)
    after = fair_shares(*parted(wanted), capacity + more)
    assert all(after[key] >= before[key] for key in before)


@given(weighted_sets, capacities, st.data())
def test_who_gives_up_demand_never_harms_the_others(wanted, capacity, data):
    demands, weights = parted(wanted)
    if not demands:
        return
    modest = data.draw(st.sampled_from(sorted(demands)))
    less = demands | {modest: data.draw(st.integers(min_value=0, max_value=demands[modest]))}
    before = fair_shares(demands, weights, capacity)
    after = fair_shares(less, weights, capacity)
    assert all(after[key] >= before[key] for key in demands if key != modest)


@given(weighted_sets, capacities, phases)
def test_rounding_gives_each_the_whole_number_below_or_above_and_keeps_the_sum(wanted, capacity, p):
    exact = fair_shares(*parted(wanted), capacity)
    shares = rounded(exact, p)
    assert sum(shares.values()) == sum(exact.values())
    assert all(abs(shares[key] - exact[key]) < 1 for key in exact)


@given(weighted_sets, capacities, rotations)
def test_whole_shares_are_the_exact_ones_rounded(wanted, capacity, turn):
    demands, weights = parted(wanted)
    shares = max_min(demands, capacity, weights=weights, rotation=turn)
    assert shares == rounded(fair_shares(demands, weights, capacity), phase(turn))


@given(demand_sets, capacities, rotations)
def test_without_weights_all_are_equal(demands, capacity, turn):
    equal = dict.fromkeys(demands, 7)
    assert max_min(demands, capacity, rotation=turn) == max_min(
        demands, capacity, weights=equal, rotation=turn
    )
    shares = max_min(demands, capacity, rotation=turn)
    unsatisfied = [shares[key] for key in demands if shares[key] < demands[key]]
    assert all(share + 1 >= max(shares.values()) for share in unsatisfied)


@given(
    weighted_sets,
    st.integers(min_value=0, max_value=300),
    st.integers(min_value=0, max_value=STAGES - 1),
)
def test_over_many_ticks_everybody_gets_its_exact_share(wanted, capacity, stage):
    demands, weights = parted(wanted)
    exact = fair_shares(demands, weights, capacity)
    total = dict.fromkeys(demands, 0)
    for tick in range(200):
        shares = max_min(demands, capacity, weights=weights, rotation=tick, stage=stage)
        for key, share in shares.items():
            total[key] += share
    # The discrepancy of such sequences grows with little more than the logarithm of their length.
    assert all(abs(total[key] - 200 * exact[key]) <= 8 for key in demands)


@pytest.mark.parametrize("weight", [1, 3, 10, 100, 1000])
@pytest.mark.parametrize("first", [0, 1_900_000_000])
def test_a_small_weight_never_starves(weight, first):
    """It waits for about as long as its share says, beside a large one and with one message."""
    ticks = 20 * (weight + 1)
    served = [
        tick
        for tick in range(ticks)
        if max_min(
            {"small": 1000, "large": 1000},
            1,
            weights={"small": 1, "large": weight},
            rotation=first + tick,
        )["small"]
    ]
    assert 18 <= len(served) <= 22
    assert max(b - a for a, b in pairwise([0, *served, ticks])) <= 2 * (weight + 1)


def test_everybody_is_served_in_turn_where_there_are_more_runs_than_messages():
    demands = dict.fromkeys(range(10), 1)
    served = [max_min(demands, 1, rotation=turn) for turn in range(20)]
    assert {key for shares in served for key, share in shares.items() if share} == set(demands)


def test_whoever_is_asked_only_every_other_tick_is_served_as_fairly():
    """Capacity that comes and goes in a rhythm meets no rhythm of ours."""
    demands = dict.fromkeys(range(10), 1000)
    for rhythm in (2, 3, 5, 10):
        total = dict.fromkeys(demands, 0)
        for tick in range(0, 1000 * rhythm, rhythm):
            for key, share in max_min(demands, 1, rotation=tick).items():
                total[key] += share
        assert all(90 <= count <= 110 for count in total.values())


@pytest.mark.parametrize(("first", "second"), list(permutations(range(STAGES), 2)))
def test_a_share_that_is_shared_once_more_starves_nobody(first, second):
    """One message between two lanes, and then one between the lane that has it and another run."""
    got = dict.fromkeys(("a", "b", "other"), 0)
    for tick in range(2000):
        lanes = max_min({"a": 9, "b": 9}, 1, rotation=tick, stage=first)
        for key, share in max_min(lanes | {"other": 9}, 1, rotation=tick, stage=second).items():
            got[key] += share
    assert got == pytest.approx({"a": 500, "b": 500, "other": 1000}, abs=20)


@pytest.mark.parametrize("stages", list(combinations(range(STAGES), 3)))
def test_the_phases_of_three_stages_meet_in_every_combination(stages):
    cells = [0] * 64
    for tick in range(6400):
        x, y, z = (int(4 * phase(tick, stage)) for stage in stages)
        cells[16 * x + 4 * y + z] += 1
    assert min(cells) >= 80
    assert max(cells) <= 120


def test_shares_are_in_proportion_to_the_weights():
    demands = {"a": 1000, "b": 1000, "c": 10}
    weights = {"a": 1, "b": 3, "c": 1}
    assert max_min(demands, 90, weights=weights) == {"a": 20, "b": 60, "c": 10}


@given(weighted_sets, st.data(), capacities, rotations)
def test_a_class_gets_nothing_before_those_above_it_are_satisfied(wanted, data, capacity, turn):
    demands, weights = parted(wanted)
    classes = {key: data.draw(st.integers(min_value=0, max_value=2)) for key in demands}
    shares = by_class(demands, weights, classes, capacity, turn)
    assert shares.keys() == demands.keys()
    assert sum(shares.values()) == min(max(capacity, 0), sum(demands.values()))
    hungry = [classes[key] for key in demands if shares[key] < demands[key]]
    for key in demands:
        assert 0 <= shares[key] <= demands[key]
        if shares[key]:
            assert all(classes[key] <= rank for rank in hungry)


def test_inside_a_class_shares_are_fair():
    demands = {"test": 5, "a": 100, "b": 100, "bulk": 100}
    weights = {"test": 1, "a": 1, "b": 2, "bulk": 1000}
    classes = {"bulk": 2, "test": 0, "a": 1, "b": 1}
    shares = by_class(demands, weights, classes, 65, 0)
    assert shares == {"test": 5, "a": 20, "b": 40, "bulk": 0}


#: Demand, weight and cost of a message of each key.
costly_sets = st.dictionaries(
    st.integers(min_value=1, max_value=50),
    st.tuples(
        st.integers(min_value=0, max_value=1000),
        st.integers(min_value=1, max_value=1000),
        st.sampled_from([1, 1, 2, 3, 10]),
    ),
    max_size=20,
)


@given(costly_sets, capacities, rotations)
def test_dear_messages_take_their_part_of_the_capacity_and_are_shared_as_fairly(wanted, units, p):
    """Rounding uses at most one message too many, or leaves room for less than one."""
    demands = {key: demand for key, (demand, _, _) in wanted.items()}
    weights = {key: weight for key, (_, weight, _) in wanted.items()}
    costs = {key: cost for key, (_, _, cost) in wanted.items()}
    shares = max_min(demands, units, weights=weights, costs=costs, rotation=p)
    used = sum(shares[key] * costs[key] for key in demands)
    dearest = max(costs.values(), default=1)
    assert all(0 <= shares[key] <= demands[key] for key in demands)
    assert used < max(units, 0) + dearest
    for poor in demands:
        if shares[poor] < demands[poor]:
            assert used > units - dearest
            for rich in demands:
                assert (shares[rich] - 1) / weights[rich] < (shares[poor] + 1) / weights[poor]


@given(costly_sets, capacities, rotations)
def test_classes_share_units_in_their_order(wanted, units, turn):
    demands = {key: demand for key, (demand, _, _) in wanted.items()}
    costs = {key: cost for key, (_, _, cost) in wanted.items()}
    classes = {key: weight % 3 for key, (_, weight, _) in wanted.items()}
    ones = dict.fromkeys(demands, 1)
    shares = by_class(demands, ones, classes, units, rotation=turn, costs=costs)
    used = sum(shares[key] * costs[key] for key in demands)
    assert used < max(units, 0) + max(costs.values(), default=1)
    for high in demands:
        if shares[high] < demands[high]:
            above = sum(
                shares[key] * costs[key] for key in demands if classes[key] <= classes[high]
            )
            below = sum(shares[key] for key in demands if classes[key] > classes[high])
            room = units - above
            assert below == 0 or room < max(costs[key] for key in demands)
