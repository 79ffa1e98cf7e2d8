"""MessageBird's signature of the calls that it makes.

A JSON Web Token (RFC 7519) in the field ``MessageBird-Signature-JWT``, HMAC with the signing key of
the account, good for a minute. Its claims hold the SHA-256 of the URL, and that of the body where
there is one: https://developers.messagebird.com/api/#verifying-http-requests
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

import jwt

from worker.adapters.base import ForgedReport, HttpRequest

#: In seconds, for clocks that differ.
LEEWAY = 30

_ISSUER = "MessageBird"
_ALGORITHMS = ("HS256", "HS384", "HS512")


def check_signature(key: str, url: str, request: HttpRequest, now: datetime) -> None:
    """Check that MessageBird called ``url`` with this body, and lately.

    Raises:
        ForgedReport: the token is missing, wrong, of another URL or body, or too old.
    """
    claims = _claims(key, request.headers.get("messagebird-signature-jwt", ""))
    if not _same(claims.get("url_hash"), url.encode("utf-8", "surrogatepass")):
        raise ForgedReport("the signature is of another URL")
    payload_hash = claims.get("payload_hash")
    if not (_same(payload_hash, request.body) if request.body else payload_hash is None):
        raise ForgedReport("the signature is of another body")
    begins, ends = _seconds(claims.get("nbf")), _seconds(claims.get("exp"))
    if not begins - LEEWAY <= now.timestamp() <= ends + LEEWAY:
        raise ForgedReport("the signature is not, or no longer, good")


def _claims(key: str, token: str) -> dict[str, Any]:
    try:
        return jwt.decode(
            token.encode("ascii"),
            key,
            algorithms=list(_ALGORITHMS),
            issuer=_ISSUER,
            options={
                "require": ["iss", "nbf", "exp"],
                # Judged above, by the clock that everything here is judged by.
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_aud": False,
            },
        )
    # Of a token that nests deeply, json raises the last.
    except (jwt.PyJWTError, ValueError, RecursionError):
        raise ForgedReport("the signature is missing or does not match") from None


def _same(claim: Any, content: bytes) -> bool:
    expected = hashlib.sha256(content).hexdigest()
    return isinstance(claim, str) and hmac.compare_digest(
        claim.encode("utf-8", "surrogatepass"), expected.encode("ascii")
    )


def _seconds(claim: Any) -> int:
    if not isinstance(claim, int) or isinstance(claim, bool):
        raise ForgedReport("the time of the signature is not a number")
    return claim
