"""How the adapter ``http`` proves who it is: the key ``auth``."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote_plus

from pydantic import BaseModel, ConfigDict, Field

from worker.adapters.auth import basic
from worker.adapters.options import (
    AccountName,
    HeaderName,
    HeaderValue,
    PossiblyEmpty,
    Secret,
    SecureUrl,
    matching,
)


class _Auth(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BearerAuth(_Auth):
    """``Authorization: Bearer`` (RFC 6750, section 2.1)."""

    type: Literal["bearer"]
    token: HeaderValue

    def headers(self) -> dict[str, str]:
        """The field for each request."""
        return {"authorization": f"Bearer {self.token.get_secret_value()}"}


class BasicAuth(_Auth):
    """``Authorization: Basic`` (RFC 7617)."""

    type: Literal["basic"]
    # RFC 7617, section 2: a user with a colon could not be told from the password.
    username: Annotated[AccountName, matching(r"[^:]*", "must not hold a colon")]
    # Some providers want their key as the user, and nothing beside it.
    password: PossiblyEmpty

    def headers(self) -> dict[str, str]:
        """The field for each request."""
        return {"authorization": basic(self.username, self.password.get_secret_value())}


class HeaderAuth(_Auth):
    """A field of the provider's own: ``X-Api-Key: KEY``, or ``Authorization: App KEY``."""

    type: Literal["header"]
    name: HeaderName = "authorization"
    #: The word before the value.
    scheme: (
        Annotated[str, matching(r"[!-~]+", "must be one word of visible ASCII characters")] | None
    ) = None
    value: HeaderValue

    def headers(self) -> dict[str, str]:
        """The field for each request."""
        value = self.value.get_secret_value()
        return {self.name: value if self.scheme is None else f"{self.scheme} {value}"}


class OAuth2Auth(_Auth):
    """Access tokens by client credentials (RFC 6749, section 4.4)."""

    type: Literal["oauth2"]
    token_url: SecureUrl
    client_id: Secret
    client_secret: Secret
    scope: str | None = None
    audience: str | None = None
    #: Where the credentials go: RFC 6749, section 2.3.1 wants ``basic`` and allows ``body``.
    credentials: Literal["basic", "body"] = "basic"
    #: For how many seconds a token is good whose answer does not say so.
    expires_in: float = Field(default=300, gt=0, le=86_400)

    def headers(self) -> dict[str, str]:
        """None: the transport adds the token."""
        return {}

    def token_headers(self) -> dict[str, str]:
        """The fields of the request for a token."""
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        if self.credentials == "basic":
            # Both are encoded as in a form before: RFC 6749, section 2.3.1.
            user = quote_plus(self.client_id.get_secret_value())
            password = quote_plus(self.client_secret.get_secret_value())
            headers["authorization"] = basic(user, password)
        return headers

    def token_form(self) -> dict[str, str]:
        """The form of the request for a token."""
        form = {"grant_type": "client_credentials"}
        if self.credentials == "body":
            form["client_id"] = self.client_id.get_secret_value()
            form["client_secret"] = self.client_secret.get_secret_value()
        form |= {"scope": self.scope} if self.scope else {}
        return form | ({"audience": self.audience} if self.audience else {})


Auth = Annotated[
    BearerAuth | BasicAuth | HeaderAuth | OAuth2Auth,
    Field(discriminator="type"),
]
