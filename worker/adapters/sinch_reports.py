"""Sinch's reports: a call for each recipient, signed where a secret is set up for it.

    {"type": "recipient_delivery_report_sms", "batch_id": .., "recipient": "353861234567",
     "status": "Delivered", "code": 0, "at": "2030-01-01T00:00:00.000Z"}

- https://developers.sinch.com/docs/sms/api-reference/sms/tag/Delivery-reports/
- https://developers.sinch.com/docs/sms/api-reference/sms/webhooks/callbacks
"""

from __future__ import annotations

import hmac
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from campaigns.run.events import ReportKind
from worker.adapters.base import ForgedReport, HttpRequest, Report
from worker.adapters.reply import at_path, identifier, moment, parse_json, short_code

#: In seconds. Sinch repeats a call that was not taken for up to 22 h 45 min, and nowhere says that
#: it signs it anew.
TOLERANCE = 86_400

_HASHES: Mapping[str, str] = {
    "hmacsha256": "sha256",
    "hmacsha384": "sha384",
    "hmacsha512": "sha512",
}
_SECONDS = re.compile(r"[0-9]{1,12}")

_REPORT = re.compile(r"recipient_delivery_report_(?:sms|mms)")

#: What a status is the end of. Queued and Dispatched are steps on the way, and of Unknown nothing
#: is known. The vendor writes Delivered here and DELIVERED there.
_FINAL: Mapping[str, ReportKind] = {
    "delivered": "delivered",
    "aborted": "failed",
    "cancelled": "failed",
    "rejected": "failed",
    "deleted": "failed",
    "failed": "failed",
    "expired": "failed",
}


def digits(recipient: Any) -> str | None:
    """The number as it is stored; the vendor writes it with a plus and without one."""
    return recipient.removeprefix("+") if isinstance(recipient, str) else None


def message_id(batch: str, recipient: str) -> str:
    """The id of one message of a batch, which the vendor gives none."""
    return f"{batch}:{recipient}"


def check_signature(secret: str, request: HttpRequest, now: datetime) -> None:
    """Check base64(HMAC(secret, body.nonce.timestamp)).

    Raises:
        ForgedReport: it is missing, wrong, or too old.
    """
    name = "x-sinch-webhook-signature"
    given = request.headers.get(name, "")
    nonce = request.headers.get(f"{name}-nonce", "")
    timestamp = request.headers.get(f"{name}-timestamp", "")
    algorithm = _HASHES.get(request.headers.get(f"{name}-algorithm", "HmacSHA256").lower())
    if algorithm is None or not nonce or not _SECONDS.fullmatch(timestamp):
        raise ForgedReport("the fields of the signature are missing or unknown")
    signed = request.body + f".{nonce}.{timestamp}".encode("utf-8", "surrogatepass")
    expected = b64encode(hmac.digest(secret.encode(), signed, algorithm))
    if not hmac.compare_digest(expected, given.encode("utf-8", "surrogatepass")):
        raise ForgedReport("the signature does not match")
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise ForgedReport("the signature is too old")


def parse_report(body: bytes) -> Sequence[Report]:
    """The report in one call; none where it is of a step on the way, or of something else.

    Raises:
        ValueError: the call has no type, or is a report that does not say of what.
    """
    content = parse_json(body)
    kind_of_call = identifier(at_path(content, "type"))
    if kind_of_call is None:
        raise ValueError("a call must hold a type")
    if not _REPORT.fullmatch(kind_of_call):
        # Incoming messages, and reports on whole batches, come to the same URL.
        return []
    batch = identifier(at_path(content, "batch_id"))
    recipient = digits(at_path(content, "recipient"))
    status = identifier(at_path(content, "status"))
    whose = identifier(message_id(batch, recipient)) if batch and recipient else None
    if whose is None or status is None:
        raise ValueError("a report must hold batch_id, recipient and status")
    kind = _FINAL.get(status.lower())
    if kind is None:
        return []
    code = short_code(identifier(at_path(content, "code"))) if kind == "failed" else None
    at = moment(at_path(content, "at"))
    return [Report(None, whose, kind, at=at, code=code)]
