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

Placeholders of ``url`` and ``body``:

=================  ================================================================================
``{address}``      in the form of number_format
``{text}``         what the message says
``{sender}``       in the form of sender_format
``{reference}``    the same at every attempt
``{encoding}``     what encodings has for this text: whether it fits into the GSM alphabet
``{validity}``     how long the message is still worth sending, in validity_unit; a number where it
                   is the whole value
``{expires_at}``   until when, in the form of expires_at_format (UTC)
``{report_url}``   report_url, for this message
``{secret.NAME}``  NAME of the table ``secrets``
=================  ================================================================================

A key that needs ``{validity}`` or ``{expires_at}`` is left out for messages that do not expire.
How answers are read stands in :mod:`worker.adapters.http_reply_options`, how reports are in
:mod:`worker.adapters.http_report_options`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from worker.adapters.http_auth import Auth
from worker.adapters.http_reply_options import ReplyOptions
from worker.adapters.http_report_options import ReportOptions
from worker.adapters.http_times import TimeFormat
from worker.adapters.options import HeaderName, HeaderValue, Options, Secret

#: The placeholders that a message may have no value for.
OPTIONAL = frozenset({"expires_at", "validity"})

_PLACEHOLDERS = OPTIONAL | {"address", "text", "sender", "reference", "encoding"}

_DEFAULT_BODY: Mapping[str, Any] = {
    "to": "{address}",
    "from": "{sender}",
    "text": "{text}",
    "reference": "{reference}",
}


def _once(headers: Any) -> Any:
    if isinstance(headers, Mapping):
        names = [name.lower() for name in headers if isinstance(name, str)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"hold {twice!r} twice, since upper and lower case are the same")
    return headers


class Encodings(BaseModel):
    """The provider's words for the two alphabets of an SMS."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    gsm: str | int = "gsm"
    unicode: str | int = "unicode"


class RequestOptions(Options):
    """How requests are written."""

    method: Literal["POST", "PUT", "PATCH", "GET"] = "POST"
    headers: Annotated[dict[HeaderName, HeaderValue], BeforeValidator(_once)] = Field(
        default_factory=dict
    )
    auth: Auth | None = None
    #: ``{secret.NAME}`` in the URL and the body.
    secrets: dict[str, Secret] = Field(default_factory=dict)
    #: ``none``: all of it stands in the URL, as it does for GET.
    body_format: Literal["json", "form", "none"] | None = None
    body: dict[str, Any] = Field(default_factory=lambda: dict(_DEFAULT_BODY))
    #: ``digits``: 353861234567, ``plus``: +353861234567, ``00``: 00353861234567.
    number_format: Literal["digits", "plus", "00"] = "digits"
    #: The same for senders that are numbers of full length; ``as_given``: as the campaign says.
    sender_format: Literal["as_given", "digits", "plus", "00"] = "as_given"
    encodings: Encodings = Field(default_factory=Encodings)
    validity_unit: Literal["s", "ms", "min"] = "s"
    #: The least and the most that the provider takes, in validity_unit.
    validity_min: int | None = Field(default=None, ge=1)
    validity_max: int | None = Field(default=None, ge=1)
    expires_at_format: TimeFormat = "iso"
    #: The field that takes the reference; the provider must recognise a repeated one.
    idempotency_header: HeaderName | None = None
    #: The provider recognises a repeated reference wherever the request holds it.
    idempotent: bool = False

    @property
    def body_kind(self) -> Literal["json", "form", "none"]:
        """The form of the body."""
        return self.body_format or ("none" if self.method == "GET" else "json")


class HttpOptions(RequestOptions, ReplyOptions, ReportOptions):
    """What the adapter ``http`` can be told."""

    def placeholders(self) -> frozenset[str]:
        """What the URL and the body may hold."""
        own = {f"secret.{name}" for name in self.secrets}
        return _PLACEHOLDERS | own | ({"report_url"} if self.report_url else set())
