"""When an attempt that failed is repeated, and how long a receiver is left alone. Pure."""

from __future__ import annotations

from datetime import timedelta

#: From each attempt to the next: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h (Standard
#: Webhooks 1.0.0, "Deliverability and reliability"). Ten attempts in all, over a little more than
#: three days.
PAUSES = tuple(
    timedelta(seconds=seconds)
    for seconds in (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)
)

#: The pauses are up to so much longer, so that what failed together does not come back together.
SPREAD = 0.1

#: What has been waiting for longer is given up, however few attempts its receiver had time for.
LONGEST = sum(PAUSES, timedelta()) * (1 + SPREAD)

#: A receiver is left alone for a moment after a failure, whatever else waits for it.
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)

#: After so many failures in a row it was down, and not just this one message that it did not like:
#: what waits is told it as soon as it answers again.
DOWN = 3


def pause(attempts: int, chance: float) -> timedelta | None:
    """How long to wait after the attempt of this number, from 1; ``None`` if it was the last.

    ``chance`` from 0 to 1 is drawn by the caller.
    """
    if attempts > len(PAUSES):
        return None
    return PAUSES[attempts - 1] * (1 + SPREAD * chance)


def rest(failures: int) -> timedelta:
    """How long a receiver is left alone after so many failures in a row, from 1."""
    doubled: int = 2 ** min(failures - 1, 16)
    return min(FIRST_REST * doubled, LONGEST_REST)
