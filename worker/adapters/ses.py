"""Adapter ``ses``: Amazon SES, API v2.

    POST {url}/v2/email/outbound-bulk-emails, signed (SigV4, service ses)
    {"FromEmailAddress": .., "ReplyToAddresses": [..], "ConfigurationSetName": ..,
     "DefaultContent": {"Template": {"TemplateContent":
       {"Subject": "{{subject}}", "Text": "{{text}}", "Html": "{{html}}"}, "TemplateData": ".."}},
     "BulkEmailEntries": [{"Destination": {"ToAddresses": [..]},
       "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": "{..}"}},
       "ReplacementTags": [{"Name": "reference", "Value": ..}],
       "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": ..}]}]}

The template stands in the request and consists of placeholders, so that each reads a text of their
own. What a placeholder stands for is put in as it is: SES escapes nothing, and looks at it once.

The answer has a status and an id for each entry, in order.

==================================================  ===========================================
SUCCESS                                             Accepted
MESSAGE_REJECTED, INVALID_PARAMETER, TEMPLATE_..    Rejected
MAIL_FROM_DOMAIN_NOT_VERIFIED                       Rejected: the sender of that campaign
TRANSIENT_FAILURE, FAILED                           Failed
ACCOUNT_THROTTLED                                   Throttled
other statuses of ``_BLOCKED``                      Blocked: the account, its quota
any other, or none                                  Unknown
==================================================  ===========================================

An answer to the request as a whole:

==================================================  ===========================================
429, ThrottlingException, LimitExceeded..           Throttled
403, errors of ``_HELD`` and of ``aws_errors``      Blocked
404                                                 Blocked: no such configuration set
BadRequestException, MessageRejected; of several    Rejected; Failed: each may be right by itself
500 and anything else                               Unknown
==================================================  ===========================================

- https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html
- https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_BulkEmailEntryResult.html
- https://docs.aws.amazon.com/ses/latest/dg/send-personalized-email-api.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.template.content import Mail
from worker.adapters import sns
from worker.adapters.aws_errors import REFUSED, error_name, throttled
from worker.adapters.aws_signature import Signer
from worker.adapters.aws_signature import endpoint as aws_endpoint
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
from worker.adapters.header_text import mailbox
from worker.adapters.mail_batch import Batch, batch
from worker.adapters.mail_fields import one_line, unsubscribing
from worker.adapters.options import base_url, read_options
from worker.adapters.reply import at_path, identifier, parse_json
from worker.adapters.ses_events import TAG, parse_event

_PATH = "/v2/email/outbound-bulk-emails"

#: Of the vendor: https://docs.aws.amazon.com/ses/latest/dg/quotas.html
_MAX_BATCH = 50

#: Of one entry's ReplacementTemplateData, in bytes:
#: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_ReplacementTemplate.html
_LONGEST_DATA = 262_144

#: Of a header field's value:
#: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html
_LONGEST_FIELD = 995

_REJECTED = frozenset(
    {
        "INVALID_PARAMETER",
        "MAIL_FROM_DOMAIN_NOT_VERIFIED",
        "MESSAGE_REJECTED",
        "TEMPLATE_NOT_FOUND",
    }
)
_FAILED = frozenset({"TRANSIENT_FAILURE", "FAILED"})
_BLOCKED = frozenset(
    {
        "ACCOUNT_DAILY_QUOTA_EXCEEDED",
        "ACCOUNT_SENDING_PAUSED",
        "ACCOUNT_SUSPENDED",
        "CONFIGURATION_SET_NOT_FOUND",
        "CONFIGURATION_SET_SENDING_PAUSED",
        "INVALID_SENDING_POOL_NAME",
    }
)

#: Errors of the whole request.
_HELD = frozenset(
    {
        "AccountSuspendedException",
        "NotFoundException",
        "SendingPausedException",
    }
)

_encode = json.JSONEncoder(separators=(",", ":")).encode


def build(config: ProviderConfig, clock: Clock) -> SesAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown, missing, or breaks a rule.
    """
    options = read_options(sns.SnsOptions, config)
    url = base_url(config, aws_endpoint(config, "email", options.region))
    return SesAdapter(url, clock, options, sns.Topic.of(config, options))


class SesAdapter:
    """Many messages per request; see the module for how answers are read."""

    def __init__(
        self, url: str, clock: Clock, options: sns.SnsOptions, topic: sns.Topic | None
    ) -> None:
        self._url = url + _PATH
        self._clock = clock
        self._set = options.configuration_set
        self._topic = topic
        self._signer = Signer.of("ses", options)
        proven = topic is not None and topic.key is not None
        self.capabilities = Capabilities(
            max_batch=_MAX_BATCH,
            reports=topic is not None,
            echoes_reference=True,
            channels=frozenset({"email"}),
            contents=frozenset({Mail}),
            report_proof="SNS, RSA" if proven else None,
            # Outside of the sandbox, in which an account begins.
            usual_rate="14/s",
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """One POST for all.

        Raises:
            ValueError: they are no e-mails, or do not fit in one request.
        """
        mails = batch(messages, _MAX_BATCH)
        content: dict[str, Any] = {
            "FromEmailAddress": mailbox(mails.sender),
            "DefaultContent": {"Template": _template(mails)},
            "BulkEmailEntries": [_entry(*each) for each in mails.mails],
        }
        if mails.reply_to is not None:
            content["ReplyToAddresses"] = [mailbox(mails.reply_to)]
        if self._set is not None:
            content["ConfigurationSetName"] = self._set
        headers = {"content-type": "application/json"}
        request = HttpRequest("POST", self._url, headers, _encode(content).encode("ascii"))
        return self._signer.sign(request, self._clock.now())

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the tables at the head of this module."""
        if response.status == 200:
            results = at_path(parse_json(response.body), "BulkEmailEntryResults")
            listed = results if isinstance(results, list) else []
            found = [_outcome(each) for each in listed[: len(messages)]]
            return found + [Unknown("no_status")] * (len(messages) - len(found))
        return [self._whole(response, len(messages))] * len(messages)

    def _whole(self, response: HttpResponse, count: int) -> Outcome:
        name = error_name(response)
        code = name or f"http_{response.status}"
        slow = throttled(response, name)
        if slow is not None:
            return slow
        if response.status in (403, 404) or name in REFUSED or name in _HELD:
            return Blocked(code)
        if response.status in (400, 413) and name is not None:
            return Rejected(code) if count == 1 else Failed(code)
        return Unknown(code)

    def verify_report(self, request: HttpRequest) -> None:
        """Check the signature of SNS, where its certificate is set.

        Raises:
            ForgedReport: it is missing, wrong, too old, or of another topic.
        """
        if self._topic is not None:
            self._topic.verify(request, self._clock.now())

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The report in one call; none where it is of a step on the way.

        Raises:
            ValueError: the call is not in this provider's form.
        """
        return parse_event(sns.event(request))


def _template(mails: Batch) -> dict[str, Any]:
    parts = {"Subject": "{{subject}}"}
    if mails.first.text:
        parts["Text"] = "{{text}}"
    if mails.first.html is not None:
        parts["Html"] = "{{html}}"
    return {"TemplateContent": parts, "TemplateData": "{}"}


def _entry(message: Message, mail: Mail) -> dict[str, Any]:
    # SES has no SMTPUTF8, see API_Destination of its reference.
    if not message.address.isascii():
        raise ValueError("SES takes addresses of ASCII characters only")
    data = _encode({"subject": one_line(mail.subject), "text": mail.text, "html": mail.html or ""})
    if len(data) > _LONGEST_DATA:
        raise ValueError(f"an e-mail of more than {_LONGEST_DATA} bytes does not fit")
    entry: dict[str, Any] = {
        "Destination": {"ToAddresses": [message.address]},
        "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": data}},
        "ReplacementTags": [{"Name": TAG, "Value": message.reference}],
    }
    fields: Mapping[str, str] = unsubscribing(mail)
    if any(len(value) > _LONGEST_FIELD for value in fields.values()):
        raise ValueError(f"a header field has at most {_LONGEST_FIELD} characters")
    if fields:
        entry["ReplacementHeaders"] = [{"Name": k, "Value": v} for k, v in fields.items()]
    return entry


def _outcome(result: Any) -> Outcome:
    status = identifier(at_path(result, "Status"))
    if status == "SUCCESS":
        return Accepted(identifier(at_path(result, "MessageId")))
    if status == "ACCOUNT_THROTTLED":
        return Throttled(None, status)
    if status in _REJECTED:
        return Rejected(status)
    if status in _FAILED:
        return Failed(status)
    return Blocked(status) if status in _BLOCKED else Unknown("no_status")
