"""When the scheduler ticks: one beat or two, never quite on time, and sometimes not at all."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from tests.simulation.spans import Spans

_SECOND = timedelta(seconds=1)

Times = Sequence[tuple[datetime, datetime]]


class Beats:
    """The moments of the ticks.

    ``twice`` are the times in which a second beat runs, half a second behind the first; in
    ``outages`` none does.
    """

    def __init__(
        self, source: random.Random, begin: datetime, *, outages: Times = (), twice: Times = ()
    ) -> None:
        # A prime number of them, so that they do not follow any period of the clock.
        self._jitter = [timedelta(seconds=source.random() * 0.2) for _ in range(997)]
        self._begin = begin
        self._outages = Spans(outages)
        self._twice = Spans(twice)

    def following(self, moment: datetime, last: datetime | None) -> datetime:
        """The first tick at or after ``moment`` and after ``last``."""
        number = (moment - self._begin) // (_SECOND / 2) - 1
        while True:
            number += 1
            at = self._begin + number * _SECOND / 2 + self._jitter[number % 997]
            if at < moment or (last is not None and at <= last):
                continue
            if number % 2 and self._twice.around(at) is None:
                continue
            outage = self._outages.around(at)
            if outage is None:
                return at
            number = max(number, (outage[1] - self._begin) // (_SECOND / 2) - 1)

    def preceding(self, moment: datetime) -> datetime:
        """The last tick before ``moment``, whether it had anything to do or not."""
        before = moment - timedelta(seconds=2)
        while (outage := self._outages.around(before)) is not None:
            before = outage[0] - timedelta(seconds=2)
        found = self.following(before, None)
        while (later := self.following(found, found)) < moment:
            found = later
        return found
