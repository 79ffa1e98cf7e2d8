"""Adapter ``http``: one HTTP request per message to any provider, described in the providers file.

The keys are explained in :mod:`worker.adapters.http_options`. How an answer is read, where its
body does not decide:

========================  =========  =====================================================
status                    outcome    why
========================  =========  =====================================================
success_status            Accepted   with the id at message_id_path; an unreadable body costs
                                     only the id, for the status says that it was taken
a code of error_codes     as listed  it outranks the lists below
throttled_status          Throttled  Retry-After in seconds or as a date is obeyed
blocked_status            Blocked    the provider refuses the account
failed_status             Failed     the provider says that it did not take the message
rejected_status           Rejected   the provider will not take this message
gone_status               Rejected   the address is dead
500, 502, 504, any other  Unknown    it may have been processed before the error happened
========================  =========  =====================================================

Where several messages go with one request, a provider needs an adapter of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from campaigns.channels import ADDRESS_COLUMN, CHANNELS
from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters.access_tokens import decode_token
from worker.adapters.authorizing import Token
from worker.adapters.base import Capabilities, HttpRequest, HttpResponse, Message, Outcome, Report
from worker.adapters.body_template import BodyTemplate
from worker.adapters.form_template import FormTemplate
from worker.adapters.http_auth import OAuth2Auth
from worker.adapters.http_checks import first_fault
from worker.adapters.http_options import OPTIONAL, HttpOptions
from worker.adapters.http_replies import ReplyReader
from worker.adapters.http_reports import ReportParser
from worker.adapters.http_requests import Body, RequestWriter
from worker.adapters.http_signature import ReportProof
from worker.adapters.options import checked_url, read_options
from worker.adapters.receiving import Inbound
from worker.adapters.url_template import UrlTemplate

_BuiltT = TypeVar("_BuiltT")


def build(config: ProviderConfig, clock: Clock) -> HttpAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule; names ``providers.NAME.KEY``.
    """
    url = checked_url(config)
    options = read_options(HttpOptions, config)
    _check(config, options)
    known = options.placeholders()
    where = f"providers.{config.name}"
    target = _named(f"{where}.url: ", lambda: UrlTemplate(url, known=known, optional=OPTIONAL))
    body = _named(f"{where}.body: ", lambda: _body(options, known))
    names = target.names | (frozenset() if body is None else body.names)
    _check_names(where, options, names, "url" if body is None else "body")
    called = None
    if options.report_url is not None:
        report_url = options.report_url
        called = _named(f"{where}.report_url: ", lambda: _called(report_url))
    proof = _named(f"{where}.report_signature.", lambda: _proof(options))
    writer = RequestWriter(options, target, body, called, clock)
    kind = OAuth2HttpAdapter if isinstance(options.auth, OAuth2Auth) else HttpAdapter
    return kind(config.name, options, writer, proof, _capabilities(options, names, proof), clock)


def _check(config: ProviderConfig, options: HttpOptions) -> None:
    fault = first_fault(options)
    if fault is None and ADDRESS_COLUMN[config.channel] != "phone":
        rule = f"the channel {config.channel!r} has no phone numbers"
        fault = None if options.number_format == "digits" else ("number_format", rule)
    if fault is not None:
        raise ConfigurationError(f"providers.{config.name}.{fault[0]}: {fault[1]}.")


def _check_names(where: str, options: HttpOptions, names: frozenset[str], place: str) -> None:
    if "address" not in names:
        raise ConfigurationError(f"{where}.{place}: must hold {{address}}.")
    if options.idempotent and not (options.idempotency_header or "reference" in names):
        raise ConfigurationError(
            f"{where}.idempotent: needs {{reference}} in the body, or idempotency_header."
        )
    for name in options.secrets:
        if f"secret.{name}" not in names:
            raise ConfigurationError(
                f"{where}.secrets.{name}: is not used; write {{secret.{name}}} in url or body."
            )


def _named(where: str, made: Callable[[], _BuiltT]) -> _BuiltT:
    try:
        return made()
    except ValueError as error:
        raise ConfigurationError(f"{where}{error}.") from None


def _body(options: HttpOptions, known: frozenset[str]) -> Body | None:
    match options.body_kind:
        case "json":
            return BodyTemplate(options.body, known=known, optional=OPTIONAL)
        case "form":
            return FormTemplate(options.body, known=known)
        case _:
            return None


def _called(report_url: str) -> UrlTemplate:
    template = UrlTemplate(report_url, known=frozenset({"reference"}))
    if template.path_names:
        raise ValueError("{reference} may stand in the query only")
    return template


def _proof(options: HttpOptions) -> ReportProof | None:
    if options.report_signature is None:
        return None
    return ReportProof(options.report_signature, options.report_url, options.report_format)


def _capabilities(
    options: HttpOptions, names: frozenset[str], proof: ReportProof | None
) -> Capabilities:
    validity = f"validity, {options.validity_unit}" if "validity" in names else None
    if "expires_at" in names:
        validity = validity or f"expires_at, {options.expires_at_format}"
    return Capabilities(
        max_batch=1,
        idempotent=options.idempotent or options.idempotency_header is not None,
        reports=options.report_status_path is not None,
        echoes_reference=options.report_reference_path is not None,
        channels=frozenset(CHANNELS),
        validity=validity,
        report_proof=None if proof is None else proof.name,
        inbound=options.has_inbound,
    )


class HttpAdapter:
    """One message per request; see the module for how answers are read."""

    def __init__(
        self,
        name: str,
        options: HttpOptions,
        writer: RequestWriter,
        proof: ReportProof | None,
        capabilities: Capabilities,
        clock: Clock,
    ) -> None:
        self._name = name
        self._options = options
        self._writer = writer
        self._replies = ReplyReader(options, clock)
        self._reports = ReportParser(options)
        self._proof = proof
        self._clock = clock
        self.capabilities = capabilities

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r})"

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The request for one message.

        Raises:
            ValueError: there is not exactly one message, or it cannot stand in a URL or a form.
        """
        (message,) = messages
        return self._writer.write(message)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, as the keys for answers describe it."""
        return [self._replies.read(message, response) for message in messages]

    def verify_report(self, request: HttpRequest) -> None:
        """Check what report_signature describes, where it is set.

        Raises:
            ForgedReport: the call does not prove that it is the provider's, or is too old.
        """
        if self._proof is not None:
            self._proof.verify(request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The reports in one call, as the ``report_...`` keys describe them.

        Raises:
            ValueError: the call is not such a report, or no such key is set.
        """
        return self._reports.parse(request)

    # See worker.adapters.receiving.
    verify_inbound = verify_report

    def parse_inbound(self, request: HttpRequest) -> Sequence[Inbound]:
        """The messages in one call, as the ``inbound_...`` keys describe them.

        Raises:
            ValueError: the call is not such a message.
        """
        return self._reports.inbound(request)


class OAuth2HttpAdapter(HttpAdapter):
    """With access tokens. Also an :class:`worker.adapters.authorizing.Authorizer`."""

    def token_request(self) -> HttpRequest:
        """The request for a token (RFC 6749, section 4.4.2)."""
        auth = self._oauth2
        body = urlencode(auth.token_form()).encode("ascii")
        return HttpRequest("POST", auth.token_url, auth.token_headers(), body)

    def decode_token(self, response: HttpResponse) -> Token:
        """The token in the answer.

        Raises:
            ValueError: it holds none; the message is a short code.
        """
        return decode_token(response, self._oauth2.expires_in)

    @property
    def _oauth2(self) -> OAuth2Auth:
        assert isinstance(self._options.auth, OAuth2Auth)
        return self._options.auth
