"""The open runs as the last tick read them.

Most rows say what they said a second ago: those are not read again, and a run that cannot want
anything yet is not asked (scheduler/dormancy.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from campaigns.providers import Providers
from scheduler.active_times import Times
from scheduler.duties import reading
from scheduler.duties.reading import Row
from scheduler.model import LaneKey, Run

_run_id = itemgetter("id")


@dataclass(slots=True)
class _Known:
    rows: Sequence[Row]
    times: Sequence[Times]
    run: Run
    dormant_until: datetime | None = None


class KnownRuns:
    """A cache of :class:`Run`; whatever is not asked for any more is forgotten."""

    def __init__(self) -> None:
        self._known: dict[int, _Known] = {}
        self._providers: Providers | None = None

    def read(
        self,
        rows: Sequence[Row],
        times: Mapping[LaneKey, Times],
        providers: Providers,
        now: datetime,
    ) -> tuple[list[Run], set[int]]:
        """The runs in ``rows``, which are those of ``open_runs`` in tick.sql, and which of them
        need not be asked."""
        before = self._known if providers is self._providers else {}
        self._known, self._providers = {}, providers
        dormant: set[int] = set()
        for run_id, group in groupby(rows, key=_run_id):
            lanes = list(group)
            spans = [times[LaneKey(run_id, lane["lane"])] for lane in lanes]
            known = before.get(run_id)
            if known is None or known.rows != lanes or known.times != spans:
                known = _Known(lanes, spans, reading.run(lanes, times, providers))
            elif known.dormant_until is not None and now < known.dormant_until:
                dormant.add(run_id)
            self._known[run_id] = known
        return [known.run for known in self._known.values()], dormant

    def let_sleep(self, until: Mapping[int, datetime]) -> None:
        """Remember which runs need not be asked before when."""
        for run_id, moment in until.items():
            self._known[run_id].dormant_until = moment
