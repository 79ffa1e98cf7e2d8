"""What became of one recipient, as a fold over what was noted: no order, no repetition matters.

Everything that happens to a delivery is in ``delivery_history``. Some of it is our own
doing, the rest is what providers report, and reports come twice, late, out of order, and before
the answer to the request that they are about. So what a delivery *is* depends on the set of its
events alone. Pure; ``refold`` in events.sql says the same in SQL, and the two are held equal by
``tests/integration/run/test_folding.py``.

==========  =======================================================  ==========================
kind        means                                                    by
==========  =======================================================  ==========================
submitted   the provider's answer says that it took the message      send worker
failed      it was not taken; with ``retried`` it is tried again     send worker, operator
unknown     it may have arrived; with ``retried`` it is sent again   send worker, tick
suppressed  opted out, or enough for the recipient's team            claim
expired     not sent by the expiry, or not reported on by then       close, expiry
cancelled   the run was stopped                                      close
resent      a person has it sent again                               operator
delivered   it arrived                                               provider
bounced     it came back                                             provider
failed      it did not arrive after all                              provider
opened      it was read                                              provider
clicked     a link in it was followed                                provider
==========  =======================================================  ==========================
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

#: What we did or decided.
OWN = ("submitted", "failed", "unknown", "suppressed", "expired", "cancelled", "resent")

#: What providers say afterwards.
ReportKind = Literal["delivered", "bounced", "failed", "opened", "clicked"]
REPORTED: tuple[ReportKind, ...] = get_args(ReportKind)

#: Every kind, as the CHECK constraint has them.
KINDS = (*OWN, *(kind for kind in REPORTED if kind not in OWN))

#: Reports that a message arrived; somebody who reads it must have got it.
ARRIVED = frozenset(("delivered", "opened", "clicked"))

#: Reports that it did not.
LOST = frozenset(("bounced", "failed"))

#: Failures that no repetition mends: the delivery is ``rejected`` and not ``failed``.
FINAL_CLASSES = frozenset(("permanent", "content"))

#: How the key of a report begins: of a whole message, or of one of its parts.
WHOLE, PART = "r:", "p:"


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history of a delivery."""

    kind: str
    #: Tells events of one kind apart: for our own the claim, for a report whose it is.
    key: str
    #: Our own are in the order in which they happened; a report's is what the provider says.
    at: datetime
    retried: bool = False
    #: All ids of what was submitted; the one that a report names.
    message_ids: tuple[str, ...] = ()
    error_class: str | None = None
    code: str | None = None

    @property
    def is_report(self) -> bool:
        """Whether a provider said it."""
        return self.key.startswith((WHOLE, PART))

    @property
    def is_of_part(self) -> bool:
        """Whether it speaks of one part of a message only."""
        return self.key.startswith(PART)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a delivery is, by its events."""

    #: One of the states of a delivery; ``pending`` stands for ``sending`` too.
    status: str
    report: str | None = None
    error_class: str | None = None
    code: str | None = None
    #: The moment that the report is of.
    reported_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    #: The final report came after the expiry.
    late: bool = False


def report_key(message_id: str | None, *, part: bool = False, detail: str = "") -> str:
    """The key of a report; ``detail`` tells two of one kind about one message apart."""
    return f"{PART if part else WHOLE}{message_id or ''}{'@' if detail else ''}{detail}"


def fold(events: Iterable[Event]) -> Standing:
    """What a delivery with these events is, in whatever order and however often they are given.

    1. A final report settles it: ``accepted``, and delivered beats undelivered.
    2. Otherwise a submission, or any word of the provider, proves that it was taken: ``accepted``,
       or ``failed`` as unreported once it has expired. A later resending outweighs a submission
       with what is said of its parts, and no other word of the provider.
    3. Otherwise what we did last decides.

    A message of several parts is delivered when all parts of one submission are. What is said of
    a part counts from the moment at which the ids of the submission are known.
    """
    known = set(events)
    reports = {event for event in known if event.is_report}
    own = sorted(known - reports, key=_place)
    since = max((n for n, event in enumerate(own) if event.kind == "resent"), default=-1)
    current = own[since + 1 :]
    expiry = next((event for event in reversed(current) if event.kind == "expired"), None)
    submissions = [event.message_ids for event in own if event.kind == "submitted"]
    arrived, lost = _arrived(reports, submissions), _lost(reports, submissions)
    report = "delivered" if arrived else "undelivered" if lost else None
    outweighed = {
        id_ for event in own[: since + 1] if event.kind == "submitted" for id_ in event.message_ids
    }
    taken = any(event.kind == "submitted" for event in current) or any(
        not event.is_of_part or outweighed.isdisjoint(event.message_ids) for event in reports
    )
    status, error_class, code = _decided(own[-1] if own else None)
    if report:
        status, error_class = "accepted", None
        code = max(lost, key=_place).code if report == "undelivered" else None
    elif taken and expiry:
        status, error_class, code = "failed", "unreported", expiry.code
    elif taken:
        status, error_class, code = "accepted", None, None
    return Standing(
        status,
        report,
        error_class,
        code,
        _reported_at(reports),
        min((event.at for event in reports if event.kind == "opened"), default=None),
        min((event.at for event in reports if event.kind == "clicked"), default=None),
        late=report is not None and expiry is not None,
    )


def _decided(last: Event | None) -> tuple[str, str | None, str | None]:
    """Status, class and code by what we did last."""
    if last is None or last.kind == "resent":
        return "pending", None, None
    status = last.kind
    if last.retried:
        status = "pending"
    elif last.kind == "failed" and last.error_class in FINAL_CLASSES:
        status = "rejected"
    return status, last.error_class, last.code


def _arrived(reports: Iterable[Event], submissions: Iterable[Collection[str]]) -> bool:
    arrived = [event for event in reports if event.kind in ARRIVED]
    whole = any(event.kind != "delivered" or not event.is_of_part for event in arrived)
    parts = _parts(arrived)
    return whole or any(ids and parts.issuperset(ids) for ids in submissions)


def _lost(reports: Iterable[Event], submissions: Iterable[Collection[str]]) -> list[Event]:
    """The reports that speak of a loss: of the message, or of a known part that did not arrive."""
    lost = [event for event in reports if event.kind in LOST]
    missing = {id_ for ids in submissions for id_ in ids} - _parts(
        event for event in reports if event.kind == "delivered"
    )
    return [
        event for event in lost if not event.is_of_part or not missing.isdisjoint(event.message_ids)
    ]


def _parts(reports: Iterable[Event]) -> set[str]:
    return {id_ for event in reports if event.is_of_part for id_ in event.message_ids}


def _place(event: Event) -> tuple[datetime, str, str]:
    return event.at, event.kind, event.key


def _reported_at(reports: Iterable[Event]) -> datetime | None:
    """Of the arrival, else of the loss, else of the first sign of it."""
    for kinds in ({"delivered"}, LOST):
        if moments := [event.at for event in reports if event.kind in kinds]:
            return max(moments)
    return min((event.at for event in reports), default=None)
