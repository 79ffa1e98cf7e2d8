"""What an outcome means for a row of the ledger, and for the account it came from.

Decision apart from effect: pure, no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass

from worker.adapters.base import Accepted, Failed, Outcome, Rejected, Throttled, Unknown

#: Seconds to hold an account that throttled us without saying for how long.
DEFAULT_COOLING = 2.0

#: The longest hold that a provider's word can impose, in seconds.
LONGEST_COOLING = 3600.0

#: Message ids and codes are kept up to this many characters.
LONGEST_WORD = 200


@dataclass(frozen=True, slots=True)
class NotSent:
    """Our own outcome: the request certainly never left (no connection, or no time left)."""

    code: str


@dataclass(frozen=True, slots=True)
class Settlement:
    """What is written to a row."""

    run_id: int
    seq: int
    status: str
    code: str | None = None
    message_id: str | None = None
    #: False for what costs no attempt.
    charged: bool = True
    #: What kind of end it is (``deliveries.error_class``).
    error_class: str | None = None


def settle(
    run_id: int, seq: int, attempts: int, outcome: Outcome | NotSent, *, max_attempts: int
) -> Settlement:
    """The settlement of one row that was claimed for the ``attempts``-th time.

    ``max_attempts`` counts over all accounts of the run's chain.
    """
    match outcome:
        case Accepted(message_id):
            return Settlement(run_id, seq, "accepted", message_id=storable(message_id))
        case Throttled(_, code) | NotSent(code):
            return Settlement(run_id, seq, "pending", storable(code), charged=False)
        case Rejected(code):
            return Settlement(run_id, seq, "rejected", storable(code))
        case Failed(code):
            status = "pending" if attempts < max_attempts else "failed"
            return Settlement(run_id, seq, status, storable(code))
        case Unknown(code):
            return Settlement(run_id, seq, "unknown", storable(code))


def storable(text: str | None) -> str | None:
    """A provider's word in a form that the ledger takes, whatever it holds.

    One id with a NUL or half a surrogate pair would otherwise keep the outcomes of its whole chunk
    from being written.
    """
    if text is None:
        return None
    clean = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return clean[:LONGEST_WORD]


def cooling(outcome: Throttled) -> float:
    """For how many seconds a throttled reply holds the account."""
    if outcome.retry_after is None:
        return DEFAULT_COOLING
    return min(max(outcome.retry_after, 0.1), LONGEST_COOLING)
