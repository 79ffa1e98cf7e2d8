"""Who gets which share of a provider: weighted max-min fairness in whole messages.

Water is poured into all demands, at a speed in proportion to their weights, until each is full or
the capacity is used up (Bertsekas and Gallager, Data Networks, 2nd edition, section 6.5.2). Nobody
gets more than it asked for, and nobody gets less than its part by weight unless it asked for less.

The exact shares are fractions, and a tick hands out whole messages. They are rounded by systematic
sampling (Madow, Annals of Mathematical Statistics 20, 1949): a share is rounded up or down in turn,
such that over many ticks everybody gets its exact share, however small that is.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from fractions import Fraction
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

#: Irrational steps in units of 2**-64, one for each stage. The multiples of the golden ratio spread
#: more evenly over [0, 1) than those of any other number (Knuth, The Art of Computer Programming,
#: section 6.4). Together with the square roots of primes they are independent over the rationals,
#: so that the phases of several stages meet in every combination (Weyl).
_STEPS = (0x9E3779B97F4A7C15, *(math.isqrt(prime << 128) for prime in (2, 3, 7, 11, 19)))

#: How many stages :func:`phase` tells apart.
STAGES = len(_STEPS)

#: Whose result is another one's demand needs another stage, or their phases agree and somebody may
#: starve: these are the divisions of one tick.
LEVELS, ACCOUNTS, SENDERS, TEAMS, LANES_CAPPED, LANES = range(STAGES)


def fair_shares(
    demands: Mapping[Key, int], weights: Mapping[Key, int], capacity: int
) -> dict[Key, Fraction]:
    """Exact shares of ``capacity`` messages; their sum is ``min(capacity, sum of demands)``.

    Every key of ``demands`` has a weight, which is positive.
    """
    thirsty, left, weight = _pour(demands, weights, capacity)
    shares = {key: Fraction(max(demand, 0)) for key, demand in demands.items()}
    for key in thirsty:
        shares[key] = Fraction(left * weights[key], weight)
    return shares


def rounded(shares: Mapping[Key, Fraction], phase: float) -> dict[Key, int]:
    """Each share rounded up or down; the sum is kept if it is a whole number.

    Over phases that are spread evenly over [0, 1) everybody gets its exact share on average.
    """
    whole = math.lcm(*(share.denominator for share in shares.values()))
    parts = ((k, share.numerator * (whole // share.denominator)) for k, share in shares.items())
    return _systematic(parts, whole, phase)


def phase(tick: int, stage: int = 0) -> float:
    """A number in [0, 1) for each tick; those of different stages know nothing of each other.

    Raises IndexError from the stage ``STAGES`` on.
    """
    return (tick * _STEPS[stage] % 2**64 >> 11) / 2**53


def max_min(
    demands: Mapping[Key, int],
    capacity: int,
    *,
    weights: Mapping[Key, int] | None = None,
    costs: Mapping[Key, int] | None = None,
    rotation: int = 0,
    stage: int = 0,
) -> dict[Key, int]:
    """Shares of ``capacity`` in whole messages: :func:`rounded` of :func:`fair_shares`.

    ``rotation`` decides who gets the messages that do not divide evenly: a caller that counts it
    up serves everybody in proportion to its weight, even where there are more runs than messages.
    Where shares are shared once more, each ``stage`` has a number of its own: with the same phase
    twice, whoever gets its message at one stage could be the one who never gets it at the next.
    Without ``weights`` all are equal.

    Where messages are not alike, ``costs`` says how much of the capacity one of each takes. The
    messages are shared as fairly as ever, and rounding uses at most one of them too many.
    """
    if weights is None:
        weights = dict.fromkeys(demands, 1)
    distinct = {costs[key] for key in demands} if costs else set()
    if costs is None or len(distinct) <= 1:
        capacity //= distinct.pop() if distinct else 1
        thirsty, left, weight = _pour(demands, weights, capacity)
    else:
        # Equal levels of messages are levels in proportion to the costs of what these take up.
        volumes = {key: demand * costs[key] for key, demand in demands.items()}
        speeds = {key: weights[key] * costs[key] for key in demands}
        thirsty, left, weight = _pour(volumes, speeds, capacity)
        # In this order rounding meets cheap and dear ones alike.
        thirsty.sort(key=costs.__getitem__)
    shares = {key: max(demand, 0) for key, demand in demands.items()}
    # Everybody else's share is whole, so only these take part in the rounding. They are counted in
    # units of 1/weight, because a thousand fractions would take longer than all the rest.
    parts = ((key, left * weights[key]) for key in thirsty)
    shares.update(_systematic(parts, weight, phase(rotation, stage)))
    return shares


def by_class(
    demands: Mapping[Key, int],
    weights: Mapping[Key, int],
    classes: Mapping[Key, int],
    capacity: int,
    rotation: int,
    stage: int = 0,
    costs: Mapping[Key, int] | None = None,
) -> dict[Key, int]:
    """Shares where a class (a lower number first) gets only what those before it leave.

    Inside a class they are those of :func:`max_min`.
    """
    members: dict[int, dict[Key, int]] = {}
    for key, demand in demands.items():
        members.setdefault(classes[key], {})[key] = demand
    shares = dict.fromkeys(demands, 0)
    for rank in sorted(members):
        part = max_min(
            members[rank], capacity, weights=weights, costs=costs, rotation=rotation, stage=stage
        )
        shares.update(part)
        capacity -= sum(n * costs[key] for key, n in part.items()) if costs else sum(part.values())
    return shares


def _pour(
    demands: Mapping[Key, int], weights: Mapping[Key, int], capacity: int
) -> tuple[list[Key], int, int]:
    """Who is not satisfied, the messages that they share by weight, and their weight together.

    Whoever wants no more than its part at the present level is satisfied and leaves the rest of it
    to the others, until nobody is satisfied any more. A round either satisfies many or raises the
    level by little, so that a few rounds do. Whole numbers only.
    """
    thirsty = [key for key, demand in demands.items() if demand > 0]
    left = max(capacity, 0)
    weight = sum(weights[key] for key in thirsty)
    while thirsty:
        higher = [key for key in thirsty if demands[key] * weight > left * weights[key]]
        if len(higher) == len(thirsty):
            break
        left -= sum(demands[key] for key in thirsty) - sum(demands[key] for key in higher)
        weight = sum(weights[key] for key in higher)
        thirsty = higher
    return thirsty, left, weight


def _systematic(parts: Iterable[tuple[Key, int]], whole: int, phase: float) -> dict[Key, int]:
    """Parts in units of ``1/whole``, laid end to end, and cut at ``phase`` past each unit."""
    shares: dict[Key, int] = {}
    numerator, denominator = phase.as_integer_ratio()
    end = whole * numerator // denominator
    for key, part in parts:
        start, end = end, end + part
        shares[key] = end // whole - start // whole
    return shares
