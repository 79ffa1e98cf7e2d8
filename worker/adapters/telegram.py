"""Adapter ``telegram``: a bot, by the Telegram Bot API.

    POST {url}/bot{token}/sendMessage  {"chat_id": .., "text": ..}
    POST {url}/bot{token}/sendPhoto    {"chat_id": .., "photo": .., "caption": ..}

A card with a picture is a photo with a caption; where the text is longer than a caption may be,
it is a message with the picture as the preview above it. Its suggestions are buttons below.

Every answer is JSON with ``ok``; an error has an ``error_code``, which is the HTTP status, and a
``description``, which is a sentence (https://core.telegram.org/bots/api#making-requests).

==================================  ==============================================================
200 ``{"ok": true, "result": ..}``  Accepted; the ids count per chat, so that many are alike
429, ``parameters.retry_after``     Throttled, the whole bot
401, 404                            Blocked: the token is wrong or was revoked
403, 400 of ``_DEAD``               Rejected, gone: nobody is there any more, for no bot
400, ``migrate_to_chat_id``         Rejected, gone: a supergroup now, with another id
403, 400 of ``_OUT_OF_REACH``       Rejected: for this bot, until it is started or let in again
any other 4xx                       Rejected: the content, or what the bot may do there
200 without ``"ok": true``, 5xx     Unknown
==================================  ==============================================================

A 5xx has ``"ok": false`` too, and says nothing: it comes from a gateway that waited no longer, or
from a server that stops with messages on their way (``get_closing_error`` in Client.cpp of
https://github.com/tdlib/telegram-bot-api); some of them arrive.

There are no delivery reports, no field for a reference, and none for a validity.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, SecretStr

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Card, Suggestion, Text
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
from worker.adapters.fitting import at_most, titled, utf16_length
from worker.adapters.options import Options, Secret, base_url, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after

URL = "https://api.telegram.org"

#: https://core.telegram.org/bots/api#sendmessage and #sendphoto
_LONGEST_TEXT = 4096
_LONGEST_CAPTION = 1024

#: https://core.telegram.org/bots/api#inlinekeyboardbutton
_LONGEST_CALLBACK = 64

# What a description says, and the code for it. The descriptions are not documented; these are of
# https://github.com/tdlib/telegram-bot-api and what clients have collected.

#: The chat itself has ended, whoever writes to it.
_DEAD: Mapping[str, str] = {
    "user is deactivated": "user_deactivated",
    "group chat was deleted": "group_deleted",
    "send messages to bots": "is_a_bot",
    "send messages to the bot": "is_a_bot",
}

#: This bot does not get there. Another bot of the team may, and so may this one again tomorrow:
#: whoever blocked a bot starts it anew without a word to Sluice.
_OUT_OF_REACH: Mapping[str, str] = {
    "blocked by the user": "blocked_by_user",
    "can't initiate conversation": "bot_not_started",
    "bot was kicked": "bot_was_kicked",
    "bot is not a member": "bot_is_not_a_member",
    "chat not found": "chat_not_found",
}

_HEADERS = {"content-type": "application/json"}


def _bot_token(token: SecretStr) -> SecretStr:
    # It becomes a part of the path.
    if not re.fullmatch(r"[0-9]+:[A-Za-z0-9_-]+", token.get_secret_value()):
        raise ValueError("must be a bot's token such as 110201543:AAHdqTcv")
    return token


class TelegramOptions(Options):
    """What the adapter ``telegram`` can be told."""

    #: The token that BotFather gave, ``110201543:AAHdq...``.
    token: Annotated[Secret, AfterValidator(_bot_token)]
    #: Whether messages arrive without a sound.
    silent: bool = False
    #: Whether messages can be neither forwarded nor saved.
    protected: bool = False
    #: Whether the first link of a text is shown with a preview.
    link_previews: bool = True


def build(config: ProviderConfig, clock: Clock) -> TelegramAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(TelegramOptions, config)
    return TelegramAdapter(base_url(config, URL), clock, options)


class TelegramAdapter:
    """One message per request."""

    capabilities = Capabilities(
        channels=frozenset({"telegram"}),
        contents=frozenset({Text, Card}),
        usual_rate="30/s",
    )

    def __init__(self, url: str, clock: Clock, options: TelegramOptions) -> None:
        self._url = url
        self._clock = clock
        self._options = options

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The call for one message.

        Raises:
            ValueError: there is not exactly one message, or it is too long.
        """
        (message,) = messages
        method, content = self._content(message)
        content["chat_id"] = message.address
        if self._options.silent:
            content["disable_notification"] = True
        if self._options.protected:
            content["protect_content"] = True
        token = self._options.token.get_secret_value()
        body = json.dumps(content, separators=(",", ":")).encode("ascii")
        return HttpRequest("POST", f"{self._url}/bot{token}/{method}", _HEADERS, body)

    def _content(self, message: Message) -> tuple[str, dict[str, Any]]:
        match message.content:
            case Text(text):
                return "sendMessage", self._text(text)
            case Card() as card:
                return self._card(card)
        raise ValueError("Telegram carries texts and cards only")

    def _text(self, text: str) -> dict[str, Any]:
        content: dict[str, Any] = {"text": at_most(_LONGEST_TEXT, text, "the text")}
        if not self._options.link_previews:
            content["link_preview_options"] = {"is_disabled": True}
        return content

    def _card(self, card: Card) -> tuple[str, dict[str, Any]]:
        text = titled(card)
        # A bold title by its place and not by markup, so that no character of it has to be escaped.
        title = [{"type": "bold", "offset": 0, "length": utf16_length(card.title or "")}]
        if card.media_url and utf16_length(text) <= _LONGEST_CAPTION:
            method = "sendPhoto"
            content: dict[str, Any] = {"photo": card.media_url, "caption": text}
        else:
            method, content = "sendMessage", self._text(text)
        if card.media_url and method == "sendMessage":
            # https://core.telegram.org/bots/api#linkpreviewoptions
            content["link_preview_options"] = {
                "url": card.media_url,
                "prefer_large_media": True,
                "show_above_text": True,
            }
        if card.title:
            content["caption_entities" if method == "sendPhoto" else "entities"] = title
        if card.suggestions:
            rows = [[_button(each)] for each in card.suggestions]
            content["reply_markup"] = {"inline_keyboard": rows}
        return method, content

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        # Nobody but Telegram says "ok"; what a proxy in between says is about neither the chat
        # nor the content.
        told = at_path(content, "ok") is False
        code = f"http_{response.status}"
        match response.status:
            case 200 if at_path(content, "ok") is True:
                return Accepted(identifier(at_path(content, "result.message_id")))
            case 200:
                return Unknown("not_ok")
            case 429:
                return Throttled(self._wait(content, response), "too_many_requests")
            case 401 | 404:
                return Blocked("unauthorized" if told else code)
            case 400 | 403 if told:
                return _refusal(content, response.status)
            case status if 400 <= status < 500:
                return Rejected(code) if told else Failed(code)
            case _:
                return Unknown(code)

    def _wait(self, content: Any, response: HttpResponse) -> float | None:
        # https://core.telegram.org/bots/api#responseparameters
        seconds = at_path(content, "parameters.retry_after")
        if isinstance(seconds, int) and not isinstance(seconds, bool) and 0 <= seconds < 1e9:
            return float(seconds)
        return retry_after(response.headers, self._clock.now())

    def verify_report(self, request: HttpRequest) -> None:
        """There are none."""

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """Telegram reports on nothing that a bot sent.

        Raises:
            ValueError: always.
        """
        raise ValueError("Telegram has no delivery reports")


def _button(suggestion: Suggestion) -> dict[str, str]:
    if suggestion.url:
        return {"text": suggestion.text, "url": suggestion.url}
    data = suggestion.text.encode()[:_LONGEST_CALLBACK].decode(errors="ignore")
    return {"text": suggestion.text, "callback_data": data}


def _refusal(content: Any, status: int) -> Outcome:
    if at_path(content, "parameters.migrate_to_chat_id") is not None:
        return Rejected("chat_has_migrated", gone=True)
    description = str(at_path(content, "description")).lower()
    for words, code in (*_DEAD.items(), *_OUT_OF_REACH.items()):
        if words in description:
            return Rejected(code, gone=words in _DEAD)
    return Rejected("forbidden" if status == 403 else "bad_request")
