"""What a soak found, as a page of the documentation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tests.chaos.judgement import Verdict
from tests.chaos.sampling import GROWTH, MB, Line, growing, heavier

_INTRODUCTION = """\
# Soak

    make soak                                              # 30 minutes, a fault every 10 s
    .venv/bin/python -m tests.chaos.soak --minutes 2       # a short one

Two beats, two send workers and two control workers, on a PostgreSQL and two Redis servers of
their own with settings as in production, send campaigns of {recipients:,} recipients one after
the other to the sandbox carrier, without a limit. Meanwhile faults are drawn from the list below,
all of them in random order, then all again. The first process of each kind may be stopped for 3 s
and is never killed, so that what it holds can be compared over the whole time; the second one is
killed and restarted.

This page is written by the command; the figures are of seed {seed}.
"""

_RULES = """\
**Flat** means: the last quarter of the time is at most {percent} % above the first quarter, plus
5 MB, 2 threads, 5 files, sockets or connections. Of a quarter the median counts; of files and
sockets, most of which are connections to the provider that come and go with the load, its
highest. A process that is restarted begins anew: its *highest* may not be above that of the
spared one of its kind by more than the same.

**Lost**: the carrier got the message, and its row says neither accepted nor unknown. **Missing**:
the carrier did not get it, and its row is not unknown. **Explained**: a fault happened while the
message was under way. **Tracebacks** stand for errors that nobody had foreseen; what a fault leads
to is told in a line.
"""


@dataclass(frozen=True, slots=True)
class Result:
    """Everything that a soak found."""

    seconds: float
    seed: int
    fault_every: float
    #: Of each campaign.
    recipients: int
    verdict: Verdict
    campaigns: int
    #: Messages of runs that were over.
    strays: int
    #: Codes of unknown rows.
    codes: Counter[str]
    faults: Counter[str]
    lines: Sequence[Line]
    #: Messages so far, by seconds since the beginning.
    progress: Sequence[tuple[float, int]]
    database_bytes: int
    #: In the logs of all processes.
    tracebacks: int = 0

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        bad = growing(self.lines) or heavier(self.lines)
        return self.verdict.clean and not self.strays and not self.tracebacks and not bad


def written(result: Result) -> str:
    """The page."""
    verdict = result.verdict
    why = ", ".join(f"`{code}` {count:,}" for code, count in sorted(result.codes.items()))
    explained = verdict.unknown - verdict.unexplained
    rows = [
        ("minutes", f"{result.seconds / 60:g}"),
        ("faults", f"{sum(result.faults.values())}, one every {result.fault_every:g} s"),
        ("campaigns", f"{result.campaigns:,}"),
        ("messages", f"{verdict.recipients:,}"),
        ("messages/s, first quarter, last quarter", _speeds(result)),
        ("**lost**", str(verdict.lost)),
        ("**doubled**", str(verdict.doubled + result.strays)),
        ("**missing**", str(verdict.missing)),
        ("unknown", f"{verdict.unknown:,}" + (f" ({why})" if why else "")),
        ("of these, explained by a fault", f"{explained:,}"),
        ("of these, the carrier got", f"{verdict.unknown_received:,}"),
        ("largest database", f"{result.database_bytes / MB:,.0f} MB"),
        ("tracebacks in the logs", str(result.tracebacks)),
    ]
    introduction = _INTRODUCTION.format(recipients=result.recipients, seed=result.seed)
    rules = _RULES.format(percent=round((GROWTH - 1) * 100))
    return "\n".join(
        [
            introduction,
            "| | |\n|---|---|",
            *(f"| {name} | {value} |" for name, value in rows),
            "",
            "| process | measure | first quarter | last quarter | highest | |",
            "|---|---|---|---|---|---|",
            *_measures(result.lines),
            "",
            rules,
            "| fault | times |\n|---|---|",
            *(f"| {name} | {times} |" for name, times in sorted(result.faults.items())),
            "",
        ]
    )


def _measures(lines: Sequence[Line]) -> list[str]:
    bad = {*growing(lines), *heavier(lines)}
    found = []
    for line in lines:
        if line.kind.endswith(", restarted"):
            word, first, last = "heavier" if line in bad else "no heavier", "", ""
        else:
            word = "grows" if line in bad else "flat"
            first, last = f"{line.first:.0f}", f"{line.last:.0f}"
        found.append(
            f"| {line.kind} | {line.measure} | {first} | {last} | {line.highest:.0f} | {word} |"
        )
    return found


def _speeds(result: Result) -> str:
    """Medians over the stretches between samples, so that an outage does not count."""
    quarter = result.seconds / 4
    speeds = [
        (until, (after - before) / (until - since))
        for (since, before), (until, after) in pairwise(result.progress)
    ]
    first = [speed for until, speed in speeds if until < quarter] or [0.0]
    last = [speed for until, speed in speeds if until >= 3 * quarter] or [0.0]
    return f"{round(median(first), -1):,.0f}, {round(median(last), -1):,.0f}"
