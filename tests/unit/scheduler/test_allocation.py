"""Shares of a provider: max-min fairness in whole messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.allocation import max_min

demand_sets = st.dictionaries(
    st.integers(min_value=1, max_value=50), st.integers(min_value=0, max_value=1000), max_size=20
)
capacities = st.integers(min_value=-5, max_value=5000)
rotations = st.integers(min_value=0, max_value=1000)


@given(demand_sets, capacities, rotations)
def test_shares_sum_to_what_can_be_used_and_nobody_gets_more_than_it_wants(demands, capacity, turn):
    shares = max_min(demands, capacity, rotation=turn)
    assert sum(shares.values()) == min(max(capacity, 0), sum(demands.values()))
    assert shares.keys() == demands.keys()
    assert all(0 <= shares[key] <= demands[key] for key in demands)


@given(demand_sets, capacities, rotations)
def test_nobody_gets_less_than_an_equal_part_unless_it_wanted_less(demands, capacity, turn):
    shares = max_min(demands, capacity, rotation=turn)
    wanting = [key for key in demands if demands[key] > 0]
    for key in wanting:
        assert shares[key] >= min(demands[key], max(capacity, 0) // len(wanting))


@given(demand_sets, capacities, rotations)
def test_who_is_not_satisfied_has_at_most_one_less_than_anybody_else(demands, capacity, turn):
    shares = max_min(demands, capacity, rotation=turn)
    unsatisfied = [key for key in demands if shares[key] < demands[key]]
    for key in unsatisfied:
        assert shares[key] + 1 >= max(shares.values())


@given(demand_sets, capacities, rotations)
def test_more_capacity_never_takes_from_anybody_more_than_the_odd_message(demands, capacity, turn):
    before = max_min(demands, capacity, rotation=turn)
    after = max_min(demands, capacity + 1, rotation=turn)
    assert all(after[key] >= before[key] - 1 for key in demands)


def test_everybody_is_served_in_turn_where_there_are_more_runs_than_messages():
    demands = dict.fromkeys(range(10), 1)
    served = [max_min(demands, 1, rotation=turn) for turn in range(10)]
    assert {key for shares in served for key, share in shares.items() if share} == set(demands)
