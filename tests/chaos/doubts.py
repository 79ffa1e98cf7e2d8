"""What explains a row that is held as unknown: a fault after its request had left. Pure.

A process that dies has requests under way, and has written down which of them departed. So a row
counts as explained by a death if its request arrived, or if it may have been on its way: claimed
shortly before. It does not if the process died at a place where the whole chunk had not left: those
rows have to be sent by somebody else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from cli.carrier.log import Arrival
from tests.chaos.evidence import Evidence, Row

#: After how many seconds without a sign of life a batch is taken away from its worker.
LEASE = 15.0

#: After this many seconds a request counts as unanswered (the accounts' timeout).
REQUEST_TIMEOUT = 10.0

#: From a claim to the departure of its last request on a busy machine, in seconds.
DEPARTURE = 2.0

#: From a claim until its outcomes are recorded: the slowest reply, and the wait for the database.
OUTCOME = 15.0

#: A process claims the next rows while the ones before depart. What was claimed so long before it
#: died at a claim, in seconds, was not claimed by that one.
ANOTHER_CLAIM = 0.05

#: Where a sender has claimed rows of which no request has left.
_NOT_LEFT = {"claim.committed", "send.rendered"}

_Chunk = tuple[int, str | None, float | None]


class Doubts:
    """The faults of a trial, as causes of doubt."""

    def __init__(self, evidence: Evidence, by_run: Mapping[int, Sequence[Arrival]]) -> None:
        self._evidence = evidence
        self._deaths = [death for death in evidence.deaths if death.role == "send"]
        self._raised = [raised for raised in evidence.raised if raised.role == "send"]
        self._reached = {
            (run_id, arrival.to or "") for run_id, some in by_run.items() for arrival in some
        }
        self._chunks: dict[_Chunk, list[Row]] = defaultdict(list)
        for run in evidence.runs:
            for row in run.rows:
                self._chunks[_chunk(run.id, row)].append(row)

    def cause(self, run_id: int, row: Row, arrivals: Sequence[Arrival]) -> str | None:
        """What explains that this row is unknown, ``None`` if nothing does."""
        if row.claimed_at is None:
            return None
        if any(arrival.outcome == "lost" for arrival in arrivals):
            return "reply dropped by the carrier"
        for begin, end in self._evidence.outages:
            if begin - DEPARTURE <= row.claimed_at <= end:
                return "carrier hung up"
        for stall in self._evidence.stalls:
            # Whoever wakes from a shorter one still has the lease, and its requests their time.
            long = stall.end - stall.begin >= REQUEST_TIMEOUT - DEPARTURE
            during = stall.begin - OUTCOME <= row.claimed_at <= stall.end
            if stall.role == "send" and long and during:
                return f"stall at {stall.how}"
        arrived = bool(arrivals)
        for death in self._deaths:
            # Who is asked to end, ends with all outcomes recorded.
            if death.how not in {"terminate", "crash"}:
                before = death.at - row.claimed_at
                if self._explains(death.how, before, run_id, row, arrived=arrived):
                    return f"death at {death.how}"
                if self._evidence.forgetful and abs(before) <= DEPARTURE:
                    # Of what was claimed just then, a claim under way too, nobody can know.
                    return "death with its journal"
        for raised in self._raised:
            before = raised.at - row.claimed_at
            if self._explains(raised.point, before, run_id, row, arrived=arrived):
                return f"error at {raised.point}"
        return None

    def _explains(self, where: str, before: float, run_id: int, row: Row, *, arrived: bool) -> bool:
        """Whether a fault ``before`` seconds after the row's claim explains the doubt."""
        if before < 0 or before > OUTCOME:
            return False
        if arrived:
            return True
        if before > DEPARTURE:
            return False
        if where not in _NOT_LEFT or self._partly_left(run_id, row):
            return True
        return where == "claim.committed" and before > ANOTHER_CLAIM

    def _partly_left(self, run_id: int, row: Row) -> bool:
        """Whether any request of the row's chunk reached the carrier."""
        return any(
            (run_id, other.address) in self._reached for other in self._chunks[_chunk(run_id, row)]
        )


def _chunk(run_id: int, row: Row) -> _Chunk:
    """Rows of one claim have the same lease and the same moment."""
    return run_id, row.token, row.claimed_at
