"""``/oauth2/access-token``: access tokens for client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus
from uuid import UUID

from fastapi import Depends, FastAPI, Request
from pydantic import BaseModel, Field

from campaigns.errors import Invalid
from campaigns.names import as_uuid
from campaigns.team import clients
from web import body, dialect
from web.context import Context
from web.failures import Failure, HttpRefused, too_many
from web.limits import Limits

#: What one address may get wrong: so often at once, and then once in so many seconds.
MOST_FAILURES = 10
SECONDS_PER_FAILURE = 6.0

#: Longer bodies are none of this kind.
LARGEST = 64 * 1024

#: Who a client is whose id is none.
_NOBODY = UUID(int=0)

_CREDENTIALS = {"WWW-Authenticate": 'Basic realm="sluice", charset="UTF-8"'}

#: RFC 6749, section 5.2, by what else the door refuses a request with.
_ERRORS = {404: "invalid_request", 405: "invalid_request", 413: "invalid_request"}


class AccessToken(BaseModel):
    """RFC 6749, section 5.1."""

    access_token: str = Field(examples=["sluice_..."])
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - it is no password
    #: In seconds.
    expires_in: int = Field(examples=[604800])
    #: Only where fewer scopes were asked for than the client has.
    scope: str | None = None


class OAuthError(BaseModel):
    """RFC 6749, section 5.2."""

    error: str = Field(examples=["invalid_client"])
    error_description: str = Field(examples=["The client cannot be authenticated."])


class TokenRequest(BaseModel):
    """RFC 6749, section 4.4.2. The credentials may stand in an Authorization header instead."""

    grant_type: Literal["client_credentials"]
    client_id: str | None = None
    client_secret: str | None = None
    scope: str | None = None


async def _form(request: Request) -> Mapping[str, str]:
    """The fields of the request. Unknown ones count for nothing, as section 3.2 wants it."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise _refused("invalid_request", "The body must be application/x-www-form-urlencoded.")
    found: dict[str, str] = {}
    for name, value in body.form_pairs(await body.read(request, LARGEST)):
        if name in found:
            raise _refused("invalid_request", "A field must not be given twice.")
        found[name] = value
    # Section 3.2: a field without a value is treated as if it were left out.
    return {name: value for name, value in found.items() if value}


Form = Annotated[Mapping[str, str], Depends(_form)]


def create(context: Context) -> FastAPI:
    """The application that is mounted at ``/oauth2``."""
    app = dialect.application(
        context,
        title="Access tokens",
        version="1.0.0",
        description="OAuth 2.0 access tokens for the client credentials of `sluice clients`.",
        wording=_wording,
    )
    failures = Limits(1 / SECONDS_PER_FAILURE, MOST_FAILURES * SECONDS_PER_FAILURE)

    @app.post(
        "/access-token",
        summary="Obtain an access token",
        response_model=AccessToken,
        response_model_exclude_none=True,
        responses=dialect.described(
            OAuthError,
            {
                400: "The request is none of RFC 6749, section 4.4.",
                401: "The client cannot be authenticated.",
                413: "The body is too large.",
                429: "Too many requests with wrong credentials came from this address.",
                500: "Something went wrong here.",
                503: "The database cannot be reached at the moment.",
            },
        ),
        openapi_extra=_described(),
    )
    def access_token(request: Request, form: Form) -> AccessToken:
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise _refused("invalid_request", "grant_type is required.")
        if grant_type != "client_credentials":
            raise _refused("unsupported_grant_type", "grant_type must be 'client_credentials'.")
        identity, secret = _credentials(request, form)
        address = request.client.host if request.client else None
        source = _source(address)
        if wait := failures.ahead(source, time.monotonic()):
            raise too_many(wait)
        asked = form["scope"].split() if "scope" in form else None
        # An id that is none takes the way of one that nobody has.
        client_id = as_uuid(identity) or _NOBODY
        with context.connection() as conn:
            try:
                granted = clients.grant(
                    conn, client_id, secret, address, context.now(), scopes=asked
                )
            except Invalid:
                raise _refused("invalid_scope", "The client has no such scope.") from None
        if granted is None:
            failures.wait(source, time.monotonic())
            raise _unauthenticated()
        return AccessToken(
            access_token=granted.secret,
            expires_in=int(clients.TOKEN_LIFE.total_seconds()),
            scope=None if asked is None else " ".join(granted.token.scopes),
        )

    return app


def _credentials(request: Request, form: Mapping[str, str]) -> tuple[str, str]:
    """Id and secret, from the header or from the body, never from both (section 2.3)."""
    header = request.headers.get("authorization")
    in_body = "client_id" in form or "client_secret" in form
    if header is not None:
        if "client_secret" in form:
            raise _refused("invalid_request", "Credentials must be given in one way only.")
        identity, secret = _basic(header)
        if form.get("client_id", identity) != identity:
            raise _refused("invalid_request", "Credentials must be given in one way only.")
        return identity, secret
    if not in_body:
        raise _unauthenticated()
    return form.get("client_id", ""), form.get("client_secret", "")


def _basic(header: str) -> tuple[str, str]:
    """Both parts are form encoded before they are put together (section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _unauthenticated()
    try:
        identity, colon, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        )
        decoded = unquote_plus(identity, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise _unauthenticated() from None
    if not colon:
        raise _unauthenticated()
    return decoded


def _source(address: str | None) -> str:
    """Whose failures are counted together: one IPv4 address, or one IPv6 network of /64."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return ""
    # A socket for both families tells an IPv4 address as one of ::ffff:0:0/96.
    found = (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found
    return str(found if found.version == 4 else ip_network((found, 64), strict=False))


def _refused(error: str, message: str) -> HttpRefused:
    return HttpRefused(400, error, message)


def _unauthenticated() -> HttpRefused:
    return HttpRefused(401, "invalid_client", "The client cannot be authenticated.", _CREDENTIALS)


def _wording(failure: Failure) -> dict[str, str]:
    error = _ERRORS.get(failure.status, failure.code)
    if failure.status == 429 or failure.status == 503:
        error = "temporarily_unavailable"
    elif failure.status == 500:
        error = "server_error"
    elif failure.code == "malformed":
        error = "invalid_request"
    said = failure.message
    if failure.status == 429:
        said = "Too many requests with wrong credentials came from this address; try again later."
    return {"error": error, "error_description": said}


def _described() -> dict[str, Any]:
    example = {
        "grant_type": "client_credentials",
        "client_id": "CLIENT_ID",
        "client_secret": "CLIENT_SECRET",
    }
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": TokenRequest.model_json_schema(),
                    "examples": {"credentials": {"value": example}},
                }
            },
        },
        "security": [],
    }
