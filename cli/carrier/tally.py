"""What has arrived so far, counted in bounded memory."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, deque
from dataclasses import dataclass, field

from cli.carrier.log import OUTCOMES, RECEIVED, digits

_SHARDS = 4096
_SECOND_US = 1_000_000


class Fingerprints:
    """A set of texts in about 9 bytes each, by their 64-bit hashes.

    Sorted arrays, one per value of the low bits: unlike a set it holds no Python objects, and no
    insertion ever moves everything. Among 5 million texts two share a hash with a probability of
    one in a million; the log is the exact record.
    """

    def __init__(self) -> None:
        self._shards = [array("q") for _ in range(_SHARDS)]
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, text: str) -> bool:
        """Remember ``text``; false if it was known."""
        value = hash(text)
        shard = self._shards[value % _SHARDS]
        at = bisect_left(shard, value)
        if at < len(shard) and shard[at] == value:
            return False
        shard.insert(at, value)
        self._length += 1
        return True


@dataclass(slots=True)
class Repetitions:
    """How many different texts came, and how many of them more than once."""

    seen: Fingerprints = field(default_factory=Fingerprints)
    doubled: Fingerprints = field(default_factory=Fingerprints)

    def add(self, text: str) -> None:
        """Count ``text``."""
        if not self.seen.add(text):
            self.doubled.add(text)


class Tally:
    """Counts per outcome, repetitions, and the pace. Times are Unix microseconds."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts: Counter[str] = Counter()
        self._references = Repetitions()
        self._addresses = Repetitions()
        self._last_second: deque[int] = deque()
        self._first_us: int | None = None
        self._last_us: int | None = None
        self._arrivals = 0

    def add(self, outcome: str, reference: str | None, to: str | None, now_us: int) -> None:
        """Count one arrival."""
        self._counts[outcome] += 1
        self._arrivals += 1
        if self._first_us is None:
            self._first_us = now_us
        self._last_us = now_us
        if outcome not in RECEIVED or reference is None or to is None:
            return
        self._last_second.append(now_us)
        self._prune(now_us)
        if self._arrivals <= self._limit:
            self._references.add(reference)
            self._addresses.add(digits(to))

    def count(self, outcome: str) -> int:
        """How many arrivals ended so."""
        return self._counts[outcome]

    @property
    def doubled_addresses(self) -> int:
        """Addresses that received more than one message."""
        return len(self._addresses.doubled)

    def statistics(self, now_us: int) -> dict[str, object]:
        """All counts, as ``GET /stats`` shows them.

        ``rate`` is how many messages reached their recipients in the last second. ``complete`` is
        false once there were more arrivals than are remembered: distinct and doubled then speak
        of the first ones only.
        """
        self._prune(now_us)
        return {
            **{outcome: self._counts[outcome] for outcome in OUTCOMES},
            "arrivals": self._arrivals,
            "distinct_references": len(self._references.seen),
            "distinct_addresses": len(self._addresses.seen),
            "doubled_references": len(self._references.doubled),
            "doubled_addresses": self.doubled_addresses,
            "first_arrival": _seconds(self._first_us),
            "last_arrival": _seconds(self._last_us),
            "rate": len(self._last_second),
            "complete": self._arrivals <= self._limit,
        }

    def _prune(self, now_us: int) -> None:
        recent = self._last_second
        while recent and recent[0] <= now_us - _SECOND_US:
            recent.popleft()


def _seconds(moment_us: int | None) -> float | None:
    return None if moment_us is None else moment_us / _SECOND_US
