"""What many trials showed together, as text; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.judge import VIOLATIONS
from tests.chaos.plan_faults import TRIED
from tests.chaos.trial import Result

#: Processes that have to be killed at each failpoint by a run of 200 trials.
KILLS_EACH = 3


def line(result: Result) -> str:
    """One trial in one line."""
    verdict = result.verdict
    found = {kind: verdict.count(kind) for kind in VIOLATIONS if verdict.count(kind)}
    doubts = sum(verdict.explained.values())
    words = [
        f"{result.trial.seed:>6}",
        f"{result.trial.point:<22}",
        f"{verdict.received:>5} of {verdict.statuses.total():>4} messages",
        f"{sum(result.deaths.values()):>2} deaths",
        f"{doubts:>3} unknown",
        f"{result.seconds:5.1f} s",
        "ok" if verdict.clean else ", ".join(f"{kind} {n}" for kind, n in found.items()),
    ]
    return "  ".join(words)


def report(results: Sequence[Result], seconds: float) -> str:
    """The table at the end of a run."""
    return "\n".join(_lines(results, seconds))


def killed(results: Sequence[Result]) -> Counter[str]:
    """How many processes died at each failpoint."""
    kills: Counter[str] = Counter()
    for result in results:
        for (point, action), count in result.failpoints.items():
            if action == "kill":
                kills[point] += count
    return kills


def _lines(results: Sequence[Result], seconds: float) -> Iterator[str]:
    kills = killed(results)
    others: Counter[str] = Counter()
    blows: Counter[str] = Counter()
    server_faults: Counter[str] = Counter()
    explained: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    for result in results:
        others.update(
            {action: n for (_, action), n in result.failpoints.items() if action != "kill"}
        )
        blows.update(result.blows)
        server_faults.update(result.server_faults)
        explained.update(result.verdict.explained)
        statuses.update(result.verdict.statuses)
    yield ""
    yield f"{'trials':<34}{len(results):>8}"
    yield f"{'messages received':<34}{sum(r.verdict.received for r in results):>8}"
    yield f"{'recipients':<34}{statuses.total():>8}"
    for status, count in sorted(statuses.items()):
        yield f"    {status:<30}{count:>8}"
    yield f"{'processes killed at failpoints':<34}{kills.total():>8}"
    for point in TRIED:
        yield f"    {point:<30}{kills[point]:>8}"
    yield f"{'errors raised at failpoints':<34}{others['raise']:>8}"
    yield f"{'stalls at failpoints':<34}{others['stall']:>8}"
    yield f"{'blows from outside':<34}{blows.total() - server_faults.total():>8}"
    for kind, count in sorted((blows - server_faults).items()):
        yield f"    {kind:<30}{count:>8}"
    yield f"{'server faults':<34}{server_faults.total():>8}"
    for kind, count in sorted(server_faults.items()):
        yield f"    {kind:<30}{count:>8}"
    for kind in VIOLATIONS:
        if kind != "unexplained":
            total = sum(result.verdict.count(kind) for result in results)
            yield f"{kind:<34}{total:>8}"
    unexplained = sum(result.verdict.count("unexplained") for result in results)
    yield f"{'held as unknown, explained':<34}{explained.total():>8}"
    for cause, count in sorted(explained.items()):
        yield f"    {cause:<30}{count:>8}"
    yield f"{'held as unknown, unexplained':<34}{unexplained:>8}"
    yield f"{'time':<34}{seconds / 60:>6.1f} min"
