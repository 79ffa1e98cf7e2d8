"""Mailgun's webhooks: a call for each event, with a signature that says nothing of the event.

    {"signature": {"timestamp": "1893456000", "token": .., "signature": ..},
     "event-data": {"event": "delivered", "id": .., "timestamp": 1893456000.25,
       "message": {"headers": {"message-id": ..}}, "user-variables": {"reference": ..},
       "severity": "permanent", "delivery-status": {"code": 550, "enhanced-code": "5.1.1"}}}

What is signed is a moment and a token. Who has got hold of one call can therefore say whatever they
like with it, for as long as it is not too old. They would have to know a reference as well.

- https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
- https://documentation.mailgun.com/docs/mailgun/user-manual/events/event-structure
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns.run.events import ReportKind
from worker.adapters.base import ForgedReport, HttpRequest, Report
from worker.adapters.mail_statuses import DEAD
from worker.adapters.reply import at_path, identifier, parse_json, short_code, unix_moment

#: The variable that holds the reference.
VARIABLE = "reference"

#: In seconds. A call that was not taken is repeated for eight hours:
#: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhooks
TOLERANCE = 9 * 3600

_SECONDS = re.compile(r"[0-9]{1,12}")

#: Accepted and stored are steps on the way; complained and unsubscribed are about the reader.
_KINDS: Mapping[str, ReportKind] = {
    "delivered": "delivered",
    "failed": "bounced",
    "rejected": "failed",
    "opened": "opened",
    "clicked": "clicked",
}


def message_id(batch_id: str, reference: str) -> str | None:
    """The id of one message of a batch, which the vendor gives none.

    It writes the id of a batch with angle brackets here and without them there.
    """
    return identifier(f"{batch_id.strip('<>')}:{reference}")


def verify(key: str, request: HttpRequest, now: datetime) -> None:
    """Check the signature of moment and token.

    Raises:
        ForgedReport: it is missing, wrong, or too old.
    """
    signature = at_path(parse_json(request.body), "signature")
    given = at_path(signature, "signature")
    token, timestamp = at_path(signature, "token"), str(at_path(signature, "timestamp"))
    if not (isinstance(given, str) and isinstance(token, str) and _SECONDS.fullmatch(timestamp)):
        raise ForgedReport("the signature is missing")
    signed = (timestamp + token).encode("utf-8", "surrogatepass")
    expected = hmac.digest(key.encode(), signed, "sha256").hex().encode()
    if not hmac.compare_digest(expected, given.lower().encode("utf-8", "surrogatepass")):
        raise ForgedReport("the signature does not match")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise ForgedReport("the signature is too old")


def parse_event(body: bytes) -> Sequence[Report]:
    """The report that an event is; none where it is none.

    Raises:
        ValueError: the call has no event.
    """
    event = at_path(parse_json(body), "event-data")
    name = identifier(at_path(event, "event"))
    if name is None:
        raise ValueError("a call must have an event")
    kind = _KINDS.get(name)
    reference = identifier(at_path(event, f"user-variables.{VARIABLE}"))
    # What fails for now Mailgun tries again itself.
    retried = name == "failed" and at_path(event, "severity") != "permanent"
    if kind is None or reference is None or retried:
        return []
    batch_id = identifier(at_path(event, "message.headers.message-id"))
    code = _code(event) if kind in ("bounced", "failed") else None
    return [
        Report(
            reference,
            None if batch_id is None else message_id(batch_id, reference),
            kind,
            unix_moment(at_path(event, "timestamp")),
            code,
            event_id=identifier(at_path(event, "id")) if kind in ("opened", "clicked") else None,
            gone=kind == "bounced" and code in DEAD,
        )
    ]


def _code(event: Any) -> str | None:
    """The enhanced status code, or else Mailgun's word for why."""
    status = short_code(at_path(event, "delivery-status.enhanced-code"))
    return status or short_code(at_path(event, "reason")) or "failed"
