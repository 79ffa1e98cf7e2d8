"""Signatures of webhooks, version ``v1`` of Standard Webhooks 1.0.0.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Iterable

#: How the written form of a secret begins.
PREFIX = "whsec_"

#: Length of a new secret in bytes; the standard asks for 24 to 64.
_LENGTH = 32


def new_secret() -> bytes:
    """A secret that nobody can guess."""
    return secrets.token_bytes(_LENGTH)


def written(secret: bytes) -> str:
    """The form in which people keep a secret: ``whsec_`` and base64."""
    return PREFIX + base64.b64encode(secret).decode("ascii")


def read(text: str) -> bytes:
    """The secret that ``text`` spells.

    Raises:
        ValueError: it is none.
    """
    try:
        return base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be whsec_ and base64") from None


def sign(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature: over the id, the Unix time of the attempt, and the body as it is sent."""
    content = b".".join((message_id.encode("ascii"), str(timestamp).encode("ascii"), body))
    return "v1," + base64.b64encode(hmac.digest(secret, content, "sha256")).decode("ascii")


def headers(keys: Iterable[bytes], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three fields of a signed message; one signature by each of ``keys``."""
    signatures = " ".join(sign(key, message_id, timestamp, body) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signatures,
    }
