"""Signature Version 4, with which Amazon Web Services have requests signed.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated
from urllib.parse import parse_qsl, quote, urlsplit

from campaigns.providers import ProviderConfig
from worker.adapters.base import HttpRequest
from worker.adapters.options import HeaderValue, Options, Secret, matching

_ALGORITHM = "AWS4-HMAC-SHA256"
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AwsOptions(Options):
    """What every adapter of Amazon's has to be told."""

    region: Annotated[
        str, matching(r"[a-z]{2}(-[a-z0-9]+){1,3}", "must be a region such as eu-west-1")
    ]
    access_key_id: HeaderValue
    secret_access_key: Secret
    #: Of credentials that are good for a while only.
    session_token: HeaderValue | None = None


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs requests to one service in one region."""

    service: str
    region: str
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, service: str, options: AwsOptions) -> Signer:
        """The signer for an account."""
        token = options.session_token
        return cls(
            service,
            options.region,
            options.access_key_id.get_secret_value(),
            options.secret_access_key.get_secret_value(),
            None if token is None else token.get_secret_value(),
        )

    def sign(self, request: HttpRequest, now: datetime) -> HttpRequest:
        """``request`` with the fields that prove whose it is; good for five minutes."""
        moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        headers = {name.lower(): value for name, value in request.headers.items()}
        headers["x-amz-date"] = moment
        if self.session_token is not None:
            headers["x-amz-security-token"] = self.session_token
        # The transport writes the field Host itself, by the URL.
        signed = dict(sorted({**headers, "host": _host(request.url)}.items()))
        scope = f"{moment[:8]}/{self.region}/{self.service}/aws4_request"
        canonical = sha256(_canonical(request, signed).encode()).hexdigest()
        text = "\n".join((_ALGORITHM, moment, scope, canonical))
        signature = hmac.digest(self._key(moment[:8]), text.encode(), "sha256").hex()
        headers["authorization"] = (
            f"{_ALGORITHM} Credential={self.access_key_id}/{scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}"
        )
        return HttpRequest(request.method, request.url, headers, request.body)

    def _key(self, date: str) -> bytes:
        key = f"AWS4{self.secret_access_key}".encode()
        for part in (date, self.region, self.service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def _canonical(request: HttpRequest, headers: Mapping[str, str]) -> str:
    parts = urlsplit(request.url)
    query = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    return "\n".join(
        (
            request.method,
            # Encoded once more, as every service but S3 wants it.
            quote(parts.path or "/", safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{' '.join(value.split())}" for name, value in headers.items()),
            "",
            ";".join(headers),
            sha256(request.body).hexdigest(),
        )
    )


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return host if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{port}"


def endpoint(config: ProviderConfig, service: str, region: str) -> str:
    """Where the service is in that region, unless the file says otherwise."""
    domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return config.url or f"https://{service}.{region}.{domain}"
