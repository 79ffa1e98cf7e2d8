"""Telnyx's signature of the calls that it makes.

Ed25519 (RFC 8032) over ``timestamp|body``, base64, in the field ``telnyx-signature-ed25519``; good
for five minutes: https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks
"""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from worker.adapters.base import ForgedReport, HttpRequest

#: In seconds, both ways: clocks differ.
TOLERANCE = 300

_SECONDS = re.compile(r"[0-9]{1,12}")


def public_key(text: str) -> Ed25519PublicKey:
    """The key in base64.

    Raises:
        ValueError: it is none.
    """
    try:
        return Ed25519PublicKey.from_public_bytes(b64decode(text, validate=True))
    except ValueError:
        raise ValueError("must be a public key of 32 bytes in base64") from None


def check_signature(key: Ed25519PublicKey, request: HttpRequest, now: datetime) -> None:
    """Check that a call was signed with the other half of ``key``, and lately.

    Raises:
        ForgedReport: the signature is missing, wrong, or too old.
    """
    timestamp = request.headers.get("telnyx-timestamp", "")
    if not _SECONDS.fullmatch(timestamp):
        raise ForgedReport("the time of the signature is missing")
    try:
        signature = b64decode(request.headers.get("telnyx-signature-ed25519", ""), validate=True)
        key.verify(signature, timestamp.encode("ascii") + b"|" + request.body)
    except (ValueError, InvalidSignature):
        raise ForgedReport("the signature is missing or does not match") from None
    if abs(now.timestamp() - int(timestamp)) > TOLERANCE:
        raise ForgedReport("the signature is too old")
