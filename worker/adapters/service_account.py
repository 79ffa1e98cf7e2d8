"""Access tokens for a Google service account, by a signed assertion (RFC 7523, section 2.1).

https://developers.google.com/identity/protocols/oauth2/service-account#httprest
"""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import urlencode

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from worker.adapters.access_tokens import decode_token
from worker.adapters.authorizing import Token
from worker.adapters.base import HttpRequest, HttpResponse
from worker.adapters.options import secure_url
from worker.adapters.reply import at_path, parse_json

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105

_NO_KEY = "must be the JSON key of a service account, with client_email and private_key"

_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

#: The longest that Google allows.
_ASSERTION_LIFE = timedelta(hours=1)


class ServiceAccount:
    """The JSON key of a service account, as Google's console gives it.

    Raises:
        ValueError: ``key`` is not one; says why, and nothing of the key.
    """

    def __init__(self, key: str, token_url: str | None = None) -> None:
        content = parse_json(key.encode())
        email = at_path(content, "client_email")
        pem = at_path(content, "private_key")
        if not isinstance(email, str) or not isinstance(pem, str):
            raise ValueError(_NO_KEY)  # noqa: TRY004
        url = token_url or at_path(content, "token_uri") or TOKEN_URL
        self._email = email
        self._key = _private_key(pem)
        self._key_id = at_path(content, "private_key_id")
        self._url = _token_url(url)

    def token_request(self, scope: str, now: datetime) -> HttpRequest:
        """The request for a token that is good for ``scope``."""
        claims = {
            "iss": self._email,
            "scope": scope,
            "aud": self._url,
            "iat": int(now.timestamp()),
            "exp": int((now + _ASSERTION_LIFE).timestamp()),
        }
        headers = {"kid": self._key_id} if isinstance(self._key_id, str) else None
        assertion = jwt.encode(claims, self._key, algorithm="RS256", headers=headers)
        body = urlencode({"grant_type": _GRANT, "assertion": assertion}).encode("ascii")
        fields = {"content-type": "application/x-www-form-urlencoded"}
        return HttpRequest("POST", self._url, fields, body)

    @staticmethod
    def decode_token(response: HttpResponse) -> Token:
        """The token in the answer.

        Raises:
            ValueError: it holds none; the message is a short code.
        """
        return decode_token(response)


def _token_url(url: object) -> str:
    try:
        return secure_url(str(url))
    except ValueError as error:
        raise ValueError(f"its token_uri {error}") from None


def _private_key(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("its private_key must be a key in the form of PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("its private_key must be an RSA key")  # noqa: TRY004
    return key
