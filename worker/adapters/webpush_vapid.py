"""How a push service knows who sends: Voluntary Application Server Identification (RFC 8292).

A token, signed with the key that the subscriptions were made for, good for one push service.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

#: Seconds for which one token is used, half of the time that it is good for: whoever gets it last
#: still has as long again. Push services refuse one that is good for more than 24 hours (RFC 8292,
#: section 2).
TURN = 6 * 3600

#: Push services whose tokens are kept. There are four or five; the endpoints are chosen by
#: strangers, who may make up any number.
_MOST_KEPT = 256

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+={0,2}")


def read_key(text: str) -> EllipticCurvePrivateKey:
    """A private key on the curve P-256: PEM, or the base64url of its 32 bytes or of DER.

    The second is what `web-push generate-vapid-keys` prints, the third what py_vapid keeps.

    Raises:
        ValueError: it is none; shows nothing of it.
    """
    try:
        key = _parsed(text.strip())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP256R1):
        return key
    raise ValueError("must be a private key on the curve P-256, as PEM or base64url")


def _parsed(text: str) -> object:
    if text.startswith("-----"):
        return load_pem_private_key(text.encode(), None)
    if not _BASE64URL.fullmatch(text):
        return None
    found = urlsafe_b64decode(text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4))
    if len(found) == 32:
        return derive_private_key(int.from_bytes(found, "big"), SECP256R1())
    return load_der_private_key(found, None)


def public_key(key: EllipticCurvePrivateKey) -> str:
    """What a browser is given as ``applicationServerKey``, in base64url."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return urlsafe_b64encode(point).rstrip(b"=").decode("ascii")


class Tokens:
    """The values of the field ``Authorization`` for one key."""

    def __init__(self, key: EllipticCurvePrivateKey, subject: str) -> None:
        self._key = key
        self._public = public_key(key)
        self._subject = subject
        self._since = -1
        self._kept: dict[str, str] = {}

    def authorization(self, origin: str, now: datetime) -> str:
        """For the push service at ``origin`` (RFC 6454), good for at least :data:`TURN` seconds."""
        since = int(now.timestamp()) // TURN * TURN
        if since != self._since or len(self._kept) >= _MOST_KEPT:
            self._since = since
            self._kept.clear()
        found = self._kept.get(origin)
        if found is None:
            found = self._kept[origin] = self._signed(origin, since)
        return found

    def _signed(self, origin: str, since: int) -> str:
        claims = {"aud": origin, "exp": since + 2 * TURN, "sub": self._subject}
        # RFC 8292, section 3.
        return f"vapid t={jwt.encode(claims, self._key, algorithm='ES256')}, k={self._public}"
