"""Who gets which share of a provider: max-min fairness in whole messages.

Water is poured evenly into all demands until each is full or the capacity is used up (Bertsekas
and Gallager, Data Networks, 2nd edition, section 6.5.2). Nobody gets more than it asked for, and
nobody gets less than an equal share unless it asked for less.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)


def max_min(demands: Mapping[Key, int], capacity: int, *, rotation: int = 0) -> dict[Key, int]:
    """Shares of ``capacity`` messages; their sum is ``min(capacity, sum of demands)``.

    ``rotation`` decides who gets the messages that do not divide evenly: a caller that counts it
    up serves everybody in turn, even where there are more runs than messages.
    """
    shares = dict.fromkeys(demands, 0)
    left = max(capacity, 0)
    by_size = sorted((key for key in demands if demands[key] > 0), key=lambda key: demands[key])
    for position, key in enumerate(by_size):
        level = left // (len(by_size) - position)
        if demands[key] > level:
            _pour(shares, demands, by_size[position:], left, rotation)
            return shares
        shares[key] = demands[key]
        left -= demands[key]
    return shares


def _pour(
    shares: dict[Key, int],
    demands: Mapping[Key, int],
    thirsty: list[Key],
    left: int,
    rotation: int,
) -> None:
    """Share ``left`` among those of whom each wants more than an equal part."""
    level, odd = divmod(left, len(thirsty))
    members = set(thirsty)
    ordered = [key for key in demands if key in members]
    first = rotation % len(ordered)
    for place, key in enumerate(ordered[first:] + ordered[:first]):
        shares[key] = level + (1 if place < odd else 0)
