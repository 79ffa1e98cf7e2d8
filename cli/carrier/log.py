"""The carrier's log: one JSON line per arrival, and what can be concluded from it.

Every line has the fields of :class:`Arrival`, the sender under the name ``from``; ``validity`` only
where it is known. The judges are
pure functions of arrivals; those that count take the arrivals they are given, so pass them
``received(arrivals)`` where only messages that reached their recipient are meant.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quoted
from pathlib import Path
from typing import Literal, get_args

Outcome = Literal["accepted", "throttled", "rejected", "unavailable", "lost", "invalid", "repeated"]

OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

#: The recipient got the message. ``lost`` is among them: only the reply to the sender was lost.
#: ``repeated`` is not: the recipient has it already, and does not get it twice.
RECEIVED: frozenset[str] = frozenset({"accepted", "lost"})

#: What every line begins with.
LINE_START = b'{"t":'

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request for a message. What an invalid request did not have is ``None``."""

    #: Unix seconds, exact to the microsecond.
    t: float
    to: str | None
    sender: str | None
    text: str | None
    reference: str | None
    outcome: Outcome
    #: For how many seconds the message is still worth anything, where the sender says so.
    validity: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the log says about a campaign; see :func:`judge`. Addresses are digits."""

    #: How many different addresses were to get a message.
    expected: int
    #: How many different addresses got one, expected or not.
    received: int
    #: Addresses that got more than one.
    doubled: frozenset[str]
    #: Expected addresses that got none.
    missing: frozenset[str]
    #: Addresses that got one and were not to.
    unexpected: frozenset[str]
    #: Requests that arrived while nothing was to be sent, whatever became of them.
    inside_closed: tuple[Arrival, ...]

    @property
    def clean(self) -> bool:
        """Everybody who was to get the message got it once, nobody else did, all in time."""
        return not (self.doubled or self.missing or self.unexpected or self.inside_closed)

    def counts(self) -> dict[str, int]:
        """The verdict in numbers."""
        return {
            "expected": self.expected,
            "received": self.received,
            "doubled": len(self.doubled),
            "missing": len(self.missing),
            "unexpected": len(self.unexpected),
            "inside_closed": len(self.inside_closed),
        }


def encode(
    now_us: int,
    to: str | None,
    sender: str | None,
    text: str | None,
    reference: str | None,
    outcome: str,
    validity: int | None = None,
) -> bytes:
    """One line of the log; ``now_us`` in Unix microseconds."""
    more = "" if validity is None else f',"validity":{validity}'
    seconds, micros = divmod(now_us, _MICROSECONDS)
    return (
        f'{{"t":{seconds}.{micros:06d},"to":{_json(to)},"from":{_json(sender)},'
        f'"text":{_json(text)},"reference":{_json(reference)},"outcome":"{outcome}"{more}}}\n'
    ).encode("ascii")


def _json(value: str | None) -> str:
    return "null" if value is None else quoted(value)


def read(path: Path) -> list[Arrival]:
    """All arrivals in a log file, in the order in which they were logged.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a line is not one of a carrier's log.
    """
    with path.open("rb") as file:
        return parse(file)


def parse(lines: Iterable[bytes]) -> list[Arrival]:
    """All arrivals in the lines of a log.

    A last line without its line end is what a killed carrier was about to write, and is left out.

    Raises:
        ValueError: a line is not one of a carrier's log.
    """
    arrivals = []
    for number, line in enumerate(lines, start=1):
        if not line.endswith(b"\n"):
            break
        try:
            entry = json.loads(line)
            arrivals.append(
                Arrival(
                    entry["t"],
                    entry["to"],
                    entry["from"],
                    entry["text"],
                    entry["reference"],
                    entry["outcome"],
                    entry.get("validity"),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ValueError(f"line {number} is not a line of a carrier's log") from None
    return arrivals


def digits(address: str) -> str:
    """A phone number in the one form in which numbers are compared: without a leading plus."""
    return address.removeprefix("+")


def received(arrivals: Iterable[Arrival]) -> list[Arrival]:
    """The arrivals whose message reached its recipient."""
    return [arrival for arrival in arrivals if arrival.outcome in RECEIVED]


def judge(
    arrivals: Iterable[Arrival], expected: set[str], closed: Sequence[tuple[float, float]]
) -> Verdict:
    """Compare the log with what was to happen.

    ``expected`` are the addresses that were to get one message each. ``closed`` are the half-open
    intervals ``[start, end)``, in Unix seconds, in which nothing was to be sent; there a request
    counts even if the carrier turned it down.
    """
    per_address: Counter[str] = Counter()
    inside = []
    for arrival in arrivals:
        if any(start <= arrival.t < end for start, end in closed):
            inside.append(arrival)
        if arrival.outcome in RECEIVED and arrival.to is not None:
            per_address[digits(arrival.to)] += 1
    wanted = {digits(address) for address in expected}
    return Verdict(
        expected=len(wanted),
        received=len(per_address),
        doubled=frozenset(address for address, count in per_address.items() if count > 1),
        missing=frozenset(wanted - per_address.keys()),
        unexpected=frozenset(per_address.keys() - wanted),
        inside_closed=tuple(inside),
    )


def per_interval(arrivals: Iterable[Arrival], edges: Sequence[float]) -> list[int]:
    """How many arrivals lie in each half-open interval between two neighbours of ``edges``.

    ``edges`` are ascending Unix seconds; what lies before the first or from the last on is not
    counted.
    """
    counts = [0] * max(len(edges) - 1, 0)
    for arrival in arrivals:
        at = bisect_right(edges, arrival.t) - 1
        if 0 <= at < len(counts):
            counts[at] += 1
    return counts


def peak_in_sliding_window(arrivals: Iterable[Arrival], seconds: float) -> int:
    """The most arrivals in any half-open interval of so many seconds, wherever it begins."""
    # Whole microseconds: the difference of two Unix times as floats is off by some tenths of one.
    moments = sorted(round(arrival.t * _MICROSECONDS) for arrival in arrivals)
    width = round(seconds * _MICROSECONDS)
    peak = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - width:
            first += 1
        peak = max(peak, last - first + 1)
    return peak
