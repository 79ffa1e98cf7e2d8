"""Adapter ``vonage_messages``: SMS, Viber and RCS through Vonage's Messages API.

    POST {url}   JSON, with a token (RS256) or Basic; default https://api.nexmo.com/v1/messages

https://developer.vonage.com/en/api/messages; the codes are those behind the ``#`` of a problem's
``type`` (RFC 9457): https://developer.vonage.com/en/api-errors/messages

================================  =========  =================================================
answer                            outcome    why
================================  =========  =================================================
202                               Accepted   with the id of the message
429, code 1000                    Throttled  more than the account may submit
401, 402, 403, 404, and codes     Blocked    credentials, credit, a facility that the account
of the account                               does not have, a wrong URL
1030, 1100, 1180, 1220, 1230,     Failed     not submitted, or the handset is away for now;
1241, 1331                                   1241: too much to this recipient, not to others
400, 422 with any other code      Rejected   recipient, sender or content will not do; 1170,
                                             1190: the number is no number, or out of service
5xx without such a code, others   Unknown
================================  =========  =================================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, SecretStr, model_validator

from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from campaigns.template.content import Card, Text
from worker.adapters import vonage_messages_content as forms
from worker.adapters import vonage_messages_tokens as tokens
from worker.adapters.auth import basic
from worker.adapters.base import (
    Accepted,
    Blocked,
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
from worker.adapters.json_post import json_post
from worker.adapters.options import (
    AccountName,
    Options,
    ReportUrl,
    Secret,
    check_proof,
    endpoint,
    matching,
    read_options,
)
from worker.adapters.reply import (
    at_path,
    identifier,
    moment,
    parse_json,
    retry_after,
    short_code,
)

ENDPOINT = "https://api.nexmo.com/v1/messages"

_THROTTLED = frozenset({"1000"})
_BLOCKED = frozenset({"1060", "1070", "1080", "1110", "1140"})
_FAILED = frozenset({"1030", "1100", "1180", "1220", "1230", "1241", "1331"})
_GONE = frozenset({"1170", "1190"})

#: Least and most seconds of each channel's validity.
_VALIDITY = {"sms": (20, 604_800), "viber": (30, 259_200), "rbm": (300, 259_200)}

_KINDS: Mapping[str, ReportKind | None] = {
    "delivered": "delivered",
    "read": "opened",
    "rejected": "failed",
    "undeliverable": "failed",
    "submitted": None,
}


def _checked_key(key: SecretStr) -> SecretStr:
    tokens.read_key(key.get_secret_value())
    return key


class VonageMessagesOptions(Options):
    """What the adapter ``vonage_messages`` can be told: of an application, or of an account."""

    application_id: (
        Annotated[AccountName, matching(r"[0-9a-fA-F-]{36}", "must be a UUID of 36 characters")]
        | None
    ) = None
    private_key: Annotated[Secret, AfterValidator(_checked_key)] | None = None
    api_key: (
        Annotated[
            AccountName,
            matching(r"[!-9;-~]{1,64}", "must be 1 to 64 visible ASCII characters without a colon"),
        ]
        | None
    ) = None
    api_secret: Secret | None = None
    report_url: ReportUrl | None = None
    #: Reports are signed with it.
    signature_secret: Secret | None = None
    #: Of Viber messages; Vonage's default is ``transaction``.
    category: Literal["transaction", "promotion"] | None = None

    @model_validator(mode="after")
    def _check_credentials(self) -> VonageMessagesOptions:
        application = (self.application_id, self.private_key)
        account = (self.api_key, self.api_secret)
        # One of them whole, nothing of the other.
        if {None in application, None in account} != {True, False} or (
            any(application) and any(account)
        ):
            raise ValueError(
                "needs application_id and private_key, or api_key and api_secret, and not both"
            )
        return self


def build(config: ProviderConfig, clock: Clock) -> VonageMessagesAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(VonageMessagesOptions, config)
    check_proof(config, options, "signature_secret", "report_url")
    if options.category and config.channel != "viber":
        raise ConfigurationError(
            f"providers.{config.name}.category: is for the channel 'viber', not {config.channel!r}."
        )
    return VonageMessagesAdapter(endpoint(config, ENDPOINT), config.channel, options, clock)


class VonageMessagesAdapter:
    """One message per request, all to one channel."""

    def __init__(
        self, url: str, channel: str, options: VonageMessagesOptions, clock: Clock
    ) -> None:
        self._url = url
        self._channel = channel
        self._clock = clock
        self._tokens: tokens.Tokens | None = None
        self._basic = ""
        if options.application_id and options.private_key:
            key = tokens.read_key(options.private_key.get_secret_value())
            self._tokens = tokens.Tokens(options.application_id, key)
        elif options.api_key and options.api_secret:
            self._basic = basic(options.api_key, options.api_secret.get_secret_value())
        secret = options.signature_secret
        self._signature_secret = None if secret is None else secret.get_secret_value()
        self._report_url = options.report_url
        self._category = options.category
        self.capabilities = Capabilities(
            reports=options.report_url is not None,
            echoes_reference=True,
            channels=frozenset(_VALIDITY),
            contents=frozenset({Text} if channel == "sms" else {Text, Card}),
            validity="viber_service.ttl, s" if channel == "viber" else "ttl, s",
            report_proof=None if secret is None else "JWT HS256",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message, the channel has no form for it, or its
                address is no phone number.
        """
        (message,) = messages
        if not (message.address.isascii() and message.address.isdecimal()):
            raise ValueError("Vonage sends to phone numbers, also on Viber")
        content = {
            "to": message.address,
            "from": message.sender.removeprefix("+"),
            "client_ref": message.reference,
            **self._content(message),
        }
        if self._report_url is not None:
            content |= {"webhook_url": self._report_url, "webhook_version": "v1"}
        headers = {"authorization": self._authorization()}
        return json_post(self._url, headers, content)

    def _content(self, message: Message) -> Mapping[str, Any]:
        ttl = self._ttl(message)
        if self._channel == "sms":
            return {"channel": "sms", **forms.sms(message.content), **ttl}
        if self._channel == "rbm":
            return {"channel": "rcs", **forms.rcs(message.content), **ttl}
        content, options = forms.viber(message.content)
        category = {"category": self._category} if self._category else {}
        service = {**options, **category, **ttl}
        return {
            "channel": "viber_service",
            **content,
            **({"viber_service": service} if service else {}),
        }

    def _ttl(self, message: Message) -> Mapping[str, int]:
        validity = message.validity(self._clock.now())
        least, most = _VALIDITY[self._channel]
        return {} if validity is None else {"ttl": min(max(validity, least), most)}

    def _authorization(self) -> str:
        if self._tokens is None:
            return self._basic
        return f"Bearer {self._tokens.token(self._clock.now())}"

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content, status = parse_json(response.body), response.status
        if status == 202:
            return Accepted(identifier(at_path(content, "message_uuid")))
        word = _fragment(at_path(content, "type"))
        code = word or f"http_{status}"
        told = status >= 400 and word is not None
        if status == 429 or (told and word in _THROTTLED):
            return Throttled(retry_after(response.headers, self._clock.now()), code)
        if status in (401, 402, 403, 404) or (told and word in _BLOCKED):
            return Blocked(code)
        if told and word in _FAILED:
            return Failed(code)
        if status in (400, 422):
            return Rejected(code, gone=word in _GONE)
        return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the token that comes with a call, and the hash of the body in it.

        Raises:
            ForgedReport: there is none, or it is not good.
        """
        if self._signature_secret is not None:
            given = request.headers.get("authorization", "")
            tokens.verify(self._signature_secret, given, request.body, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it tells of a step on the way.

        Raises:
            ValueError: the call is not a message status.
        """
        content = parse_json(request.body)
        status = at_path(content, "status")
        message_id = identifier(at_path(content, "message_uuid"))
        reference = identifier(at_path(content, "client_ref"))
        if not isinstance(status, str) or message_id is None or reference is None:
            raise ValueError("a message status must hold message_uuid, client_ref and status")
        kind = _KINDS.get(status)
        if kind is None:
            return []
        code = _report_code(at_path(content, "error")) or status if kind == "failed" else None
        at = moment(at_path(content, "timestamp"))
        return [Report(reference, message_id, kind, at=at, code=code)]


def _fragment(link: Any) -> str | None:
    """What stands behind the ``#`` of a problem's type."""
    return short_code(link.rpartition("#")[2]) if isinstance(link, str) and "#" in link else None


def _report_code(error: Any) -> str | None:
    """The code of a report: the title is the number, in version 0 it is called ``code``."""
    named = (at_path(error, "title"), at_path(error, "code"))
    found = (short_code(identifier(each)) for each in named)
    return next((each for each in found if each), None) or _fragment(at_path(error, "type"))
