"""What the tick has to do at which moment, beside cutting messages of runs that want any."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from campaigns.schedule import occurrences
from campaigns.schedule.stored import series_of
from campaigns.schedule.windows import FOREVER
from scheduler.duties.publishing import BATCH_AGAIN_AFTER, RUN_AGAIN_AFTER
from scheduler.duties.starting import LEAD
from tests.simulation.ledger import Ledger, Row

_MOMENT = timedelta(microseconds=1)


class Agenda:
    """Keeps the ledger's list of campaigns whose next occurrence is near."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._far: list[tuple[datetime, UUID]] = []
        self._known: set[UUID] = set()
        ledger.near = {}

    def bring_near(self, now: datetime) -> None:
        """List whatever is due by now."""
        near = self._ledger.near
        assert near is not None
        if len(self._known) < len(self._ledger.campaigns):
            for row in self._ledger.campaigns.values():
                if row["id"] not in self._known:
                    self._known.add(row["id"])
                    self._put(row)
        while self._far and self._far[0][0] <= now:
            _, campaign_id = heapq.heappop(self._far)
            near[campaign_id] = self._ledger.campaigns[campaign_id]

    def next(self, now: datetime) -> datetime:
        """The next moment at which there is something to do."""
        near = self._ledger.near
        assert near is not None
        moments = [self._far[0][0]] if self._far else []
        for row in list(near.values()):
            if row["next_dt"] is None or row["status"] not in ("scheduled", "sending"):
                del near[row["id"]]
            elif row["next_dt"] - LEAD > now:
                del near[row["id"]]
                self._put(row)
                moments.append(row["next_dt"] - LEAD)
            else:
                moments.append(_decided_at(row, now))
        for run in self._ledger.open.values():
            moments += _turns(run, self._ledger.campaign_of(run))
            if run["starts_at"] > now:
                moments.append(run["starts_at"])
        for batch in self._ledger.batches.values():
            if batch["status"] == "leased":
                moments.append(batch["lease_until"])
            else:
                wait = min(BATCH_AGAIN_AFTER * batch["publications"], 60)
                moments.append(batch["published_at"] + timedelta(seconds=wait) + _MOMENT)
        return min(moments, default=FOREVER)

    def _put(self, row: Row) -> None:
        if row["next_dt"] is not None:
            heapq.heappush(self._far, (row["next_dt"] - LEAD, row["id"]))


def _decided_at(row: Row, now: datetime) -> datetime:
    """When something else may be decided about an occurrence that is near and undecided."""
    series = series_of(row)
    found = series.times.between(
        row["next_dt"], row["next_dt"] + series.jitter + timedelta(days=1), limit=30
    )
    starts = [occurrences.starts_at(series, each) for each in found]
    moments = [start - LEAD for start in starts] + starts
    return min((moment for moment in moments if moment > now), default=now + timedelta(hours=1))


def _turns(run: Row, campaign: Row) -> Iterator[datetime]:
    """When something happens to the run by the clock alone."""
    if run["status"] in ("resolving", "closing"):
        if run["published_at"] is not None:
            yield run["published_at"] + timedelta(seconds=RUN_AGAIN_AFTER) + _MOMENT
        return
    if run["expires_at"] is not None:
        yield run["expires_at"]
    if run["finishes_at"] is not None and campaign["leftover"] != "continue":
        yield run["finishes_at"]
