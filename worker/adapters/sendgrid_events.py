"""SendGrid's event webhook: a list of events of many messages, signed as a whole.

    [{"event": "delivered", "email": .., "timestamp": 1893456000, "sg_event_id": ..,
      "sg_message_id": "{id of the request}.{place}", "reference": ..}, ..]

The custom arguments of a message, its reference, stand among the event's own fields.

- https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
- https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from campaigns.run.events import ReportKind
from worker.adapters.base import ForgedReport, HttpRequest, Report
from worker.adapters.mail_statuses import DEAD
from worker.adapters.reply import at_path, identifier, parse_json, short_code, unix_moment

Key = EllipticCurvePublicKey

#: In seconds. A call that was not taken is repeated for 24 hours, and nowhere does it say that it
#: is signed anew.
TOLERANCE = 86_400

_PREFIX = "x-twilio-email-event-webhook"
_SECONDS = re.compile(r"[0-9]{1,12}")

#: Deferred and processed are steps on the way; spamreport and unsubscribe are about the reader.
_KINDS: Mapping[str, ReportKind] = {
    "delivered": "delivered",
    "bounce": "bounced",
    "dropped": "failed",
    "open": "opened",
    "click": "clicked",
}


def read_key(text: str) -> Key:
    """The verification key as SendGrid shows it: base64 of DER.

    Raises:
        ValueError: it is not one.
    """
    try:
        key = load_der_public_key(b64decode(text, validate=True))
    # What it raises depends on what is wrong, and some of it is not a ValueError.
    except Exception:
        key = None
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("must be the verification key of the event webhook, in base64")


def message_id(request_id: str, reference: str) -> str | None:
    """The id of one message of a request, which the vendor gives none."""
    return identifier(f"{request_id}:{reference}")


def verify(key: Key, request: HttpRequest, now: datetime) -> None:
    """Check the signature of timestamp and body.

    Raises:
        ForgedReport: it is missing, wrong, or too old.
    """
    timestamp = request.headers.get(f"{_PREFIX}-timestamp", "")
    if not _SECONDS.fullmatch(timestamp):
        raise ForgedReport("the moment of the signature is missing")
    try:
        signature = b64decode(request.headers.get(f"{_PREFIX}-signature", ""), validate=True)
        key.verify(signature, timestamp.encode() + request.body, ECDSA(SHA256()))
    except (InvalidSignature, Base64Error, ValueError):
        raise ForgedReport("the signature does not match") from None
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise ForgedReport("the signature is too old")


def parse_events(body: bytes) -> Sequence[Report]:
    """The reports among the events, those on messages of others left out.

    Raises:
        ValueError: the call is not a list of events.
    """
    events = parse_json(body)
    if not isinstance(events, list) or not all(isinstance(each, dict) for each in events):
        raise ValueError("a call must be a list of events")
    reports = [_report(event) for event in events]
    return [report for report in reports if report is not None]


def _report(event: Mapping[str, Any]) -> Report | None:
    name = identifier(event.get("event"))
    if name is None:
        raise ValueError("an event must have a name")
    kind = _KINDS.get(name)
    reference = identifier(event.get("reference"))
    # A mail program that loads all pictures by itself has opened nothing (Apple Mail).
    if kind is None or reference is None or event.get("sg_machine_open") is True:
        return None
    whole = identifier(event.get("sg_message_id"))
    code = _code(name, event) if kind in ("bounced", "failed") else None
    return Report(
        reference,
        None if whole is None else message_id(whole.partition(".")[0], reference),
        kind,
        unix_moment(event.get("timestamp")),
        code,
        event_id=identifier(event.get("sg_event_id")) if kind in ("opened", "clicked") else None,
        # What is dropped was not tried.
        gone=kind == "bounced" and code in DEAD,
    )


def _code(name: str, event: Mapping[str, Any]) -> str:
    """The enhanced status code, or else the kind of bounce; the reason is a sentence."""
    return short_code(at_path(event, "status")) or short_code(at_path(event, "type")) or name
