"""Who makes a request: a team's token, shown as a bearer token (RFC 6750, section 2.1)."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from campaigns.errors import NotFound
from campaigns.team import teams, tokens
from campaigns.team.teams import Team
from campaigns.team.tokens import Scope, Token
from web import context as contexts
from web.failures import HttpRefused, too_many

#: RFC 6750, section 2.1: b64token. Nothing else is worth a look into the database.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,200}=*")

_BEARER = HTTPBearer(
    auto_error=False, description="A token of a team: `sluice tokens create NAME`."
)


@dataclass(frozen=True, slots=True)
class Caller:
    """A team, and the token that speaks for it."""

    team: Team
    token: Token

    def require(self, scope: Scope) -> None:
        """Raises ``HttpRefused`` (403) unless the token has ``scope``: for requests whose content
        says what they need."""
        if scope not in self.token.scopes:
            raise HttpRefused(
                403,
                "insufficient_scope",
                f"This token lacks the scope {scope!r}.",
                {"WWW-Authenticate": f'Bearer error="insufficient_scope", scope="{scope}"'},
            )


def needs(scope: Scope) -> Callable[..., Caller]:
    """A dependency: the caller, whose token has ``scope``.

    Raises:
        HttpRefused: 401 without a good token, 403 without the scope, 429 where it asks too often.
    """

    def caller(
        request: Request,
        shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
    ) -> Caller:
        found = _authenticated(request, shown)
        found.require(scope)
        return found

    return caller


def _authenticated(request: Request, shown: HTTPAuthorizationCredentials | None) -> Caller:
    if shown is None:
        raise _unauthorized("This request needs a token: Authorization: Bearer TOKEN.", "")
    if not _TOKEN.fullmatch(shown.credentials):
        raise _unauthorized("The token is not valid.", ' error="invalid_token"')
    context = contexts.of(request)
    with context.connection() as conn:
        token = tokens.authenticate(conn, shown.credentials, context.now())
        if token is None:
            raise _unauthorized("The token is not valid.", ' error="invalid_token"')
        if wait := context.limits.wait(token.id, time.monotonic()):
            raise too_many(wait)
        try:
            team = teams.find(conn, token.team_id)
        except NotFound:
            raise _unauthorized("The token is not valid.", ' error="invalid_token"') from None
    return Caller(team, token)


def _unauthorized(message: str, details: str) -> HttpRefused:
    # RFC 6750, section 3.1: without any token, no error code.
    return HttpRefused(401, "unauthenticated", message, {"WWW-Authenticate": f"Bearer{details}"})


#: For an endpoint's parameter.
Reader = Annotated[Caller, Depends(needs("read"))]
Writer = Annotated[Caller, Depends(needs("write"))]
Sender = Annotated[Caller, Depends(needs("send"))]
