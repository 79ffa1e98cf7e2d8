"""Adapter ``http``: a JSON POST to any provider, described in the providers file.

The keys are explained in :mod:`worker.adapters.http_options`. How a reply is read:

========================  =========  =====================================================
status                    outcome    why
========================  =========  =====================================================
success_status            Accepted   with the id at message_id_path; an unreadable body costs
                                     only the id, for the status says that it was taken
throttled_status          Throttled  Retry-After in seconds or as a date is obeyed
failed_status             Failed     the provider says that it did not take the message
rejected_status           Rejected   the provider will not take this message
500, 502, 504, any other  Unknown    it may have been processed before the error happened
========================  =========  =====================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from campaigns.channels import ADDRESS_COLUMN, CHANNELS
from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters.base import (
    Accepted,
    Capabilities,
    Failed,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.body_template import BodyTemplate
from worker.adapters.http_options import HttpOptions
from worker.adapters.http_reports import ReportParser
from worker.adapters.options import checked_url, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after

_OPTIONAL = frozenset({"expires_at", "validity"})
_PLACEHOLDERS = frozenset({"address", "text", "sender", "reference"}) | _OPTIONAL


def build(config: ProviderConfig, clock: Clock) -> HttpAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    url = checked_url(config)
    options = read_options(HttpOptions, config)
    has_numbers = ADDRESS_COLUMN[config.channel] == "phone"
    if options.number_format == "plus" and not has_numbers:
        raise ConfigurationError(
            f"providers.{config.name}.number_format: the channel {config.channel!r} "
            "has no phone numbers."
        )
    return HttpAdapter(config.name, url, options, _template(config.name, options), clock)


def _template(name: str, options: HttpOptions) -> BodyTemplate:
    try:
        template = BodyTemplate(options.body, known=_PLACEHOLDERS, optional=_OPTIONAL)
    except ValueError as error:
        raise ConfigurationError(f"providers.{name}.body: {error}.") from None
    if "address" not in template.names:
        raise ConfigurationError(f"providers.{name}.body: must hold {{address}}.")
    if options.idempotent and not (options.idempotency_header or "reference" in template.names):
        raise ConfigurationError(
            f"providers.{name}.idempotent: needs {{reference}} in the body, or idempotency_header."
        )
    return template


class HttpAdapter:
    """One message per request; see the module for how replies are read."""

    def __init__(
        self, name: str, url: str, options: HttpOptions, body: BodyTemplate, clock: Clock
    ) -> None:
        self._name = name
        self._url = url
        self._options = options
        self._body = body
        self._clock = clock
        self._prefix = "+" if options.number_format == "plus" else ""
        self._headers = _headers(options)
        self._classes = options.classes()
        self._reports = ReportParser(options)
        self.capabilities = Capabilities(
            max_batch=1,
            idempotent=options.idempotent or options.idempotency_header is not None,
            reports=options.report_status_path is not None,
            echoes_reference=options.report_reference_path is not None,
            channels=frozenset(CHANNELS),
        )

    def __repr__(self) -> str:
        return f"HttpAdapter({self._name!r})"

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        headers = self._headers
        if self._options.idempotency_header:
            headers = {**headers, self._options.idempotency_header: message.reference}
        expires_at = message.expires_at
        body = self._body.render(
            {
                "address": self._prefix + message.address,
                "text": message.text,
                "sender": message.sender,
                "reference": message.reference,
                "expires_at": None if expires_at is None else _iso(expires_at),
                "validity": message.validity(self._clock.now()),
            }
        )
        return HttpRequest("POST", self._url, headers, body)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        code = f"http_{response.status}"
        match self._classes.get(response.status):
            case "accepted":
                content = parse_json(response.body)
                return Accepted(identifier(at_path(content, self._options.message_id_path)))
            case "throttled":
                wait = retry_after(response.headers, self._clock.now())
                return Throttled(wait, code)
            case "rejected":
                return Rejected(code)
            case "failed":
                return Failed(code)
            case _:
                return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Nothing is signed."""

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The reports in one call, as the ``report_...`` keys describe them.

        Raises:
            ValueError: the call is not such a report, or no such key is set.
        """
        return self._reports.parse(request.body)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _headers(options: HttpOptions) -> Mapping[str, str]:
    headers = {"content-type": "application/json", "accept": "application/json"}
    if options.auth:
        headers["authorization"] = options.auth.header()
    headers.update({name: value.get_secret_value() for name, value in options.headers.items()})
    return headers
