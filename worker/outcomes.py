"""What an outcome means for a row of the ledger, and for the account it came from.

Decision apart from effect: pure, no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from worker import arrays
from worker.adapters.base import Accepted, Blocked, Failed, Outcome, Rejected, Throttled, Unknown
from worker.adapters.reply import LONGEST_ID

#: Seconds to hold an account that throttled us without saying for how long.
DEFAULT_COOLING = 2.0

#: The longest hold that a provider's word can impose, in seconds.
LONGEST_COOLING = 3600.0

#: The longest that a provider's word can keep one recipient waiting, in seconds.
LONGEST_RETRY = 86_400.0

#: Message ids and codes are kept up to this many characters.
LONGEST_WORD = LONGEST_ID


@dataclass(frozen=True, slots=True)
class NotSent:
    """Our own outcome: the request certainly never left (no connection, or no time left)."""

    code: str


@dataclass(frozen=True, slots=True)
class Unsendable:
    """Our own outcome: there is no such message, because its text cannot be made or encoded."""

    code: str


#: What can become of a row that was claimed.
Result = Outcome | NotSent | Unsendable


class Settlement(NamedTuple):
    """What is written to a row."""

    run_id: int
    seq: int
    status: str
    code: str | None = None
    message_ids: tuple[str, ...] = ()
    #: False for what costs no attempt.
    charged: bool = True
    #: What kind of end it is (``deliveries.error_class``).
    error_class: str | None = None
    #: Not tried again within so many seconds, whatever the backoff says.
    wait: float | None = None
    #: The address is dead: later runs leave it out.
    gone: bool = False


def settle(
    run_id: int, seq: int, attempts: int, outcome: Result, *, max_attempts: int
) -> Settlement:
    """The settlement of one row that was claimed for the ``attempts``-th time.

    ``max_attempts`` counts over all accounts of the run's chain.
    """
    match outcome:
        case Accepted(message_ids=ids):
            clean = tuple(filter(None, map(storable, ids)))
            return Settlement(run_id, seq, "accepted", message_ids=clean)
        case Throttled(_, code) | Blocked(code) | NotSent(code):
            return Settlement(run_id, seq, "pending", storable(code), charged=False)
        case Rejected(code, gone):
            refused = Settlement(run_id, seq, "rejected", storable(code), error_class="permanent")
            return refused._replace(gone=gone)
        case Unsendable(code):
            return Settlement(run_id, seq, "rejected", code, error_class="content")
        case Failed(code, wait):
            status = "pending" if attempts < max_attempts else "failed"
            failed = Settlement(run_id, seq, status, storable(code), error_class="transient")
            return failed._replace(wait=None if wait is None else _bounded(wait, LONGEST_RETRY))
        case Unknown(code):
            return Settlement(run_id, seq, "unknown", storable(code), error_class="in_doubt")


def record_parameters(
    token: UUID, settlements: Sequence[Settlement], *, awaits_report: bool
) -> dict[str, Any]:
    """Parameters of the statements that record, in campaigns/run/outcomes.sql."""
    return {
        "token": token,
        "now": None,
        "awaits_report": awaits_report,
        "run_ids": arrays.numbers([s.run_id for s in settlements]),
        "seqs": arrays.numbers([s.seq for s in settlements]),
        "statuses": arrays.texts([s.status for s in settlements]),
        "message_ids": arrays.texts(["\n".join(s.message_ids) or None for s in settlements]),
        "classes": arrays.texts([s.error_class for s in settlements]),
        "codes": arrays.texts([s.code for s in settlements]),
        "charged": arrays.truths([s.charged for s in settlements]),
    }


def storable(text: str | None) -> str | None:
    """A provider's word in a form that the ledger takes, whatever it holds.

    One id with a NUL or half a surrogate pair would otherwise keep the outcomes of its whole chunk
    from being written. Line feeds stand between the ids of several parts.
    """
    if text is None:
        return None
    if text.isascii() and text.isprintable():
        return text[:LONGEST_WORD]
    clean = text.replace("\x00", "").replace("\n", " ").encode("utf-8", "replace").decode("utf-8")
    return clean[:LONGEST_WORD]


def cooling(outcome: Throttled) -> float:
    """For how many seconds a throttled reply holds the account."""
    if outcome.retry_after is None:
        return DEFAULT_COOLING
    return max(_bounded(outcome.retry_after, LONGEST_COOLING), 0.1)


def _bounded(seconds: float, most: float) -> float:
    """``seconds`` from 0 to ``most``, whatever an adapter read out of an answer."""
    return min(max(seconds, 0.0), most) if seconds == seconds else most
