"""The open runs as the last tick read them.

Most rows say what they said a second ago: those are not read again, and a run that cannot want
anything yet is not asked (scheduler/dormancy.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from campaigns.database import Connection
from campaigns.providers import Providers
from scheduler.active_times import ActiveTimes
from scheduler.duties import reading
from scheduler.duties.reading import Row
from scheduler.model import LaneKey, Run

_run_id = itemgetter("id")


@dataclass(slots=True)
class _Known:
    rows: Sequence[Row]
    good_until: datetime
    run: Run
    dormant_until: datetime | None = None


@dataclass(slots=True)
class KnownRuns:
    """A cache of :class:`Run`; whatever is not asked for any more is forgotten."""

    times: ActiveTimes = field(default_factory=ActiveTimes)
    _known: dict[int, _Known] = field(default_factory=dict)
    _providers: Providers | None = None

    def read(
        self, conn: Connection, rows: Sequence[Row], providers: Providers, now: datetime
    ) -> tuple[list[Run], set[int]]:
        """The runs in ``rows``, which are those of ``open_runs`` in tick.sql, and which of them
        need not be asked."""
        before = self._known if providers is self._providers else {}
        lanes = {run_id: list(group) for run_id, group in groupby(rows, key=_run_id)}
        changed = [
            run_id
            for run_id, here in lanes.items()
            if (known := before.get(run_id)) is None
            or known.rows != here
            or now >= known.good_until
        ]
        fresh = self._fresh(conn, {run_id: lanes[run_id] for run_id in changed}, providers, now)
        self._known = {run_id: fresh.get(run_id) or before[run_id] for run_id in lanes}
        self._providers = providers
        self.times.keep(lanes)
        dormant = {
            run_id
            for run_id, known in self._known.items()
            if known.dormant_until is not None and now < known.dormant_until
        }
        return [known.run for known in self._known.values()], dormant

    def let_sleep(self, until: Mapping[int, datetime]) -> None:
        """Remember which runs need not be asked before when."""
        for run_id, moment in until.items():
            self._known[run_id].dormant_until = moment

    def _fresh(
        self,
        conn: Connection,
        lanes: Mapping[int, Sequence[Row]],
        providers: Providers,
        now: datetime,
    ) -> dict[int, _Known]:
        times = self.times.of(conn, [row for here in lanes.values() for row in here], now)
        found: dict[int, _Known] = {}
        for run_id, here in lanes.items():
            good_until = min(times[LaneKey(run_id, row["lane"])].good_until for row in here)
            found[run_id] = _Known(here, good_until, reading.run(here, times, providers))
        return found
