"""SES's events, as its event publishing delivers them through SNS.

    {"eventType": "Bounce", "mail": {"messageId": .., "tags": {"reference": [..]}},
     "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "timestamp": ..,
       "bouncedRecipients": [{"status": "5.1.1", ..}]}}

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from campaigns.run.events import ReportKind
from worker.adapters.base import Report
from worker.adapters.mail_statuses import DEAD
from worker.adapters.reply import at_path, identifier, moment, short_code

#: The message tag that holds the reference.
TAG = "reference"


class _Kind(NamedTuple):
    kind: ReportKind
    #: The object that describes the event, and has its moment.
    details: str


#: Send, DeliveryDelay, Complaint and Subscription are steps on the way, or about the reader.
_KINDS: Mapping[str, _Kind] = {
    "Delivery": _Kind("delivered", "delivery"),
    "Bounce": _Kind("bounced", "bounce"),
    "Reject": _Kind("failed", "reject"),
    "Rendering Failure": _Kind("failed", "failure"),
    "Open": _Kind("opened", "open"),
    "Click": _Kind("clicked", "click"),
}


def parse_event(event: Mapping[str, Any] | None) -> Sequence[Report]:
    """The report that an event is; none where it is none.

    Raises:
        ValueError: it does not say what happened to which message.
    """
    if event is None:
        return []
    name = identifier(event.get("eventType"))
    message_id = identifier(at_path(event, "mail.messageId"))
    if name is None or message_id is None:
        raise ValueError("an event must have an eventType and a message")
    found = _KINDS.get(name)
    reference = identifier(at_path(event, f"mail.tags.{TAG}.0"))
    if found is None or reference is None:
        return []
    at = moment(at_path(event, f"{found.details}.timestamp"))
    if found.kind in ("opened", "clicked"):
        # It has no id of its own; its moment tells it from others.
        own = None if at is None else f"{message_id}:{at.isoformat()}"
        return [Report(reference, message_id, found.kind, at, event_id=own)]
    return [Report(reference, message_id, found.kind, at, _code(name, event), gone=_is_gone(event))]


def _is_gone(event: Mapping[str, Any]) -> bool:
    """Not of an address on the account's suppression list: who complained is there as well."""
    if at_path(event, "bounce.bounceType") != "Permanent":
        return False
    kind = at_path(event, "bounce.bounceSubType")
    status = at_path(event, "bounce.bouncedRecipients.0.status")
    return kind == "NoEmail" or (kind == "General" and short_code(status) in DEAD)


def _code(name: str, event: Mapping[str, Any]) -> str | None:
    if name == "Delivery":
        return None
    status = short_code(at_path(event, "bounce.bouncedRecipients.0.status"))
    kind = short_code(at_path(event, "bounce.bounceType"))
    return status or kind or name.replace(" ", "")
