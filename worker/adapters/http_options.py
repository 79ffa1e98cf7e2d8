"""The keys of a ``[providers.NAME]`` table with ``adapter = "http"``.

    [providers.carrier]
    adapter = "http"
    channel = "sms"
    url = "https://api.example.com/v1/messages"
    auth = { type = "bearer", token = "env:CARRIER_TOKEN" }
    headers = { X-Account = "7311" }
    number_format = "plus"
    idempotency_header = "Idempotency-Key"
    message_id_path = "messages.0.id"

    [providers.carrier.body]
    to = ["{address}"]
    from = "{sender}"
    content = { text = "{text}" }
    client_ref = "{reference}"
    validity_seconds = "{validity}"

Placeholders: ``{address}``, ``{text}``, ``{sender}``, ``{reference}``, ``{expires_at}`` (ISO 8601,
UTC) and ``{validity}`` (whole seconds that the message is still worth sending; a number where it
is the whole value). A key that needs one of the last two is left out for messages that do not
expire.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from worker.adapters.auth import basic
from worker.adapters.options import HeaderName, HeaderValue, Options, Secret

_DEFAULT_BODY: Mapping[str, Any] = {
    "to": "{address}",
    "from": "{sender}",
    "text": "{text}",
    "reference": "{reference}",
}

Class = Literal["accepted", "throttled", "rejected", "failed"]

_KEYS: Mapping[str, Class] = {
    "success_status": "accepted",
    "throttled_status": "throttled",
    "rejected_status": "rejected",
    "failed_status": "failed",
}

#: What a status means where the file does not say so; any other is unknown. 503 says that the
#: service did not take the request. 408 and 425 say that it did not process it, 307 and 308 that
#: it has to be sent elsewhere (RFC 9110, section 15; RFC 8470, section 5.2). 401 and 402 are about
#: the account, not the recipient, and may be mended while the campaign runs.
_DEFAULT_CLASSES: Mapping[int, Class] = {
    **dict.fromkeys(range(200, 300), "accepted"),
    **dict.fromkeys(range(400, 500), "rejected"),
    **dict.fromkeys((307, 308, 401, 402, 408, 425, 503), "failed"),
    429: "throttled",
}


def _path(path: str) -> str:
    if not all(path.split(".")):
        raise ValueError("must be keys and list positions joined by dots, such as messages.0.id")
    return path


#: Where a value stands in a JSON document.
Path = Annotated[str, AfterValidator(_path)]

Status = Annotated[int, Field(ge=100, le=599)]


class _Auth(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class BearerAuth(_Auth):
    """``Authorization: Bearer`` (RFC 6750, section 2.1)."""

    type: Literal["bearer"]
    token: HeaderValue

    def header(self) -> str:
        """The value of the Authorization field."""
        return f"Bearer {self.token.get_secret_value()}"


class BasicAuth(_Auth):
    """``Authorization: Basic`` (RFC 7617)."""

    type: Literal["basic"]
    # RFC 7617, section 2: a user with a colon could not be told from the password.
    username: str = Field(pattern=r"^[^:]*$")
    password: Secret

    def header(self) -> str:
        """The value of the Authorization field."""
        return basic(self.username, self.password.get_secret_value())


class HttpOptions(Options):
    """What the adapter ``http`` can be told."""

    headers: dict[HeaderName, HeaderValue] = Field(default_factory=dict)
    auth: Annotated[BearerAuth | BasicAuth, Field(discriminator="type")] | None = None
    body: dict[str, Any] = Field(default_factory=lambda: dict(_DEFAULT_BODY))
    #: ``digits``: 353861234567, ``plus``: +353861234567.
    number_format: Literal["digits", "plus"] = "digits"
    #: The field that takes the reference; the provider must recognise a repeated one.
    idempotency_header: HeaderName | None = None
    #: The provider recognises a repeated reference wherever the body holds it.
    idempotent: bool = False

    # Each of these replaces the whole default of its class.
    success_status: list[Status] | None = None
    throttled_status: list[Status] | None = None
    rejected_status: list[Status] | None = None
    failed_status: list[Status] | None = None
    message_id_path: Path = "id"

    report_reference_path: Path | None = None
    report_id_path: Path | None = None
    #: Reports are understood when this is set.
    report_status_path: Path | None = None
    report_delivered: list[str] = Field(default_factory=lambda: ["delivered"])
    report_undelivered: list[str] = Field(
        default_factory=lambda: ["undelivered", "failed", "rejected", "expired"]
    )

    def classes(self) -> Mapping[int, Class]:
        """The class of each status; a status that has none is unknown."""
        named = {_KEYS[key] for key, _ in self._listed()}
        classes = {status: each for status, each in _DEFAULT_CLASSES.items() if each not in named}
        for key, statuses in self._listed():
            classes.update(dict.fromkeys(statuses, _KEYS[key]))
        return classes

    def _listed(self) -> list[tuple[str, list[int]]]:
        lists = ((key, getattr(self, key)) for key in _KEYS)
        return [(key, statuses) for key, statuses in lists if statuses is not None]

    @model_validator(mode="after")
    def _check_statuses(self) -> HttpOptions:
        seen: dict[int, str] = {}
        for key, statuses in self._listed():
            for status in statuses:
                if seen.setdefault(status, key) != key:
                    raise ValueError(f"{seen[status]} and {key} both hold {status}")
        return self

    @model_validator(mode="after")
    def _check_report(self) -> HttpOptions:
        if self.report_status_path and not (self.report_reference_path or self.report_id_path):
            raise ValueError(
                "report_status_path needs report_reference_path or report_id_path, "
                "to tell whose report it is"
            )
        both = set(self.report_delivered) & set(self.report_undelivered)
        if both:
            raise ValueError(f"report_delivered and report_undelivered both hold {min(both)!r}")
        return self
