"""Adapter ``sandbox``: the carrier that ``sluice carrier`` runs on this machine.

    POST {url}  {"reference": .., "to": .., "from": .., "text": .., "validity": 3600}

``validity`` is in whole seconds, and left out where the message does not expire. With
``idempotent = true`` in the providers file the carrier has to run with ``--idempotent``, and with
``reports = true`` it has to run with ``--reports``.

==================================================  ===========================================
202 ``{"id": "..."}``                               Accepted
429 ``{"error": .., "retry_after_ms": 250}``        Throttled; Retry-After, in whole seconds, is
                                                    used where the body cannot be read
400 ``{"error": "invalid_number"}``                 Rejected with that code
503                                                 Failed: it was not taken
500 and anything else                               Unknown
==================================================  ===========================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from campaigns.channels import CHANNELS
from campaigns.clock import Clock
from campaigns.providers import ProviderConfig
from campaigns.run.events import ReportKind
from worker.adapters import inbound
from worker.adapters.base import (
    ALL_CONTENTS,
    Accepted,
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
from worker.adapters.options import Options, checked_url, read_options
from worker.adapters.reply import (
    at_path,
    identifier,
    milliseconds,
    moment,
    parse_json,
    retry_after,
    short_code,
)

_HEADERS = {"content-type": "application/json"}

_KINDS: Mapping[str, ReportKind] = {"delivered": "delivered", "undelivered": "failed"}

_encode = json.JSONEncoder(separators=(",", ":")).encode


class SandboxOptions(Options):
    """What the adapter ``sandbox`` can be told."""

    #: The carrier recognises a repeated reference.
    idempotent: bool = False
    #: The carrier's reports find their way to Sluice, so their absence means something.
    reports: bool = False
    #: What people answer comes to Sluice. Nothing proves it: only where nobody else can call.
    inbound: bool = False


def build(config: ProviderConfig, clock: Clock) -> SandboxAdapter:
    """The adapter for ``config``.

    Raises:
        ConfigurationError: a key is unknown or breaks a rule.
    """
    options = read_options(SandboxOptions, config)
    return SandboxAdapter(checked_url(config), clock, options)


class SandboxAdapter:
    """One message per request; a carrier that reports does so on each that it accepted."""

    def __init__(self, url: str, clock: Clock, options: SandboxOptions) -> None:
        self._url = url
        self._clock = clock
        self.capabilities = Capabilities(
            max_batch=1,
            idempotent=options.idempotent,
            reports=options.reports,
            echoes_reference=True,
            channels=frozenset(CHANNELS),
            contents=ALL_CONTENTS,
            inbound=options.inbound,
        )

    def encode(self, messages: Sequence[Message]) -> HttpRequest:
        """The POST for one message.

        Raises:
            ValueError: there is not exactly one message.
        """
        (message,) = messages
        content: dict[str, str | int] = {
            "reference": message.reference,
            "to": message.address,
            "from": message.sender,
            "text": message.text,
        }
        validity = message.validity(self._clock.now())
        if validity is not None:
            content["validity"] = validity
        return HttpRequest("POST", self._url, _HEADERS, _encode(content).encode("ascii"))

    def decode(self, messages: Sequence[Message], response: HttpResponse) -> Sequence[Outcome]:
        """One outcome per message, by the table at the head of this module."""
        return [self._outcome(response)] * len(messages)

    def _outcome(self, response: HttpResponse) -> Outcome:
        content = parse_json(response.body)
        code = short_code(at_path(content, "error")) or f"http_{response.status}"
        match response.status:
            case 202:
                return Accepted(identifier(at_path(content, "id")))
            case 429:
                return Throttled(self._wait(content, response), code)
            case 400:
                return Rejected(code)
            case 503:
                return Failed(code)
            case _:
                return Unknown(code)

    def _wait(self, content: Any, response: HttpResponse) -> float | None:
        exact = milliseconds(at_path(content, "retry_after_ms"))
        if exact is not None:
            return exact
        return retry_after(response.headers, self._clock.now())

    def verify_report(self, request: HttpRequest) -> None:
        """The carrier signs nothing; its reports come over loopback."""

    def parse_report(self, request: HttpRequest) -> Sequence[Report]:
        """The reports in one call of the carrier: ``{"reports": [...]}``.

        Raises:
            ValueError: the call is not in that form; nothing of it is used then.
        """
        match parse_json(request.body):
            case {"reports": list(entries)}:
                return [_report(entry) for entry in entries]
        raise ValueError("a delivery report must be an object with the list 'reports'")

    # See worker.adapters.receiving.
    verify_inbound = verify_report
    parse_inbound = staticmethod(inbound.sandbox)


def _report(entry: Any) -> Report:
    kind = _KINDS.get(str(at_path(entry, "state")))
    reference = identifier(at_path(entry, "reference"))
    message_id = identifier(at_path(entry, "id"))
    if kind is None or not (reference or message_id):
        raise ValueError("a report must hold a state, and a reference or an id")
    return Report(
        reference,
        message_id,
        kind,
        at=moment(at_path(entry, "at")),
        code=short_code(at_path(entry, "code")),
    )
