"""Postmark's webhooks: a call for each event, without any signature.

    {"RecordType": "Bounce", "MessageID": .., "Metadata": {"reference": ..}, "Type": "HardBounce",
     "BouncedAt": "2030-01-01T00:00:00Z"}

- https://postmarkapp.com/developer/webhooks/webhooks-overview
- https://postmarkapp.com/developer/api/bounce-api#bounce-types
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from campaigns.run.events import ReportKind
from worker.adapters.base import Report
from worker.adapters.reply import at_path, identifier, moment, parse_json, short_code

#: The metadata that holds the reference.
VARIABLE = "reference"


class _Kind(NamedTuple):
    kind: ReportKind
    #: The field with its moment.
    at: str


_KINDS: Mapping[str, _Kind] = {
    "Delivery": _Kind("delivered", "DeliveredAt"),
    "Bounce": _Kind("bounced", "BouncedAt"),
    "Open": _Kind("opened", "ReceivedAt"),
    "Click": _Kind("clicked", "ReceivedAt"),
}

#: Types of bounces that are not the end of the message: it is delayed, somebody's machine answers,
#: or the reader says something.
_NO_BOUNCES = frozenset(
    {
        "AddressChange",
        "AutoResponder",
        "ChallengeVerification",
        "OpenRelayTest",
        "SpamComplaint",
        "Subscribe",
        "Transient",
        "Unsubscribe",
    }
)


#: There is no such mailbox, or it cannot be one.
_DEAD = frozenset({"BadEmailAddress", "HardBounce"})


def parse_event(body: bytes) -> Sequence[Report]:
    """The report that a call is; none where it is none.

    Raises:
        ValueError: the call does not say of what it is.
    """
    event = parse_json(body)
    name = identifier(at_path(event, "RecordType"))
    if name is None:
        raise ValueError("a call must have a RecordType")
    found = _KINDS.get(name)
    reference = identifier(at_path(event, f"Metadata.{VARIABLE}"))
    word = short_code(at_path(event, "Type"))
    if found is None or reference is None or (name == "Bounce" and word in _NO_BOUNCES):
        return []
    return [_report(event, found, reference, word)]


def _report(event: Any, found: _Kind, reference: str, word: str | None) -> Report:
    message_id = identifier(at_path(event, "MessageID"))
    at = moment(at_path(event, found.at))
    if found.kind in ("opened", "clicked"):
        # It has no id of its own; its moment tells it from others.
        own = None if at is None or message_id is None else f"{message_id}:{at.isoformat()}"
        return Report(reference, message_id, found.kind, at, event_id=own)
    if found.kind == "bounced":
        code = word or "bounce"
        return Report(reference, message_id, found.kind, at, code, gone=code in _DEAD)
    return Report(reference, message_id, found.kind, at)
