"""Adapter ``twilio``: SMS through Twilio's Messages resource.

    POST {url}/2010-04-01/Accounts/{account_sid}/Messages.json   form, Basic account_sid:auth_token

https://www.twilio.com/docs/messaging/api/message-resource

========================================  ========  ===============================================
answer                                    outcome   why
========================================  ========  ===============================================
201                                       Accepted  queued; the body holds the id
429, and codes that speak of a full       Throttled never processed, safe to repeat
queue                                               https://www.twilio.com/docs/api/errors/20429
401, 403, 404, and codes of the account   Blocked   credentials, suspension, a wrong account_sid
20503                                     Failed    the service is away for a moment
                                                    https://www.twilio.com/docs/api/errors/20503
400 with any other code                   Rejected  number, sender or text will not do
20500, other 5xx, anything else           Unknown   the SMS may be out all the same
                                                    https://www.twilio.com/docs/api/errors/20500
========================================  ========  ===============================================

Twilio echoes nothing of the request in its reports. So the reference goes into the query of the
URL that they are sent to, which its signature covers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import urlencode

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from worker.adapters import inbound
from worker.adapters.auth import basic
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
    base_url,
    matching,
    read_options,
)
from worker.adapters.reply import at_path, identifier, parse_form, parse_json, retry_after
from worker.adapters.report_urls import REFERENCE, as_called, fields_of, with_reference
from worker.adapters.senders import prefixed
from worker.adapters.twilio_signature import is_signed

ENDPOINT = "https://api.twilio.com"

#: https://www.twilio.com/docs/api/errors/90007: from 1 second to 10 hours.
_VALIDITY = range(1, 36_001)

#: https://www.twilio.com/docs/messaging/services: stands where a sender does.
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")

# https://www.twilio.com/docs/api/errors
_THROTTLED = frozenset(
    {
        14107,  # rate of the sender exceeded
        20429,  # too many requests
        21611,  # the sender's queue holds all it can
        30001,  # the account's queue does
        63017,  # rate of the channel
        60728,  # messages of an hour
        63018,  # rate of the channel
        63038,  # messages of a day
    }
)
_BLOCKED = frozenset(
    {
        10001,  # account not active
        20003,  # authentication
        20005,  # account not active
        20403,  # account suspended or closed
        20404,  # no such account
        30002,  # account suspended
    }
)
_FAILED = frozenset({20503})
_GONE = frozenset({21211})  # 'To' is no phone number

_KINDS: Mapping[str, ReportKind | None] = {
    "delivered": "delivered",
    "read": "opened",
    "failed": "failed",
    "undelivered": "failed",
    "canceled": "failed",
    # Steps on the way, which may come late or never: https://www.twilio.com/docs/messaging/guides/
    # outbound-message-status-in-status-callbacks
    **dict.fromkeys(("accepted", "scheduled", "queued", "sending", "sent", "partially_delivered")),
}


class TwilioOptions(Options):
    """What the adapter ``twilio`` can be told."""

    account_sid: Annotated[
        AccountName, matching(r"AC[0-9a-fA-F]{32}", "must be 'AC' and 32 hexadecimal digits")
    ]
    auth_token: Secret
    report_url: ReportUrl | None = None
    #: Where Twilio is told to call for incoming messages; unset: they are not taken.
    inbound_url: ReportUrl | None = None


def build(config: ProviderConfig, clock: Clock) -> TwilioAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(TwilioOptions, config)
    return TwilioAdapter(base_url(config, ENDPOINT), options, clock)


class TwilioAdapter:
    """One message per request."""

    def __init__(self, url: str, options: TwilioOptions, clock: Clock) -> None:
        self._url = f"{url}/2010-04-01/Accounts/{options.account_sid}/Messages.json"
        self._token = options.auth_token.get_secret_value()
        self._report_url = options.report_url
        self._inbound_url = options.inbound_url
        self._clock = clock
        self._headers = {
            "content-type": "application/x-www-form-urlencoded",
            "accept": "application/json",
            "authorization": basic(options.account_sid, self._token),
        }
        reports = options.report_url is not None
        self.capabilities = Capabilities(
            reports=reports,
            echoes_reference=reports,
            channels=frozenset({"sms"}),
            validity="ValidityPeriod, s",
            report_proof="HMAC-SHA1" if reports else None,
            inbound=options.inbound_url is not None,
            # No reply: https://www.twilio.com/docs/messaging/twiml
            inbound_answer=("text/xml", b"<Response/>"),
            # https://help.twilio.com/articles/115002943027: a number of the United States.
            usual_rate="1/s",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        fields = {"To": f"+{message.address}", "Body": message.text, **_sender(message.sender)}
        validity = message.validity(self._clock.now())
        if validity is not None:
            fields["ValidityPeriod"] = str(min(validity, _VALIDITY[-1]))
        if self._report_url is not None:
            fields["StatusCallback"] = with_reference(self._report_url, message.reference)
        return HttpRequest("POST", self._url, self._headers, urlencode(fields).encode("ascii"))

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        if response.status == 201:
            return Accepted(identifier(at_path(content, "sid")))
        number = at_path(content, "code")
        known = isinstance(number, int) and not isinstance(number, bool) and 0 < number < 10**6
        code = str(number) if known else f"http_{response.status}"
        found = number if known else None
        if response.status == 429 or (found in _THROTTLED and response.status >= 400):
            return Throttled(retry_after(response.headers, self._clock.now()), code)
        if response.status in (401, 403, 404) or (found in _BLOCKED and response.status >= 400):
            return Blocked(code)
        if found in _FAILED and response.status >= 400:
            return Failed(code)
        if response.status == 400:
            return Rejected(code, gone=found in _GONE)
        return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check Twilio's signature of the report URL, its query, and the form.

        Raises:
            ForgedReport: there is no signature, or not the right one.
        """
        self._check_signature(self._report_url, request)

    def _check_signature(self, url: str | None, request: HttpRequest) -> None:
        if url is None:
            return
        called = as_called(url, request.url)
        signature = request.headers.get("x-twilio-signature", "")
        if not is_signed(self._token, called, parse_form(request.body), signature):
            raise ForgedReport("the signature does not match")

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it tells of a step on the way.

        Raises:
            ValueError: the call is not a status callback with a reference in its query.
        """
        fields = dict(parse_form(request.body))
        status = fields.get("MessageStatus")
        message_id = identifier(fields.get("MessageSid"))
        reference = identifier(fields_of(request.url).get(REFERENCE))
        if status is None or message_id is None or reference is None:
            raise ValueError(
                f"a status callback must hold MessageSid and MessageStatus, and {REFERENCE} "
                "in the query"
            )
        kind = _KINDS.get(status)
        if kind is None:
            return []
        code = fields.get("ErrorCode", "")
        known = code.isascii() and code.isdecimal() and 0 < len(code) <= 6 and code != "0"
        return [Report(reference, message_id, kind, code=code if known else None)]

    def verify_inbound(self, request: HttpRequest) -> None:
        """Check Twilio's signature of ``inbound_url``, its query, and the form.

        Raises:
            ForgedReport: there is no signature, or not the right one.
        """
        self._check_signature(self._inbound_url, request)

    # See worker.adapters.receiving.
    parse_inbound = staticmethod(inbound.twilio)


def _sender(sender: str) -> Mapping[str, str]:
    if _SERVICE.fullmatch(sender):
        return {"MessagingServiceSid": sender}
    return {"From": prefixed(sender, "+")}
