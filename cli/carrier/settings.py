"""What the carrier pretends to be, read from the command line and from ``PUT /settings``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from campaigns.errors import Invalid
from campaigns.providers import parse_rate
from cli.carrier.ceiling import Ceiling

_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,9})?)\s*%", re.ASCII)
LONGEST_WAIT_MS = 600_000
LARGEST_BURST = 1_000_000
_ERRORS = ("rejected", "unavailable", "lost")


@dataclass(frozen=True, slots=True)
class ErrorMix:
    """Shares, 0 to 1, of the messages that are answered by an error."""

    #: 400, for good.
    rejected: float = 0.0
    #: 503; may succeed when tried again.
    unavailable: float = 0.0
    #: Taken, but the connection is closed without a reply.
    lost: float = 0.0

    def __str__(self) -> str:
        shares = ((name, getattr(self, name)) for name in _ERRORS)
        return ",".join(f"{name}={_percent(share)}" for name, share in shares if share)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What can be changed while the carrier runs."""

    #: The ceiling, such as ``"50/s"``; ``None``: there is none.
    rate: str | None = None
    #: How many may come at once when they came slowly before; ``None``: a tenth of a second's.
    burst: int | None = None
    #: Every reply waits so long, and up to ``jitter_ms`` more.
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    errors: ErrorMix = ErrorMix()
    #: Delivery reports follow the message so much later.
    report_delay_ms: float = 1000.0
    #: The share, 0 to 1, of accepted messages that are reported as undelivered.
    undelivered: float = 0.0
    #: A reference that was taken before is recognised: it is answered again, and not sent again.
    idempotent: bool = False
    #: An outage: requests for messages find their connection closed, and are not logged.
    down: bool = False

    @property
    def ceiling(self) -> Ceiling | None:
        """The rate ceiling as arithmetic."""
        if self.rate is None:
            return None
        per_second = parse_rate(self.rate)
        return Ceiling.of(per_second, self.burst or max(1, round(per_second / 10)))

    def changed(self, changes: Mapping[str, Any]) -> Behaviour:
        """With the settings of ``changes``, in the form in which :meth:`as_json` writes them.

        Raises:
            Invalid: one of them is not known or breaks a rule; none of them counts then.
        """
        values = {}
        for name, value in changes.items():
            reader = _READERS.get(name)
            if reader is None:
                known = ", ".join(_READERS)
                raise Invalid(name, None, f"is not a setting of the carrier; there are: {known}")
            values[name] = reader(name, value)
        return replace(self, **values)

    def as_json(self) -> dict[str, object]:
        """The settings as ``GET /settings`` shows them and ``PUT /settings`` takes them."""
        return {
            "rate": self.rate,
            "burst": self.burst,
            "latency_ms": self.latency_ms,
            "jitter_ms": self.jitter_ms,
            "errors": str(self.errors),
            "report_delay_ms": self.report_delay_ms,
            "undelivered": _percent(self.undelivered),
            "idempotent": self.idempotent,
            "down": self.down,
        }


@dataclass(frozen=True, slots=True)
class Options:
    """What stays as it is from the carrier's start to its end."""

    host: str = "127.0.0.1"
    #: 0: a free one.
    port: int = 9000
    behaviour: Behaviour = field(default_factory=Behaviour)
    #: Where delivery reports are posted to; ``None``: there are none.
    reports: str | None = None
    #: Lines are added to an existing file; ``None``: the log lasts as long as the carrier.
    log: Path | None = None
    #: Same seed, same references: same errors.
    seed: str = "0"
    #: How many arrivals are remembered for statistics, and for the log where it has no file.
    keep: int = 5_000_000


def read_bind(name: str, value: str) -> tuple[str, int]:
    """Host and port of ``127.0.0.1:9000`` or ``[::1]:9000``.

    Raises:
        Invalid: it is not in that form.
    """
    host, colon, port = value.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise Invalid(name, value, "must be HOST:PORT with a port from 0 to 65535")
    return host, int(port)


def read_url(name: str, value: str) -> str:
    """An HTTP address.

    Raises:
        Invalid: it is not one.
    """
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise Invalid(name, value, "must be an address such as http://127.0.0.1:8000/reports")
    return value


def _rate(name: str, value: object) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else ""
    try:
        parse_rate(text)
    except ValueError as error:
        raise Invalid(name, value, str(error)) from None
    return text


def _burst(name: str, value: object) -> int | None:
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= LARGEST_BURST:
        raise Invalid(name, value, f"must be a whole number from 1 to {LARGEST_BURST}")
    return value


def _milliseconds(name: str, value: object) -> float:
    rule = f"must be milliseconds from 0 to {LONGEST_WAIT_MS}"
    # A truth value is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Invalid(name, value, rule)
    # Asked this way round because NaN, which the JSON reader lets through, is in no range.
    if not 0 <= value <= LONGEST_WAIT_MS:
        raise Invalid(name, value, rule)
    return float(value)


def _share(name: str, value: object) -> float:
    match = _SHARE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or float(match.group(1)) > 100:
        raise Invalid(name, value, "must be a share from 0% to 100%, such as '2%'")
    return float(match.group(1)) / 100


def _errors(name: str, value: object) -> ErrorMix:
    if not isinstance(value, str):
        raise Invalid(name, value, "must be a text such as 'rejected=1%,lost=0.1%'")
    shares: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in value.split(","))):
        error, _, share = (word.strip() for word in part.partition("="))
        if error not in _ERRORS:
            raise Invalid(name, error, f"is not an error; there are: {', '.join(_ERRORS)}")
        if error in shares:
            raise Invalid(name, error, "stands there twice")
        shares[error] = _share(f"{name}.{error}", share)
    if sum(shares.values()) > 1:
        raise Invalid(name, value, "must not add up to more than 100%")
    return ErrorMix(**shares)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise Invalid(name, value, "must be true or false")
    return value


def _percent(share: float) -> str:
    return f"{share * 100:.9f}".rstrip("0").rstrip(".") + "%"


_READERS: Mapping[str, Callable[[str, object], Any]] = {
    "rate": _rate,
    "burst": _burst,
    "latency_ms": _milliseconds,
    "jitter_ms": _milliseconds,
    "errors": _errors,
    "report_delay_ms": _milliseconds,
    "undelivered": _share,
    "idempotent": _flag,
    "down": _flag,
}
