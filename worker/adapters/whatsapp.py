"""Adapter ``whatsapp``: a business phone number, by Meta's WhatsApp Cloud API.

    POST {url}/{api_version}/{phone_number_id}/messages
    {"messaging_product": "whatsapp", "to": .., "type": .., .., "biz_opaque_callback_data": ..}

https://developers.facebook.com/docs/whatsapp/cloud-api/reference/messages

An answer is read by its error code; the HTTP status says little, and Meta changes it
(https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes, and the examples of
https://github.com/facebook/openapi).

===================================  =============================================================
200 ``{"messages": [{"id": ..}]}``   Accepted
4, 17, 341, 613, 80007, 130429,      Throttled
131064, 133016
131056                               Failed, this recipient waits 6 s: too fast for it
131049                               Failed, this recipient waits a day: it has had enough of late
2, 131000, 131016, 131057, 133004    Failed: Meta's trouble, not sent
0, 3, 10, 33, 102, 190, 200 to 299,  Blocked: token, permission, policy, payment, or the number
368, 131005, 131031, 131037, 131042, itself; 131048: too many people blocked it
131045, 131048, 133010
100 with subcode 33                  Blocked: there is no such phone number id
1, 200 without an id, 5xx without a  Unknown
code that is listed here
4xx without a code                   Failed: it is somebody else's
any other code                       Rejected: the recipient or the content
===================================  =============================================================

Reports are ``statuses`` in webhooks: :mod:`worker.adapters.whatsapp_reports`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Card, NamedTemplate, Text
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
from worker.adapters.options import HeaderValue, Options, Secret, base_url, matching, read_options
from worker.adapters.reply import at_path, identifier, parse_json, retry_after
from worker.adapters.whatsapp_content import translated
from worker.adapters.whatsapp_reports import greeting, parse, signed_by

URL = "https://graph.facebook.com"

#: 341 and 613 are the Graph API's own, and so is 102 below
#: (https://developers.facebook.com/docs/graph-api/guides/error-handling).
_THROTTLED = frozenset({4, 17, 341, 613, 80007, 130429, 131064, 133016})
_PASSING = frozenset({2, 131000, 131016, 131057, 133004})
_ACCOUNT = frozenset(
    {0, 3, 10, 33, 102, 190, 368, 131005, 131031, 131037, 131042, 131045, 131048, 133010}
    | set(range(200, 300))
)
#: The recipient or the content, whatever status it comes with.
_REFUSED = frozenset(
    {100, 130472, 130497, 131008, 131009, 131021, 131026, 131030, 131047, 131050, 131051, 131052}
    | {131053, 131062}
    | set(range(132000, 132100))
)
#: "An unknown error": nobody says that it was not sent.
_UNCLEAR = frozenset({1})

#: Seconds for which one recipient waits. 131056: one message in 6 s from one number to another
#: (https://developers.facebook.com/docs/whatsapp/cloud-api/overview#pair-rate-limits). 131049: Meta
#: keeps marketing from people who got much of it, and asks not to try again soon.
_WAITS: Mapping[int, float] = {131056: 6.0, 131049: 86_400.0}

#: Graph API: the object in the path does not exist or may not be seen.
_NO_SUCH_OBJECT = 33


class WhatsAppOptions(Options):
    """What the adapter ``whatsapp`` can be told."""

    #: The id that Meta gave the business phone number; not the number itself.
    phone_number_id: Annotated[str, matching(r"[0-9]{1,32}", "must be 1 to 32 digits")]
    #: Of a system user with whatsapp_business_messaging.
    access_token: HeaderValue
    #: Of the app; reports are proven with it, and understood when it is set.
    app_secret: Secret | None = None
    #: Whatever is written at Meta beside the webhook's URL, for Meta to know that it is ours.
    verify_token: Secret | None = None
    api_version: Annotated[
        str, matching(r"v[0-9]{1,3}\.[0-9]", "must be a version such as v25.0")
    ] = "v25.0"


def build(config: ProviderConfig, clock: Clock) -> WhatsAppAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(WhatsAppOptions, config)
    return WhatsAppAdapter(base_url(config, URL), clock, options)


class WhatsAppAdapter:
    """One message per request; the sender is the phone number of the account."""

    def __init__(self, url: str, clock: Clock, options: WhatsAppOptions) -> None:
        self._url = f"{url}/{options.api_version}/{options.phone_number_id}/messages"
        self._clock = clock
        self._app_secret = options.app_secret
        self._verify_token = options.verify_token
        self._headers = {
            "authorization": f"Bearer {options.access_token.get_secret_value()}",
            "content-type": "application/json",
        }
        self.capabilities = Capabilities(
            reports=options.app_secret is not None,
            echoes_reference=True,
            channels=frozenset({"whatsapp"}),
            contents=frozenset({Text, NamedTemplate, Card}),
            report_proof="HMAC-SHA256",
            usual_rate="80/s",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The call for one message.

        Raises:
            ValueError: there is not exactly one message, or WhatsApp has no form for its content.
        """
        (message,) = messages
        content = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.address,
            **translated(message.content),
            "biz_opaque_callback_data": message.reference,
        }
        body = json.dumps(content, separators=(",", ":")).encode("ascii")
        return HttpRequest("POST", self._url, self._headers, body)

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        code = at_path(content, "error.code")
        if isinstance(code, int) and not isinstance(code, bool) and 0 <= code < 10**9:
            return self._refusal(code, at_path(content, "error.error_subcode"), response)
        message_id = identifier(at_path(content, "messages.0.id"))
        match response.status:
            case 200 if message_id is not None:
                return Accepted(message_id)
            case 429:
                return Throttled(self._wait(response), "http_429")
            case status if 400 <= status < 500:
                return Failed(f"http_{status}")
            case status:
                return Unknown(f"http_{status}")

    def _refusal(self, code: int, subcode: Any, response: HttpResponse) -> Outcome:
        if code in _THROTTLED:
            return Throttled(self._wait(response), str(code))
        if code in _WAITS:
            return Failed(str(code), _WAITS[code])
        if code in _PASSING:
            return Failed(str(code))
        if code in _ACCOUNT or (code == 100 and subcode == _NO_SUCH_OBJECT):
            return Blocked(str(code))
        unclear = code in _UNCLEAR or (response.status >= 500 and code not in _REFUSED)
        return Unknown(str(code)) if unclear else Rejected(str(code))

    def _wait(self, response: HttpResponse) -> float | None:
        return retry_after(response.headers, self._clock.now())

    def greeting(self, request: HttpRequest) -> str | None:
        """What Meta asks when the webhook is set up.

        Raises:
            ForgedReport: it is not asked with ``verify_token``, or there is none.
        """
        token = None if self._verify_token is None else self._verify_token.get_secret_value()
        return greeting(token, request)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature of the body.

        Raises:
            ForgedReport: it is missing or wrong, or there is no ``app_secret`` to check it with.
        """
        if self._app_secret is None:
            raise ForgedReport("app_secret is not set, so no report can be proven")
        if not signed_by(self._app_secret.get_secret_value(), request):
            raise ForgedReport("X-Hub-Signature-256 is not of the app's secret")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The final states, and what was read, in one webhook.

        Raises:
            ValueError: the call is not a webhook of WhatsApp.
        """
        return parse(request.body)
