"""The tokens (RFC 7519) with which we prove ourselves to Vonage, and Vonage proves itself to us.

Ours are signed with the application's RSA key: https://developer.vonage.com/en/jwt. Vonage's are
signed with the account's signature secret, and cover the body by its hash:
https://developer.vonage.com/en/messages/concepts/signed-webhooks
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from worker.adapters.base import ForgedReport

#: Seconds for which one token is used. To sign takes about as long as everything else of a request
#: together, and Vonage takes a token until it expires.
_TURN = 600

#: Seconds for which a report is good: a call that fails is repeated for 24 hours.
TOLERANCE = 24 * 3600 + 300

#: Seconds by which Vonage's clock may be ahead of ours.
_AHEAD = 300

# The moments in a token are compared with our own clock below.
_OPTIONS = jwt.types.Options(
    verify_signature=True,
    verify_exp=False,
    verify_iat=False,
    verify_nbf=False,
    verify_aud=False,
    verify_iss=False,
    require=["iat", "payload_hash"],
)


def read_key(pem: str) -> RSAPrivateKey:
    """The private key of an application.

    Raises:
        ValueError: it is not the PEM of an RSA key without a password; shows nothing of it.
    """
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if isinstance(key, RSAPrivateKey):
        return key
    raise ValueError("must be the PEM of an RSA key without a password")


class Tokens:
    """Signs for one application; the same moment always gives the same token."""

    def __init__(self, application_id: str, key: RSAPrivateKey) -> None:
        self._application_id = application_id
        self._key = key
        self._current = (-1, "")

    def token(self, now: datetime) -> str:
        """A token that is good for at least ``_TURN`` seconds from ``now``."""
        since = int(now.timestamp()) // _TURN * _TURN
        if self._current[0] != since:
            self._current = (since, self._signed(since))
        return self._current[1]

    def _signed(self, since: int) -> str:
        claims = {
            "application_id": self._application_id,
            "iat": since,
            "exp": since + 2 * _TURN,
            "jti": str(uuid5(NAMESPACE_URL, f"{self._application_id}/{since}")),
        }
        return jwt.encode(claims, self._key, algorithm="RS256")


def verify(secret: str, authorization: str, body: bytes, now: datetime) -> None:
    """Check the token of a call of Vonage's.

    Raises:
        ForgedReport: there is none, it is not Vonage's, not of this body, or not lately signed.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise ForgedReport("there is no token")
    try:
        # The algorithm is ours to say: a token that names another one is refused.
        claims = jwt.decode(token.strip(), secret, algorithms=["HS256"], options=_OPTIONS)
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise ForgedReport("the token is not one of Vonage's") from None
    given = str(claims["payload_hash"]).lower().encode("utf-8", "surrogatepass")
    if not hmac.compare_digest(hashlib.sha256(body).hexdigest().encode("ascii"), given):
        raise ForgedReport("the token is of another body")
    issued = claims["iat"]
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise ForgedReport("the token does not say when it was signed")
    if not -_AHEAD <= now.timestamp() - issued <= TOLERANCE:
        raise ForgedReport("the token was not signed lately")
