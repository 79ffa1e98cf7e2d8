"""Adapter ``rbm``: an agent of RCS for Business, by Google's RCS Business Messaging API.

    POST {url}/v1/phones/+{number}/agentMessages?messageId={uuid}&agentId={agent}
    {"contentMessage": {..}, "messageTrafficType": "PROMOTION", "ttl": "86400s"}

https://developers.google.com/business-communications/rcs-business-messaging/reference/rest/v1/
phones.agentMessages/create

The message id is ours: a UUID (RFC 9562, version 5) of the reference. Google ignores a message with
an id that the agent has used before, so that one whose fate is not known can be sent again.

=========================  ======================================================================
200                        Accepted, with the message id
409 ``ALREADY_EXISTS``     Accepted: sent before
409 ``ABORTED``            Failed
429                        Throttled
401, 403                   Blocked: the service account, or the agent
404 ``NOT_FOUND``          Rejected: no RCS on this phone, or the agent is not launched there; not
                           gone, for phones change
503 ``UNAVAILABLE``        Failed
any other 4xx of Google's  Rejected: the content
4xx of somebody else       Failed
any other                  Unknown
=========================  ======================================================================

Google's own errors are ``{"error": {"code": 404, "message": "..", "status": "NOT_FOUND"}}``
(https://cloud.google.com/apis/design/errors). Reports: :mod:`worker.adapters.rbm_events`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode
from uuid import UUID, uuid5

from campaigns.clock import Clock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from campaigns.template.content import Card, Content, Suggestion, Text
from worker.adapters.authorizing import Token
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
from worker.adapters.fitting import at_most
from worker.adapters.options import Options, Secret, SecureUrl, base_url, matching, read_options
from worker.adapters.rbm_events import greeting, parse, signed_by
from worker.adapters.reply import at_path, parse_json, retry_after, short_code
from worker.adapters.service_account import ServiceAccount

URL = "https://rcsbusinessmessaging.googleapis.com"

_SCOPE = "https://www.googleapis.com/auth/rcsbusinessmessaging"

#: Never to be changed: a message that is sent again would arrive twice.
_NAMESPACE = UUID("6a1d1f63-0e0c-5b0a-9a57-6f0d3d5f1c55")

#: .../guides/build/messages/send#set_a_message_expiration
_LONGEST_TTL = int(timedelta(days=15).total_seconds())

#: .../guides/build/messages/send and .../reference/rest/v1/phones.agentMessages
_LONGEST_TEXT = 3072
_LONGEST_TITLE = 200
_LONGEST_DESCRIPTION = 2000
_LONGEST_LABEL = 25
_MOST_IN_CARD = 4
_MOST_CHIPS = 11

_HEADERS = {"content-type": "application/json"}

TrafficType = Literal[
    "AUTHENTICATION", "TRANSACTION", "PROMOTION", "SERVICEREQUEST", "ACKNOWLEDGEMENT"
]


class RbmOptions(Options):
    """What the adapter ``rbm`` can be told."""

    #: The JSON key of a service account that may send for the agent.
    service_account: Secret
    agent_id: Annotated[
        str,
        matching(
            r"[A-Za-z0-9._@-]{1,128}", "must be 1 to 128 letters, digits, '.', '_', '@' and '-'"
        ),
    ]
    #: Of the webhook; reports are proven with it, and understood when it is set.
    client_token: Secret | None = None
    #: What the agent's messages are for, which decides at what hours networks deliver them.
    traffic_type: TrafficType = "PROMOTION"
    #: Where tokens are had, in place of what the key says.
    token_url: SecureUrl | None = None


def build(config: ProviderConfig, clock: Clock) -> RbmAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(RbmOptions, config)
    try:
        account = ServiceAccount(options.service_account.get_secret_value(), options.token_url)
    except ValueError as error:
        raise ConfigurationError(f"providers.{config.name}.service_account: {error}.") from None
    return RbmAdapter(base_url(config, URL), clock, options, account)


class RbmAdapter:
    """One message per request. Also an :class:`worker.adapters.authorizing.Authorizer`."""

    def __init__(
        self, url: str, clock: Clock, options: RbmOptions, account: ServiceAccount
    ) -> None:
        self._url = url
        self._clock = clock
        self._options = options
        self._account = account
        self.capabilities = Capabilities(
            idempotent=True,
            reports=options.client_token is not None,
            channels=frozenset({"rbm"}),
            contents=frozenset({Text, Card}),
            validity="ttl, s",
            report_proof="HMAC-SHA512",
        )

    def token_request(self) -> HttpRequest:
        """The request for an access token."""
        return self._account.token_request(_SCOPE, self._clock.now())

    def decode_token(self, response: HttpResponse) -> Token:
        """The token in the answer.

        Raises:
            ValueError: it holds none; the message is a short code.
        """
        return self._account.decode_token(response)

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The call for one message, which still needs its token.

        Raises:
            ValueError: there is not exactly one message, or RCS has no form for it.
        """
        (message,) = messages
        content: dict[str, Any] = {
            "contentMessage": _content(message.content),
            "messageTrafficType": self._options.traffic_type,
        }
        validity = message.validity(self._clock.now())
        if validity is not None:
            content["ttl"] = f"{min(validity, _LONGEST_TTL)}s"
        query = urlencode({"messageId": message_id(message), "agentId": self._options.agent_id})
        path = f"/v1/phones/+{quote(message.address, safe='')}/agentMessages"
        body = json.dumps(content, separators=(",", ":")).encode("ascii")
        return HttpRequest("POST", f"{self._url}{path}?{query}", _HEADERS, body)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(message, response) for message in messages]

    def _outcome(self, message: Message, response: HttpResponse) -> Outcome:
        word = short_code(at_path(parse_json(response.body), "error.status"))
        code = word or f"http_{response.status}"
        match response.status, word:
            case (200, _) | (409, "ALREADY_EXISTS"):
                return Accepted(message_id(message))
            case 429, _:
                return Throttled(retry_after(response.headers, self._clock.now()), code)
            case (503, "UNAVAILABLE") | (409, "ABORTED"):
                return Failed(code)
            case status, None if 400 <= status < 500:
                return Failed(code)
            case 401 | 403, _:
                return Blocked(code)
            case status, _ if 400 <= status < 500:
                return Rejected(code)
            case _:
                return Unknown(code)

    def greeting(self, request: HttpRequest) -> str | None:
        """What Google asks when the webhook is set up.

        Raises:
            ForgedReport: it is not asked with ``client_token``.
        """
        token = self._options.client_token
        return greeting(None if token is None else token.get_secret_value(), request)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature of the event.

        Raises:
            ForgedReport: it is missing or wrong, or there is no ``client_token`` to check it with.
        """
        if self._options.client_token is None:
            raise ForgedReport("client_token is not set, so no report can be proven")
        if not signed_by(self._options.client_token.get_secret_value(), request):
            raise ForgedReport("X-Goog-Signature is not of the webhook's client token")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one push; none in one about a user's message.

        Raises:
            ValueError: the call is not a push of RCS Business Messaging.
        """
        return parse(request.body)


def message_id(message: Message) -> str:
    """The id of a message at Google, the same at every attempt."""
    return str(uuid5(_NAMESPACE, message.reference))


def _content(content: Content) -> dict[str, Any]:
    match content:
        case Text(text):
            return {"text": at_most(_LONGEST_TEXT, text, "the text")}
        case Card(title=None, media_url=None):
            text = at_most(_LONGEST_TEXT, content.text, "the text")
            return {"text": text, **_suggestions(content, _MOST_CHIPS)}
        case Card():
            return _card(content)
    raise ValueError("RCS carries texts and cards only")


def _card(card: Card) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if card.title:
        content["title"] = at_most(_LONGEST_TITLE, card.title, "the title")
    if card.text:
        content["description"] = at_most(_LONGEST_DESCRIPTION, card.text, "the text of the card")
    if card.media_url:
        content["media"] = {"height": "MEDIUM", "contentInfo": {"fileUrl": card.media_url}}
    # More than fit into a card are chips below it, which disappear with the next message.
    fits = len(card.suggestions) <= _MOST_IN_CARD
    content.update(_suggestions(card, _MOST_IN_CARD) if fits else {})
    standalone = {"cardOrientation": "VERTICAL", "cardContent": content}
    found = {"richCard": {"standaloneCard": standalone}}
    return found if fits else {**found, **_suggestions(card, _MOST_CHIPS)}


def _suggestions(card: Card, most: int) -> dict[str, Any]:
    if len(card.suggestions) > most:
        raise ValueError(f"RCS carries up to {most} suggestions")
    return {"suggestions": list(map(_suggestion, card.suggestions))} if card.suggestions else {}


def _suggestion(suggestion: Suggestion) -> dict[str, Any]:
    label = at_most(_LONGEST_LABEL, suggestion.text, "the text of a suggestion")
    found = {"text": label, "postbackData": label}
    if suggestion.url:
        return {"action": {**found, "openUrlAction": {"url": suggestion.url}}}
    return {"reply": found}
