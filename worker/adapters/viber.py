"""Adapter ``viber``: a bot, by the Viber REST API (https://developers.viber.com/docs/api/rest-bot-api/).

    POST {url}/pa/send_message       {"receiver": .., "sender": {"name": ..}, "type": "text", ..}
    POST {url}/pa/broadcast_message  {"broadcast_list": [..], ..}   300 at most, the same for all

Addresses are the ids that Viber gives a bot's subscribers. The answer is always 200, and says in
``status`` what happened; so does each entry of a broadcast's ``failed_list``, and who is not in it
was served. A broadcast has one ``message_token``, and its callbacks tell by ``user_id`` whom they
speak of, so message ids are ``token:user``.

=====================================  ==========================================================
0                                      Accepted
12 of one message                      Failed: this user gets too many
12 of a broadcast                      Throttled: 500 of them in 10 s
2, 7 to 10, 15, 18, 19, 20, 23, 24     Blocked: token, account, webhook, balance, no broadcasts
5                                      Rejected, gone: not registered with Viber
6, 11, 13, 21                          Rejected: not subscribed, device, version, country
1, 3, 4, 14, 16, 17, 22                Rejected: the content
these of a whole broadcast             Failed: each may be right by itself
any other                              Failed: "general error"
429 of HTTP                            Throttled
any other 4xx of HTTP                  Failed
no status                              Unknown
=====================================  ==========================================================

Callbacks ``delivered``, ``seen`` and ``failed`` are reports. They do not hold ``tracking_data``,
which comes back with a user's reply only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from campaigns.template.content import Card, Content, Suggestion, Text
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
from worker.adapters.fitting import at_most, titled
from worker.adapters.options import HeaderValue, Options, SecureUrl, base_url, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, unix_moment

URL = "https://chatapi.viber.com"

#: .../rest-bot-api/#broadcast-message
_MOST_RECEIVERS = 300
_LARGEST_BODY = 30 * 1024

_LONGEST_NAME = 28
_LONGEST_TEXT = 7000
_LONGEST_CAPTION = 768

#: .../rest-bot-api/#error-codes
_ACCOUNT: Mapping[int, str] = {
    2: "invalidAuthToken",
    7: "publicAccountBlocked",
    8: "publicAccountNotFound",
    9: "publicAccountSuspended",
    10: "webhookNotSet",
    15: "publicAccountNotAuthorized",
    18: "noPublicChat",
    19: "cannotSendBroadcast",
    20: "broadcastNotAllowed",
    23: "freeMessagesExceeded",
    24: "noBalance",
}
_REFUSED: Mapping[int, str] = {
    1: "invalidUrl",
    3: "badData",
    4: "missingData",
    5: "receiverNotRegistered",
    6: "receiverNotSubscribed",
    11: "receiverNoSuitableDevice",
    13: "apiVersionNotSupported",
    14: "incompatibleWithVersion",
    16: "inchatReplyMessageNotAllowed",
    17: "publicAccountIsNotInline",
    21: "unsupportedCountry",
    22: "paymentUnsupported",
}
_NOT_REGISTERED = 5
_TOO_MANY = 12

_KINDS: Mapping[str, ReportKind] = {"delivered": "delivered", "seen": "opened", "failed": "failed"}


class ViberOptions(Options):
    """What the adapter ``viber`` can be told."""

    #: The bot's app key, which signs its callbacks too.
    auth_token: HeaderValue
    #: A picture beside the sender's name.
    avatar_url: SecureUrl | None = None
    #: Messages that are equal for all leave in broadcasts; Viber has to allow the bot that.
    broadcast: bool = False
    #: The bot's webhook is Sluice's door for reports, so their absence means something.
    reports: bool = False


def build(config: ProviderConfig, clock: Clock) -> ViberAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(ViberOptions, config)
    return ViberAdapter(base_url(config, URL), clock, options)


class ViberAdapter:
    """One message per request, or one broadcast of equal messages."""

    def __init__(self, url: str, clock: Clock, options: ViberOptions) -> None:
        self._url = url
        self._clock = clock
        self._options = options
        self._headers = {
            "content-type": "application/json",
            "x-viber-auth-token": options.auth_token.get_secret_value(),
        }
        self.capabilities = Capabilities(
            max_batch=_MOST_RECEIVERS if options.broadcast else 1,
            reports=options.reports,
            channels=frozenset({"viber"}),
            contents=frozenset({Text, Card}),
            report_proof="HMAC-SHA256",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The call for one message, or for several that are equal.

        Raises:
            ValueError: there are too many, they differ in more than their recipients, or Viber has
                no form for them.
        """
        first, *others = messages
        content = {"sender": self._sender(first), **_content(first.content)}
        if not others:
            content = {"receiver": first.address, **content, "tracking_data": first.reference}
            return self._request("send_message", content)
        receivers = dict.fromkeys(message.address for message in messages)
        if not len(receivers) == len(messages) <= self.capabilities.max_batch:
            raise ValueError("a broadcast is to different recipients, and not to so many")
        if any((each.content, each.sender) != (first.content, first.sender) for each in others):
            raise ValueError("a broadcast says the same to all")
        return self._request("broadcast_message", {"broadcast_list": list(receivers), **content})

    def _sender(self, message: Message) -> dict[str, str]:
        sender = {"name": at_most(_LONGEST_NAME, message.sender, "the sender")}
        return (
            {**sender, "avatar": self._options.avatar_url} if self._options.avatar_url else sender
        )

    def _request(self, method: str, content: Mapping[str, Any]) -> HttpRequest:
        body = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        if len(body) > _LARGEST_BODY:
            raise ValueError(f"the request is larger than {_LARGEST_BODY} bytes")
        return HttpRequest("POST", f"{self._url}/pa/{method}", self._headers, body)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        content = parse_json(response.body)
        status = at_path(content, "status")
        if response.status != 200 or not _is_status(status):
            return [self._unreadable(response)] * len(messages)
        if status == _TOO_MANY and len(messages) > 1:
            return [Throttled(None, "tooManyRequests")] * len(messages)
        if status != 0:
            return [_whole(_refusal(status), len(messages))] * len(messages)
        failed = _failed(content)
        token = identifier(at_path(content, "message_token"))
        return [
            failed.get(message.address) or Accepted(_message_id(token, message.address))
            for message in messages
        ]

    def _unreadable(self, response: HttpResponse) -> Outcome:
        code = f"http_{response.status}"
        if response.status == 429:
            return Throttled(retry_after(response.headers, self._clock.now()), code)
        return Failed(code) if 400 <= response.status < 500 else Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature of the body, which is made with the bot's token.

        Raises:
            ForgedReport: it is missing or wrong.
        """
        key = self._options.auth_token.get_secret_value().encode()
        expected = hmac.new(key, request.body, hashlib.sha256).hexdigest()
        given = request.headers.get("x-viber-content-signature", "")
        if not hmac.compare_digest(expected.encode(), given.lower().encode("utf-8", "replace")):
            raise ForgedReport("X-Viber-Content-Signature is not of the bot's token")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one callback; none in one about a subscriber or an incoming message.

        Raises:
            ValueError: the call is not a callback of Viber.
        """
        content = parse_json(request.body)
        event = at_path(content, "event")
        if not isinstance(event, str):
            raise ValueError("a callback must hold an event")  # noqa: TRY004
        kind = _KINDS.get(event)
        if kind is None:
            return []
        user = identifier(at_path(content, "user_id"))
        message_id = _message_id(identifier(at_path(content, "message_token")), user)
        if message_id is None:
            raise ValueError("a callback about a message must hold a message_token and a user_id")
        at = unix_moment(at_path(content, "timestamp"), 1000)
        return [Report(None, message_id, kind, at=at)]


def _is_status(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9


def _refusal(status: int) -> Outcome:
    if status == _TOO_MANY:
        return Failed("tooManyRequests")
    if status in _ACCOUNT:
        return Blocked(_ACCOUNT[status])
    if status in _REFUSED:
        return Rejected(_REFUSED[status], gone=status == _NOT_REGISTERED)
    return Failed(f"status_{status}")


def _whole(refusal: Outcome, count: int) -> Outcome:
    """Of a broadcast that is refused as a whole each message may be right by itself."""
    if count > 1 and isinstance(refusal, Rejected):
        return Failed(refusal.code)
    return refusal


def _failed(content: Any) -> Mapping[str, Outcome]:
    """By address, why a broadcast did not get there."""
    entries = at_path(content, "failed_list")
    found: dict[str, Outcome] = {}
    for entry in entries if isinstance(entries, list) else ():
        receiver, status = at_path(entry, "receiver"), at_path(entry, "status")
        if isinstance(receiver, str):
            found[receiver] = _refusal(status) if _is_status(status) else Unknown("no_status")
    return found


def _message_id(token: str | None, user: str | None) -> str | None:
    return f"{token}:{user}" if token and user else None


def _content(content: Content) -> dict[str, Any]:
    match content:
        case Text(text):
            return {"type": "text", "text": at_most(_LONGEST_TEXT, text, "the text")}
        case Card(media_url=str(media)):
            caption = at_most(_LONGEST_CAPTION, titled(content), "the text of a picture")
            found = {"type": "picture", "text": caption, "media": media}
        case Card():
            found = {"type": "text", "text": at_most(_LONGEST_TEXT, titled(content), "the text")}
        case _:
            raise ValueError("Viber carries texts and cards only")
    return {**found, **_keyboard(content.suggestions)}


def _keyboard(suggestions: Sequence[Suggestion]) -> dict[str, Any]:
    # https://developers.viber.com/docs/tools/keyboards/
    buttons = [
        {
            "Columns": 6,
            "Rows": 1,
            "Text": each.text,
            "ActionType": "open-url" if each.url else "reply",
            "ActionBody": each.url or each.text,
        }
        for each in suggestions
    ]
    return {"keyboard": {"Type": "keyboard", "Buttons": buttons}} if buttons else {}
