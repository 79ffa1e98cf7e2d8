"""What became of everybody: the carrier's log against the ledger. Pure.

Nothing is taken from the ledger alone. A recipient got the message if the carrier says so; whoever
did not must stand in the ledger with a reason, and for each reason there must be a cause outside of
it: a refusal in the carrier's log, an expiry, a stop, an opt-out, a fault.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from cli.carrier.log import RECEIVED, Arrival, digits
from tests.chaos.doubts import Doubts
from tests.chaos.evidence import Evidence, Promise, Row, Run

#: A pause, a stop and an opt-out hold this many seconds after they were recorded: what had been
#: granted before goes out.
GRACE = 0.3

#: What is wrong, in the order in which it is told.
VIOLATIONS = (
    "lost", "doubled", "outside", "uninvited", "contradicted", "unexplained", "miscounted",
    "unfinished", "crashed",
)  # fmt: skip

#: Statuses of rows that somebody has to come back to.
_OPEN = {"pending", "sending"}

#: Statuses of rows that were sent to nobody.
_UNSENT = {"pending", "rejected", "failed", "expired", "cancelled", "suppressed"}


@dataclass(slots=True)
class Verdict:
    """What was found."""

    #: One sentence for each violation, by its kind.
    violations: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    #: Messages that reached somebody.
    received: int = 0
    #: What became of the recipients, by status.
    statuses: Counter[str] = field(default_factory=Counter)
    #: Rows held as unknown, by the cause that explains them.
    explained: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Nothing is wrong."""
        return not any(self.violations.values())

    def count(self, kind: str) -> int:
        """How many violations of a kind there are."""
        return len(self.violations.get(kind, ()))


def judge(evidence: Evidence) -> Verdict:
    """The verdict on one trial."""
    verdict = Verdict()
    by_run = _by_run(evidence.arrivals)
    doubts = Doubts(evidence, by_run)
    for run in evidence.runs:
        arrivals = by_run.pop(run.id, [])
        verdict.statuses.update(row.status for row in run.rows)
        verdict.received += sum(arrival.outcome in RECEIVED for arrival in arrivals)
        _Hearing(verdict, run, arrivals, doubts).judge()
    for run_id, arrivals in by_run.items():
        verdict.violations["uninvited"].append(f"{len(arrivals)} arrivals of run {run_id}")
    for name in evidence.without_run:
        verdict.violations["lost"].append(f"{name}: has not exactly one run")
    for death in evidence.deaths:
        if death.how == "crash":
            verdict.violations["crashed"].append(f"{death.role} ended by itself: {death.words}")
    if evidence.unfinished:
        verdict.violations["unfinished"].append(evidence.unfinished)
    return verdict


def _by_run(arrivals: Sequence[Arrival]) -> dict[int, list[Arrival]]:
    found: dict[int, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        found[place(arrival)[0]].append(arrival)
    return dict(found)


def place(arrival: Arrival) -> tuple[int, int]:
    """Run and sequence of the message that arrived; (0, 0) if its reference does not tell."""
    parts = (arrival.reference or "").split("-")
    if len(parts) < 2 or not (parts[0].isdigit() and parts[1].isdigit()):
        return 0, 0
    return int(parts[0]), int(parts[1])


class _Hearing:
    """One run before its judge."""

    def __init__(
        self, verdict: Verdict, run: Run, arrivals: Sequence[Arrival], doubts: Doubts
    ) -> None:
        self._violations = verdict.violations
        self._explained = verdict.explained
        self._run = run
        self._arrivals = arrivals
        self._doubts = doubts
        self._by_address: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in arrivals:
            self._by_address[digits(arrival.to or "")].append(arrival)

    def judge(self) -> None:
        """Hold the run to its promise."""
        rows = {row.address: row for row in self._run.rows}
        for address in sorted(self._run.promise.expected - rows.keys()):
            if address not in self._run.promise.opted_out and not self._ended_early():
                self._found("lost", address, "stands in no row")
        for address in sorted(self._by_address.keys() - self._run.promise.expected):
            self._found("uninvited", address, "was not to get anything")
        for address in sorted(rows.keys() - self._run.promise.expected):
            self._found("uninvited", address, "stands in a row")
        for row in self._run.rows:
            self._judge_row(row)
        self._judge_times()
        self._judge_counts()

    def _ended_early(self) -> bool:
        """Whether it was over before its recipients were written."""
        run, promise = self._run, self._run.promise
        ended = (run.reason == "stopped" and promise.stopped) or (
            run.reason == "expired" and promise.may_expire
        )
        return ended and not run.rows

    def _found(self, kind: str, where: str, what: str) -> None:
        self._violations[kind].append(f"{self._run.promise.name}, {where}: {what}")

    def _judge_row(self, row: Row) -> None:
        mine = self._by_address.get(row.address, [])
        received = [arrival for arrival in mine if arrival.outcome in RECEIVED]
        where = f"{self._run.id}-{row.seq}"
        if len(received) > 1:
            moments = ", ".join(f"{arrival.t:.3f}" for arrival in received)
            self._found("doubled", where, f"received at {moments} ({row.status})")
        if row.status in _OPEN:
            over = self._run.status == "finished"
            self._found("lost" if over else "unfinished", where, f"is still {row.status}")
        elif row.status == "accepted" and not received:
            self._found("lost", where, "counts as accepted, and the carrier never had it")
        elif row.status == "unknown":
            self._judge_unknown(row, mine, where)
        elif row.status in _UNSENT:
            if received and not (row.status == "failed" and row.error_class == "unreported"):
                self._found("contradicted", where, f"counts as {row.status}, and was received")
            elif reason := self._unfounded(row, mine):
                self._found("lost", where, f"{row.status} ({row.code}), {reason}")
        if row.address in self._run.promise.reported and row.report != "delivered":
            self._found("contradicted", where, "was reported as delivered, and does not say so")

    def _judge_unknown(self, row: Row, arrivals: Sequence[Arrival], where: str) -> None:
        cause = self._doubts.cause(self._run.id, row, arrivals)
        if cause is None:
            claimed = f"claimed at {row.claimed_at or 0:.3f}"
            arrived = [f"{arrival.outcome} at {arrival.t:.3f}" for arrival in arrivals]
            story = ", ".join([claimed, *arrived, f"settled at {row.settled_at or 0:.3f}"])
            self._found("unexplained", where, f"unknown ({row.code}), {story}")
        else:
            self._explained[cause] += 1

    def _unfounded(self, row: Row, arrivals: Sequence[Arrival]) -> str:
        """Why a row must not have the status that it has; empty if it may."""
        promise = self._run.promise
        refusals = Counter(arrival.outcome for arrival in arrivals)
        match row.status:
            case "expired":
                return "" if promise.may_expire else "and there is no expiry"
            case "cancelled":
                return "" if promise.stopped else "and nobody stopped it"
            case "suppressed":
                return "" if row.address in promise.opted_out else "and did not opt out"
            case "rejected":
                return "" if refusals["rejected"] else "and the carrier did not reject it"
            case "failed" if row.error_class == "unreported":
                return "" if promise.may_expire else "and there is no expiry"
            case "failed":
                refused = refusals["unavailable"]
                enough = refused >= promise.max_attempts
                return "" if enough else f"and the carrier refused it {refused} times"
        return "which is no end"

    def _judge_times(self) -> None:
        for arrival in self._arrivals:
            address = digits(arrival.to or "")
            for why in _forbidden(arrival.t, address, self._run.promise):
                self._found("outside", arrival.reference or "?", f"{arrival.t:.3f} is {why}")

    def _judge_counts(self) -> None:
        run = self._run
        if run.status != "finished":
            self._found("unfinished", f"run {run.id}", f"is {run.status}")
        counted = Counter(row.status for row in run.rows if row.status not in _OPEN)
        recorded = {name: count for name, count in run.counters.items() if count}
        if recorded != counted:
            self._found("miscounted", f"run {run.id}", f"{recorded} stands for {dict(counted)}")
        if run.total != len(run.rows):
            self._found("miscounted", f"run {run.id}", f"{len(run.rows)} rows of {run.total}")


def _forbidden(t: float, address: str, promise: Promise) -> Iterator[str]:
    for closed in promise.closed:
        if closed.begin <= t < closed.end:
            yield f"{t - closed.begin:.3f} s after the begin of: {closed.why}"
    if address in promise.opted_out:
        _, recorded = promise.opted_out[address]
        if t > recorded + GRACE:
            yield f"{t - recorded:.3f} s after the opt-out"
