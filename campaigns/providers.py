"""The providers file: which accounts messages can leave through, and at what pace.

    [providers.carrier]
    adapter = "http"            # which adapter speaks to it
    channel = "sms"             # what it carries
    url = "http://127.0.0.1:9000/messages"
    rate = "50/s"               # hard ceiling of the account: N/s, N/min, N/h or N/day
    max_in_flight = 64          # requests under way at once, per send process

Keys beside these belong to the adapter, which checks them when a worker starts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from campaigns.channels import SendingType
from campaigns.errors import ConfigurationError, Invalid
from campaigns.validation import first_error

_RATE = re.compile(r"^\s*([0-9]{1,9})\s*/\s*(s|sec|second|min|minute|h|hour|day|d)\s*$")
_SECONDS = {
    "s": 1, "sec": 1, "second": 1, "min": 60, "minute": 60,
    "h": 3600, "hour": 3600, "d": 86400, "day": 86400,
}  # fmt: skip


#: One part in so many of an account's rate may go into requests that carry several messages.
FULLER_REQUESTS = 10


def parse_rate(text: str) -> float:
    """Messages per second of ``"50/s"``, ``"200/min"``, ``"1000/h"`` or ``"5000/day"``.

    Raises:
        ValueError: it is not such a text, or the number is zero.
    """
    match = _RATE.match(text)
    if match is None or int(match.group(1)) == 0:
        raise ValueError("must be a positive number per s, min, h or day, such as '50/s'")
    return int(match.group(1)) / _SECONDS[match.group(2)]


def _checked_rate(text: str) -> str:
    parse_rate(text)
    return text


class ProviderConfig(BaseModel):
    """One configured account."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    adapter: str
    channel: SendingType
    url: str = ""
    rate: Annotated[str, AfterValidator(_checked_rate)] | None = None
    #: What one unit of the rates is. Unset: an SMS segment for sms, a message for all others.
    rate_unit: Literal["message", "segment"] | None = None
    #: Hard ceiling of each sender of the account.
    sender_rate: Annotated[str, AfterValidator(_checked_rate)] | None = None
    #: How many units may leave together; never more than the rate in any of its periods. Unset: as
    #: many as a request of the adapter carries, see :meth:`together`.
    burst: int | None = Field(default=None, ge=1, le=100_000)
    max_in_flight: int = Field(default=64, ge=1, le=10_000)
    #: Which HTTP client carries the requests; unset: the fastest that passes the fault suite.
    transport: Literal["pyreqwest", "httpx"] | None = None
    #: How long one request may take, in seconds.
    timeout: float = Field(default=10.0, gt=0, le=120)
    #: How often a transient failure is tried before the recipient counts as failed.
    max_attempts: int = Field(default=5, ge=1, le=50)
    #: The account that takes over what this one could not accept.
    fallback: str | None = None
    #: What becomes of a message whose request may have arrived: it is held for a person, or sent
    #: again through this account, which must recognise a repetition.
    in_doubt: Literal["hold", "resend"] = "hold"

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # The keys of the adapter may hold secrets, and the URL a key.
        yield from ((key, getattr(self, key)) for key in ("name", "adapter", "channel"))

    @property
    def per_second(self) -> float | None:
        """The ceiling in messages per second, ``None`` where the account has none."""
        return None if self.rate is None else parse_rate(self.rate)

    @property
    def period(self) -> float:
        """The seconds that the ceiling is given for: 60 for "200/min"; 1 where there is none."""
        match = _RATE.match(self.rate or "1/s")
        assert match is not None
        return float(_SECONDS[match.group(2)])

    @property
    def sender_per_second(self) -> float | None:
        """The ceiling of each sender in units per second, ``None`` where there is none."""
        return None if self.sender_rate is None else parse_rate(self.sender_rate)

    @property
    def counts_segments(self) -> bool:
        """Whether a message costs as many units as it has SMS segments."""
        unit = self.rate_unit or ("segment" if self.channel == "sms" else "message")
        return unit == "segment"

    def together(self, size: int) -> int:
        """How many units may leave together, where a request carries up to ``size`` messages.

        What may leave together is paid for with a longer distance (docs/throttle.md). Unless the
        file asks for more, no more than a tenth of the rate is spent on fuller requests.
        """
        if self.burst is not None:
            return self.burst
        if self.per_second is None:
            return size
        return min(size, 1 + int(self.per_second * self.period / FULLER_REQUESTS))

    @property
    def options(self) -> Mapping[str, Any]:
        """The adapter's own keys."""
        return self.model_extra or {}


class Turn(NamedTuple):
    """Up to how many attempts messages of runs on ``first`` are tried at ``account``."""

    first: str
    account: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Providers:
    """All configured accounts, in the order of the file."""

    by_name: Mapping[str, ProviderConfig]
    file: Path | None = None

    def select(self, name: str | None, channel: str) -> ProviderConfig:
        """The named account, or the first one that carries ``channel``.

        Raises:
            Invalid: there is none, or it carries another channel.
        """
        if name is None:
            for provider in self.by_name.values():
                if provider.channel == channel:
                    return provider
            raise Invalid(
                "provider", None, f"no provider in {self._where()} carries the channel {channel!r}"
            )
        found = self.by_name.get(name)
        if found is None:
            known = ", ".join(self.by_name) or "none"
            raise Invalid("provider", name, f"is not in {self._where()}; configured are: {known}")
        if found.channel != channel:
            raise Invalid("provider", name, f"carries {found.channel!r}, not {channel!r}")
        return found

    def chain(self, name: str) -> tuple[ProviderConfig, ...]:
        """The named account and its fallbacks, in the order in which they are tried.

        Empty where there is no such account.
        """
        return _chain(name, self.by_name)

    def last_attempt(self, first: str, account: str) -> int:
        """The attempt with which a message of a run on ``first`` has used up those at ``account``.

        Counted from the first attempt in the chain. An account that is not in the chain, because
        the file has changed, has no more than its own; 0 where there is no such account.
        """
        used = 0
        for link in self.chain(first):
            used += link.max_attempts
            if link.name == account:
                return used
        found = self.by_name.get(account)
        return 0 if found is None else found.max_attempts

    def resending(self) -> list[Turn]:
        """The accounts that send again what is in doubt, and for how long, for runs on each."""
        again = [name for name, config in self.by_name.items() if config.in_doubt == "resend"]
        return [
            Turn(first, name, self.last_attempt(first, name))
            for first in (self.by_name if again else ())
            for name in again
        ]

    def _where(self) -> str:
        return str(self.file) if self.file else "the providers file"


NO_PROVIDERS = Providers(MappingProxyType({}))


def load(path: Path) -> Providers:
    """Read the providers file; a file that does not exist means no providers.

    Raises:
        ConfigurationError: the file is not TOML, or a key breaks a rule.
    """
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return Providers(MappingProxyType({}), path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: not a readable TOML file ({error}).") from None
    unknown = set(data) - {"providers"}
    if unknown:
        raise ConfigurationError(
            f"{path}: {sorted(unknown)[0]!r} is not known here; "
            "accounts stand in tables called [providers.NAME]."
        )
    tables = data.get("providers", {})
    if not isinstance(tables, dict):
        raise ConfigurationError(f"{path}: 'providers' must be tables called [providers.NAME].")
    by_name = {name: _provider(path, name, table) for name, table in tables.items()}
    for provider in by_name.values():
        _check_fallback(path, provider, by_name)
    return Providers(MappingProxyType(by_name), path)


def _provider(path: Path, name: str, table: object) -> ProviderConfig:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: providers.{name} must be a table.")
    if "name" in table:
        raise ConfigurationError(f"{path}: providers.{name}.name is set by the table's name.")
    try:
        return ProviderConfig.model_validate({**table, "name": name})
    except ValidationError as error:
        fault = first_error(error, ProviderConfig)
        raise ConfigurationError(f"{path}: providers.{name}.{fault}") from None


def _check_fallback(
    path: Path, provider: ProviderConfig, by_name: Mapping[str, ProviderConfig]
) -> None:
    name = provider.fallback
    if name is None:
        return
    fallback = by_name.get(name)
    if name == provider.name:
        rule = "must be another account"
    elif fallback is None:
        rule = f"is not in this file; configured are: {', '.join(by_name)}"
    elif fallback.channel != provider.channel:
        rule = f"carries {fallback.channel!r}, not {provider.channel!r}"
    elif _chain(provider.name, by_name)[-1].fallback == provider.name:
        rule = "leads back to this account; a chain must end"
    else:
        return
    raise ConfigurationError(f"{path}: providers.{provider.name}.fallback: {name!r} {rule}.")


def _chain(name: str | None, by_name: Mapping[str, ProviderConfig]) -> tuple[ProviderConfig, ...]:
    found: dict[str, ProviderConfig] = {}
    while name is not None and name in by_name and name not in found:
        found[name] = by_name[name]
        name = found[name].fallback
    return tuple(found.values())
