"""Adapter ``vonage``: SMS through Vonage's SMS API, formerly Nexmo.

    POST {url}   form with api_key and api_secret; default https://rest.nexmo.com/sms/json

https://developer.vonage.com/en/api/sms

The answer is 200 whatever happens. It holds one element for each segment, each with a ``status``
(https://developer.vonage.com/en/messaging/sms/guides/troubleshooting-sms):

==========================  =========  =======================================================
status                      outcome    why
==========================  =========  =======================================================
0                           Accepted   queued, with an id for each segment
1, 10                       Throttled  more requests, or connections, than the account may have
4, 8, 9, 11, 14, 32         Blocked    credentials, suspension, credit, signature
5                           Failed     the platform's own error, not queued
6, 7, 29, 33                Rejected   this number; 33: it is de-activated for good
2, 3, 12, 15, any other     Rejected   parameters, text or sender will not do
none that can be read       Unknown
==========================  =========  =======================================================

A later segment may be refused alone. Such a message counts as accepted, with the ids of those that
were taken: they are on their way and paid for, so to send it again would double them, and to call
it rejected would contradict the receipts that follow. What the recipient got is then shown by those
receipts alone, so the message may end as delivered with a segment missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from campaigns.template.segments import Encoding, parts
from worker.adapters import inbound
from worker.adapters.base import (
    Accepted,
    Blocked,
    Capabilities,
    Failed,
    ForgedReport,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.options import (
    AccountName,
    Options,
    ReportUrl,
    Secret,
    endpoint,
    matching,
    read_options,
)
from worker.adapters.receiving import Inbound
from worker.adapters.reply import (
    at_path,
    identifier,
    parse_form,
    parse_json,
    retry_after,
    short_code,
)
from worker.adapters.vonage_signature import Method, is_signed

ENDPOINT = "https://rest.nexmo.com/sms/json"

_THROTTLED = frozenset({"1", "10"})
_BLOCKED = frozenset({"4", "8", "9", "11", "14", "32"})
_FAILED = frozenset({"5"})
_GONE = frozenset({"33"})

#: Milliseconds, unlike the Messages API: https://developer.vonage.com/en/api/sms
_SHORTEST, _LONGEST = 20_000, 604_800_000

#: https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts
_KINDS: Mapping[str, ReportKind | None] = {
    "delivered": "delivered",
    **dict.fromkeys(("expired", "failed", "rejected", "deleted", "unknown"), "failed"),
    **dict.fromkeys(("accepted", "buffered")),
}

#: Seconds for which a receipt is good: a call that fails is repeated for 24 hours with the moment
#: of the first attempt (https://developer.vonage.com/en/getting-started/concepts/webhooks).
TOLERANCE = 24 * 3600 + 300

#: Seconds by which Vonage's clock may be ahead of ours.
_AHEAD = 300


class VonageOptions(Options):
    """What the adapter ``vonage`` can be told."""

    api_key: Annotated[
        AccountName, matching(r"[!-~]{1,64}", "must be 1 to 64 visible ASCII characters")
    ]
    api_secret: Secret
    report_url: ReportUrl | None = None
    #: Receipts are signed with it, once Vonage has been asked to sign them.
    signature_secret: Secret | None = None
    signature_method: Method = "sha256"


def build(config: ProviderConfig, clock: Clock) -> VonageAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(VonageOptions, config)
    return VonageAdapter(endpoint(config, ENDPOINT), options, clock)


class VonageAdapter:
    """One message per request."""

    def __init__(self, url: str, options: VonageOptions, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._method = options.signature_method
        secret = options.signature_secret
        self._signature_secret = None if secret is None else secret.get_secret_value()
        self._account = {
            "api_key": options.api_key,
            "api_secret": options.api_secret.get_secret_value(),
        }
        self._report_url = options.report_url
        proof = None
        if secret is not None:
            proof = "MD5" if self._method == "md5hash" else f"HMAC-{self._method.upper()}"
        self.capabilities = Capabilities(
            reports=options.report_url is not None,
            echoes_reference=True,
            channels=frozenset({"sms"}),
            validity="ttl, ms",
            report_proof=proof,
            inbound=proof is not None,
            # https://developer.vonage.com/en/messaging/sms/overview, per API key.
            usual_rate="30/s",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        fields = {
            **self._account,
            "from": message.sender.removeprefix("+"),
            "to": message.address,
            "text": message.text,
            # Text that is outside the GSM alphabet arrives as question marks otherwise.
            "type": "text" if parts(message.text).encoding is Encoding.GSM_7 else "unicode",
            "client-ref": message.reference,
        }
        validity = message.validity(self._clock.now())
        if validity is not None:
            fields["ttl"] = str(min(max(validity * 1000, _SHORTEST), _LONGEST))
        if self._report_url is not None:
            fields["callback"] = self._report_url
            fields["status-report-req"] = "true"
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
        }
        return HttpRequest("POST", self._url, headers, urlencode(fields).encode("ascii"))

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        code = f"http_{response.status}"
        wait = retry_after(response.headers, self._clock.now())
        # Not Vonage's words, but those of a server before it.
        if response.status == 429:
            return Throttled(wait, code)
        if response.status in (401, 403, 404):
            return Blocked(code)
        segments = at_path(parse_json(response.body), "messages")
        if response.status != 200 or not isinstance(segments, list) or not segments:
            return Unknown(code)
        statuses = [identifier(at_path(each, "status")) for each in segments]
        if "0" in statuses:
            pairs = zip(statuses, segments, strict=True)
            return Accepted(
                *(
                    identifier(at_path(each, "message-id"))
                    for status, each in pairs
                    if status == "0"
                )
            )
        return _refusal(statuses, wait)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature among the fields, and the moment that it covers.

        Raises:
            ForgedReport: there is no signature, not the right one, or an old one.
        """
        if self._signature_secret is None:
            return
        fields = _fields(request)
        if not is_signed(self._signature_secret, self._method, fields):
            raise ForgedReport("the signature does not match")
        signed_at = _moment(fields.get("timestamp"))
        if signed_at is None:
            raise ForgedReport("the receipt does not say when it was signed")
        age = (self._clock.now() - signed_at).total_seconds()
        if not -_AHEAD <= age <= TOLERANCE:
            raise ForgedReport("the receipt was not signed lately")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The receipt in one call, which is of one segment; none where it is not final.

        Raises:
            ValueError: the call is not a delivery receipt.
        """
        fields = _fields(request)
        status, message_id = fields.get("status"), identifier(fields.get("messageId"))
        reference = identifier(fields.get("client-ref"))
        if status is None or message_id is None or reference is None:
            raise ValueError("a delivery receipt must hold messageId, client-ref and status")
        kind = _KINDS.get(status)
        if kind is None:
            return []
        code = None
        if kind == "failed":
            number = short_code(fields.get("err-code"))
            code = short_code(status) if number in (None, "0") else number
        at = _moment(fields.get("timestamp"))
        return [Report(reference, message_id, kind, at=at, code=code, part=True)]

    # See worker.adapters.receiving.
    verify_inbound = verify_report

    def parse_inbound(self, request: HttpRequest) -> Sequence[Inbound]:
        """The message in one call, or the first part of it; raises ``ValueError``."""
        return inbound.vonage(_fields(request))


def _refusal(statuses: Sequence[str | None], wait: float | None) -> Outcome:
    """What segments mean none of which was taken."""
    code = next((short_code(each) for each in statuses if each and each.isdecimal()), None)
    if code is None or None in statuses:
        return Unknown("status")
    if code in _THROTTLED:
        return Throttled(wait, code)
    if code in _BLOCKED:
        return Blocked(code)
    if code in _FAILED:
        return Failed(code)
    return Rejected(code, gone=code in _GONE)


def _fields(request: HttpRequest) -> Mapping[str, str]:
    """The fields of a receipt: in the query, in a form or in JSON, as the account is set up."""
    if request.method == "GET":
        try:
            return dict(parse_form(urlsplit(request.url).query))
        except ValueError:
            return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return dict(parse_form(request.body))
    content = parse_json(request.body) if media_type == "application/json" else None
    if not isinstance(content, dict):
        return {}
    return {name: _text(value) for name, value in content.items()}


def _text(value: Any) -> str:
    """A field's value as the signature has it, which knows texts alone."""
    return value if isinstance(value, str) else (identifier(value) or "")


def _moment(seconds: str | None) -> datetime | None:
    if seconds is None or not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 11):
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, OverflowError, OSError):
        return None
