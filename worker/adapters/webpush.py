"""Adapter ``webpush``: notifications of browsers, by the push service that each browser has.

    POST {endpoint}
    TTL: 86400    Urgency: normal    Topic: ..
    Content-Encoding: aes128gcm      Authorization: vapid t=.., k=..

RFC 8030 (the protocol), RFC 8291 (encryption), RFC 8292 (who sends). The endpoint is the address;
it belongs to whoever runs the push service of that browser. Anybody can name one, so a service that
is not known speaks for its own recipients only: it must not hold, slow down or block the account.

===============================  ================================================================
201, also 200 and 202            Accepted; the id is the last part of ``Location``
404, 410                         Rejected, gone: the subscription ended; 404 of a relay: Rejected
401, 403, 400 of another key     Rejected: the subscription was made for another VAPID key
401, 403 about the VAPID token   Blocked at the endpoints of a known service, else Rejected
429, 406 of Microsoft            Failed: see below
408, 503                         Failed
5xx in a service's own words     Failed
any other 4xx                    Rejected: the content, or an endpoint that is none
any other                        Unknown
===============================  ================================================================

A 429 is about one push service, and some services say it about one subscription (Apple,
https://developer.apple.com/documentation/usernotifications/handling-notification-responses-from-apns).
An account has as many services as its recipients have browsers: to hold all of them for one would
let the slowest, or a stranger's own, set the pace. So the recipient waits as long as the service
says, and the others go on.

There are no reports: what the service took, it delivers or drops.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Push, Text
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
    Unknown,
    is_trusted,
)
from worker.adapters.options import Options, Secret, checked_url, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after, short_code
from worker.adapters.webpush_message import encrypted, payload
from worker.adapters.webpush_vapid import Tokens, read_key

#: Those of Chrome, Firefox and Safari, and of the browsers made from them, and where each has its
#: endpoints. Elsewhere at the same host other services of theirs answer, whose 401 anybody can have
#: who names one of their addresses.
_ENDPOINTS: Mapping[str, tuple[str, ...]] = {
    "fcm.googleapis.com": ("/fcm/send/", "/wp/"),
    "updates.push.services.mozilla.com": ("/wpush/",),
    "web.push.apple.com": ("/",),
}

#: All that are known. Of a domain, such as Edge's, it takes no more than a name that is not there
#: to be unreachable: those speak for their recipients only.
SERVICES = (*_ENDPOINTS, ".notify.windows.com", ".push.services.mozilla.com", ".push.apple.com")

#: Four weeks. Google refuses more (https://firebase.google.com/docs/cloud-messaging/customize-messages/
#: setting-message-lifespan), others cut it.
LONGEST_TTL = 28 * 86_400

#: RFC 8030, section 5.4.
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")

#: What services say where the key is not the one that the subscription was made for: Google (403),
#: Mozilla (401, https://mozilla-services.github.io/autopush-rs/errors.html, errno 109) and Apple
#: (400, in ``reason``).
_OTHER_KEY = (
    b"do not correspond to the credentials",
    b"does not correspond to the sender",
    b"key mismatch",
    b"vapidpkhashmismatch",
)

#: Microsoft answers 401 or 403 without a word where one subscription is old, or is of another key
#: (https://github.com/web-push-libs/web-push/issues/691,
#: https://learn.microsoft.com/windows/apps/develop/notifications/push-notifications/troubleshooting),
#: and 406 in the place of 429 (https://github.com/MicrosoftDocs/windows-dev-docs/issues/4166).
_MICROSOFT = frozenset({".notify.windows.com"})
_TOO_MANY_AT_MICROSOFT = 406

#: What they say where the token itself is wrong: Google and Apple name it, Mozilla has errno 109.
_TOKEN = (b"jwt", b"vapid", b"authorization")
_UNPROVEN = "errno_109"

#: Of an answer, so much is searched for these words.
_LONGEST_SENTENCE = 2000

_HOST = re.compile(r"\.?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?")


def _subject(subject: str) -> str:
    # Apple refuses a token whose subject is of no real domain
    # (https://github.com/web-push-libs/web-push/issues/947).
    if re.fullmatch(r"(mailto:[^@\s<>]+@|https://)[^@\s<>]+\.[^@\s<>]+", subject) is None:
        raise ValueError("must be mailto: with an address, or an https URL, of a real domain")
    return subject


def _private_key(key: SecretStr) -> SecretStr:
    read_key(key.get_secret_value())
    return key


def _host(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise ValueError("must be a host such as push.example.com, or .example.com for all of it")
    return host


class WebPushOptions(Options):
    """What the adapter ``webpush`` can be told."""

    #: The key whose public half browsers got as ``applicationServerKey``.
    vapid_private_key: Annotated[Secret, AfterValidator(_private_key)]
    #: How push services reach whoever sends: ``mailto:ops@example.com`` or an https URL.
    vapid_subject: Annotated[str, AfterValidator(_subject)]
    #: Further push services whose word counts for the whole account.
    services: Annotated[
        tuple[Annotated[str, AfterValidator(_host)], ...], Field(max_length=100, strict=False)
    ] = ()


def build(config: ProviderConfig, clock: Clock) -> WebPushAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(WebPushOptions, config)
    relay = checked_url(config).rstrip("/") if config.url else None
    return WebPushAdapter(relay, clock, options)


class WebPushAdapter:
    """One message per request.

    ``relay`` takes the requests in the place of all push services, as a proxy of one's own; the
    path is that of the endpoint.
    """

    def __init__(self, relay: str | None, clock: Clock, options: WebPushOptions) -> None:
        self._relay = relay
        self._clock = clock
        self._judges = options.services
        key = read_key(options.vapid_private_key.get_secret_value())
        self._tokens = Tokens(key, options.vapid_subject)
        self.capabilities = Capabilities(
            channels=frozenset({"webpush"}),
            contents=frozenset({Text, Push}),
            trusted_hosts=None if relay else frozenset((*SERVICES, *options.services)),
            validity="TTL, s",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The request for one message. Differs each time: it is encrypted with fresh keys.

        Raises:
            ValueError: there is not exactly one message, it is too long, its topic is none, or
                the keys of its subscription are not known.
        """
        (message,) = messages
        content = message.content
        if not isinstance(content, Text | Push):
            raise ValueError("browsers get texts and push notifications only")  # noqa: TRY004
        origin, path = _split(message.address)
        now = self._clock.now()
        validity = message.validity(now)
        headers = {
            # Mandatory (RFC 8030, section 5.2).
            "ttl": str(LONGEST_TTL if validity is None else min(validity, LONGEST_TTL)),
            "content-encoding": "aes128gcm",
            "content-type": _media_type(content),
            "authorization": self._tokens.authorization(origin, now),
        }
        if isinstance(content, Push):
            headers["urgency"] = content.urgency
            if content.topic is not None:
                headers["topic"] = _topic(content.topic)
        body = encrypted(payload(content, message.sender), message.address_keys)
        return HttpRequest("POST", (self._relay or origin) + path, headers, body)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(message, response) for message in messages]

    def _outcome(self, message: Message, response: HttpResponse) -> Outcome:
        code = _code(response)
        match response.status:
            case 200 | 201 | 202:
                return Accepted(_message_id(response))
            case 404 if self._relay:
                # A relay that is set up wrongly would have all subscriptions removed.
                return Rejected(code)
            case 404 | 410:
                return Rejected(code, gone=True)
            case 400 | 401 | 403 if _says(response, _OTHER_KEY):
                return Rejected("other_vapid_key")
            case 401 | 403 if self._refuses_the_token(message, response, code):
                return Blocked(code)
            case 408 | 429 | 503:
                return Failed(code, self._wait(response))
            case status if status == _TOO_MANY_AT_MICROSOFT and _is_of(message, _MICROSOFT):
                return Failed(code, self._wait(response))
            case status if 400 <= status < 500:
                return Rejected(code)
            case status if status >= 500 and not code.startswith("http_"):
                return Failed(code)
            case _:
                return Unknown(code)

    def _refuses_the_token(self, message: Message, response: HttpResponse, code: str) -> bool:
        """Whether an endpoint says so that speaks for the whole account."""
        if code != _UNPROVEN and not _says(response, _TOKEN):
            return False
        parts = urlsplit(message.address)
        if parts.netloc in _ENDPOINTS:
            return parts.path.startswith(_ENDPOINTS[parts.netloc])
        return is_trusted(parts.netloc, self._judges)

    def _wait(self, response: HttpResponse) -> float | None:
        return retry_after(response.headers, self._clock.now())

    def verify_report(self, request: HttpRequest) -> None:
        """There are none."""

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """Push services report on nothing.

        Raises:
            ValueError: always.
        """
        raise ValueError("push services have no delivery reports")


def _split(endpoint: str) -> tuple[str, str]:
    """The origin of an endpoint (RFC 6454, section 6.2), and the rest of it."""
    parts = urlsplit(endpoint)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None:
        raise ValueError("the address is not an https URL")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = f":{parts.port}" if parts.port not in (None, 443) else ""
    query = f"?{parts.query}" if parts.query else ""
    return f"https://{host}{port}", (parts.path or "/") + query


def _media_type(content: Text | Push) -> str:
    """Safari shows a notification by itself that says what a click on it opens."""
    declarative = isinstance(content, Push) and content.url
    return "application/notification+json" if declarative else "application/json"


def _topic(topic: str) -> str:
    if not _TOPIC.fullmatch(topic):
        raise ValueError("the topic must be 1 to 32 letters, digits, hyphens and underscores")
    return topic


def _message_id(response: HttpResponse) -> str | None:
    location = response.headers.get("location", "")
    return identifier(location.rstrip("/").rpartition("/")[2])


def _is_of(message: Message, domains: Collection[str]) -> bool:
    return is_trusted(urlsplit(message.address).netloc, domains)


def _says(response: HttpResponse, words: Sequence[bytes]) -> bool:
    said = response.body[:_LONGEST_SENTENCE].lower()
    return any(each in said for each in words)


def _code(response: HttpResponse) -> str:
    """Apple's ``reason``, Mozilla's ``errno``, or the status where neither is given."""
    content = parse_json(response.body) if response.status >= 400 else None
    errno = at_path(content, "errno")
    if isinstance(errno, int) and not isinstance(errno, bool) and 0 <= errno < 1000:
        return f"errno_{errno}"
    return short_code(at_path(content, "reason")) or f"http_{response.status}"
