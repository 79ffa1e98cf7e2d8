"""What the carrier does with one request: log it, answer it, report on it.

No clock and no I/O: the caller says when a request arrived, and carries out the decision.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any, NamedTuple

from cli.carrier.log import Outcome, encode
from cli.carrier.settings import Behaviour
from cli.carrier.tally import Tally

#: Bytes of a request; a longer one is invalid.
LARGEST_BODY = 65_536

#: Retries that are told apart, at most: a carrier that fails for ever must not grow for ever.
_ATTEMPTS_KEPT = 100_000

_NUMBER = re.compile(r"\+?[0-9]{6,15}")

Headers = list[tuple[bytes, bytes]]


class Reply(NamedTuple):
    """An HTTP response with a JSON body."""

    status: int
    headers: Headers
    body: bytes


class Report(NamedTuple):
    """What will be told about an accepted message. ``at_us`` in Unix microseconds."""

    reference: str
    id: str
    delivered: bool
    at_us: int


class Decision(NamedTuple):
    """What to do about one request. Without a reply the connection is closed."""

    line: bytes
    reply: Reply | None
    report: Report | None


def json_reply(status: int, content: object) -> Reply:
    """A response with ``content`` as JSON."""
    body = json.dumps(content).encode("ascii")
    return Reply(status, _headers(body), body)


def _headers(body: bytes) -> Headers:
    return [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
    ]


_INVALID_REQUEST = json_reply(400, {"error": "invalid_request"})
_INVALID_NUMBER = json_reply(400, {"error": "invalid_number"})
_REJECTED = json_reply(400, {"error": "rejected"})
_UNAVAILABLE = json_reply(503, {"error": "unavailable"})


class Carrier:
    """The state of one carrier: its settings, its rate ceiling, what it has seen.

    ``name`` makes the ids of its messages differ from those of other carriers.
    """

    def __init__(self, behaviour: Behaviour, *, seed: str, keep: int, name: str) -> None:
        self._seed = seed
        self._keep = keep
        self._name = name
        self._accepted = 0
        self._tat = 0
        self.change(behaviour)
        self.reset()

    def change(self, behaviour: Behaviour) -> None:
        """Be like this from now on. What was used up under the old ceiling stays used up."""
        self.behaviour = behaviour
        self._ceiling = behaviour.ceiling
        errors = behaviour.errors
        self._makes_errors = bool(errors.rejected or errors.unavailable or errors.lost)

    def reset(self) -> None:
        """Forget everything that arrived."""
        self.tally = Tally(self._keep)
        self._attempts: dict[str, int] = {}
        self._taken: dict[str, bytes] = {}

    def decide(self, body: bytes, now_us: int) -> Decision:
        """Handle a request for a message that arrived at ``now_us`` (Unix microseconds)."""
        content = _content(body)
        message = {name: value for name, value in content.items() if isinstance(value, str)}
        to, sender = message.get("to"), message.get("from")
        text, reference = message.get("text"), message.get("reference")
        report: Report | None = None
        reply: Reply | None
        outcome: Outcome
        if not (to and sender and text and reference):
            outcome, reply = "invalid", _INVALID_REQUEST
        elif _NUMBER.fullmatch(to) is None:
            outcome, reply = "invalid", _INVALID_NUMBER
        elif wait := self._throttled(now_us):
            outcome, reply = "throttled", _throttled_reply(wait)
        else:
            outcome, reply, report = self._handle(reference, now_us)
        self.tally.add(outcome, reference, to, now_us)
        line = encode(now_us, to, sender, text, reference, outcome, _validity(content))
        return Decision(line, reply, report)

    def _throttled(self, now_us: int) -> int:
        """Nanoseconds until the rate ceiling lets a request pass; 0: this one may."""
        if self._ceiling is None:
            return 0
        self._tat, wait = self._ceiling.admit(self._tat, now_us * 1000)
        return wait

    def _handle(self, reference: str, now_us: int) -> tuple[Outcome, Reply | None, Report | None]:
        outcome = self._fate(reference) if self._makes_errors else "accepted"
        if outcome == "rejected":
            return outcome, _REJECTED, None
        if outcome == "unavailable":
            return outcome, _UNAVAILABLE, None
        body = self._taken.get(reference)
        if body is not None:
            reply = None if outcome == "lost" else Reply(202, _headers(body), body)
            return "repeated", reply, None
        self._accepted += 1
        message_id = f"{self._name}-{self._accepted}"
        body = b'{"id":"%b"}' % message_id.encode("ascii")
        if self.behaviour.idempotent and len(self._taken) < self._keep:
            self._taken[reference] = body
        report = self._report(reference, message_id, now_us)
        return outcome, None if outcome == "lost" else Reply(202, _headers(body), body), report

    def _fate(self, reference: str) -> Outcome:
        """Drawn from seed and reference. Only a rejection is the same at every attempt."""
        errors = self.behaviour.errors
        if self._draw("rejected", reference) < errors.rejected:
            return "rejected"
        attempt = self._attempts.pop(reference, 0)
        chance = self._draw(f"attempt {attempt}", reference) * (1 - errors.rejected)
        if chance >= errors.unavailable + errors.lost:
            return "accepted"
        self._attempts[reference] = attempt + 1
        if len(self._attempts) > _ATTEMPTS_KEPT:
            del self._attempts[next(iter(self._attempts))]
        return "unavailable" if chance < errors.unavailable else "lost"

    def _report(self, reference: str, message_id: str, now_us: int) -> Report:
        behaviour = self.behaviour
        delivered = (
            not behaviour.undelivered or self._draw("report", reference) >= behaviour.undelivered
        )
        at_us = now_us + round(behaviour.report_delay_ms * 1000)
        return Report(reference, message_id, delivered, at_us)

    def _draw(self, purpose: str, reference: str) -> float:
        """A number from 0 up to 1, the same for the same seed, purpose and reference."""
        key = f"{self._seed}\0{purpose}\0{reference}".encode("utf-8", "surrogatepass")
        return (int.from_bytes(blake2b(key, digest_size=8).digest(), "big") >> 11) / (1 << 53)


def _content(body: bytes) -> Mapping[str, Any]:
    """A JSON object; an empty one if ``body`` is none."""
    if len(body) > LARGEST_BODY:
        return {}
    try:
        content: Any = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _validity(content: Mapping[str, Any]) -> int | None:
    value = content.get("validity")
    return value if type(value) is int and 0 < value < 1 << 31 else None


def _throttled_reply(wait_ns: int) -> Reply:
    milliseconds = -(-wait_ns // 1_000_000)
    reply = json_reply(429, {"error": "throttled", "retry_after_ms": milliseconds})
    seconds = -(-milliseconds // 1000)
    return reply._replace(headers=[*reply.headers, (b"retry-after", b"%d" % seconds)])
