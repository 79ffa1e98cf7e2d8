"""Settings: the only place where the environment is read.

A URL that is left unset means an embedded server; :mod:`cli.embedded` starts it and hands its
address to the processes through the same variables.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from campaigns.errors import ConfigurationError

Network = IPv4Network | IPv6Network

#: The Callback API promises five minutes from an event to its callback; the rest is for the way.
LONGEST_WINDOW = 240

#: Environment variables that Sluice reads, and what each is for (shown by ``sluice doctor``).
VARIABLES: Mapping[str, str] = {
    "SLUICE_DATABASE_URL": "PostgreSQL, e.g. postgresql://user@host/name; unset: embedded",
    "SLUICE_REDIS_URL": "Redis of the rate limiter, e.g. redis://host:6379/0; unset: embedded",
    "SLUICE_BROKER_URL": "Celery's broker; unset: the Redis URL",
    "SLUICE_PROVIDERS": "the providers file; unset: providers.toml in SLUICE_HOME",
    "SLUICE_HOME": "where embedded servers keep their data, and send workers their journals",
    "SLUICE_DRAIN_SECONDS": "how long a worker may take to end when it is told to; unset: 20",
    "SLUICE_WEB_BIND": "host:port of the web door; unset: 127.0.0.1:8000",
    "SLUICE_WEB_PROXIES": "addresses of the proxies in front of it that may name the client",
    "SLUICE_WEB_RATE": "requests per second that each token may make; unset: 50",
    "SLUICE_CALLBACK_SECONDS": "how long an event waits to be told with others; unset: 60",
    "SLUICE_CALLBACK_NETWORKS": "private networks that callbacks may go to, e.g. 10.0.0.0/8",
    "SLUICE_CALLBACK_DAYS": "how long settled callbacks are kept to be replayed; unset: 7",
    "SLUICE_FLOWER_AUTH": "user:password of Flower; unset: made up once, in flower.password",
    "SLUICE_FLOWER_BIND": "host:port of Flower",
    "SLUICE_FAILPOINTS": "where processes fail on purpose; only for tests",
    "SLUICE_FAILPOINT_LOG": "file that gets a line before each failure on purpose",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What the processes need to know about their surroundings.

    ``database_url``, ``redis_url`` and ``broker_url`` are ``None`` where an embedded server is
    meant.
    """

    database_url: str | None
    redis_url: str | None
    broker_url: str | None
    providers_file: Path
    home: Path
    web_bind: str
    #: Whose X-Forwarded-For is believed: addresses or networks.
    web_proxies: tuple[str, ...] = ()
    #: Requests per second that each token may make.
    web_rate: float = 50.0
    flower_auth: str | None = field(default=None, repr=False)
    flower_bind: str = "127.0.0.1:5555"
    #: How long a worker may take to end when it is told to, in seconds.
    drain_seconds: float = 20.0
    #: How long an event waits to be told with others of its kind, in seconds.
    callback_seconds: float = 60.0
    #: Where callbacks may go beside the public Internet.
    callback_networks: tuple[Network, ...] = ()
    #: How long callbacks that were delivered or given up are kept, in days.
    callback_days: int = 7
    #: See :mod:`campaigns.failpoints`.
    failpoints: str | None = None
    failpoint_log: Path | None = None

    @property
    def departures(self) -> Path:
        """Where the send processes of this machine keep their journals."""
        return self.home / "departures"

    def require_database(self) -> str:
        """The PostgreSQL URL.

        Raises:
            ConfigurationError: it is unset and no embedded server was started.
        """
        return _required("SLUICE_DATABASE_URL", self.database_url)

    def require_redis(self) -> str:
        """The limiter's Redis URL; raises ``ConfigurationError`` like ``require_database``."""
        return _required("SLUICE_REDIS_URL", self.redis_url)

    def require_broker(self) -> str:
        """The broker's URL; raises ``ConfigurationError`` like ``require_database``."""
        return _required("SLUICE_BROKER_URL", self.broker_url)


def _required(name: str, value: str | None) -> str:
    if value is None:
        raise ConfigurationError(
            f"{name} is not set and the embedded server is not running: "
            "start it with `sluice up`, or set the variable."
        )
    return value


def default_home() -> Path:
    """Where embedded servers live: /var/lib/sluice for root, else the XDG data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/sluice")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "sluice"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from ``environ`` (default: the process environment).

    Raises:
        ConfigurationError: a path begins with the home folder of an account that does not exist,
            or a number is none.
    """
    env = os.environ if environ is None else environ
    home = _path(env, "SLUICE_HOME") or default_home()
    redis_url = env.get("SLUICE_REDIS_URL") or None
    return Settings(
        database_url=env.get("SLUICE_DATABASE_URL") or None,
        redis_url=redis_url,
        broker_url=env.get("SLUICE_BROKER_URL") or redis_url,
        providers_file=_path(env, "SLUICE_PROVIDERS") or home / "providers.toml",
        home=home,
        web_bind=env.get("SLUICE_WEB_BIND") or "127.0.0.1:8000",
        web_proxies=_networks(env, "SLUICE_WEB_PROXIES"),
        web_rate=_whole(env, "SLUICE_WEB_RATE", "50", "requests per second", 100_000),
        flower_auth=env.get("SLUICE_FLOWER_AUTH") or None,
        flower_bind=env.get("SLUICE_FLOWER_BIND") or "127.0.0.1:5555",
        drain_seconds=_whole(env, "SLUICE_DRAIN_SECONDS", "20", "seconds", 3600),
        callback_seconds=_whole(env, "SLUICE_CALLBACK_SECONDS", "60", "seconds", LONGEST_WINDOW),
        callback_networks=tuple(map(ip_network, _networks(env, "SLUICE_CALLBACK_NETWORKS"))),
        callback_days=_whole(env, "SLUICE_CALLBACK_DAYS", "7", "days", 365),
        failpoints=env.get("SLUICE_FAILPOINTS") or None,
        failpoint_log=_path(env, "SLUICE_FAILPOINT_LOG"),
    )


def _path(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name)
    try:
        return Path(text).expanduser() if text else None
    except RuntimeError:
        raise ConfigurationError(f"{name}: {text!r} begins with an unknown account.") from None


def _whole(env: Mapping[str, str], name: str, default: str, unit: str, most: int) -> int:
    text = env.get(name) or default
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise ConfigurationError(f"{name}: {text!r} must be whole {unit}, from 1 to {most}.")
    return int(text)


def _networks(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    words = tuple(filter(None, map(str.strip, (env.get(name) or "").split(","))))
    for word in words:
        try:
            ip_network(word)
        except ValueError:
            raise ConfigurationError(
                f"{name}: {word!r} must be an address or a network such as 10.0.0.0/8."
            ) from None
    return words


def resolve_secret(reference: str, environ: Mapping[str, str] | None = None) -> str:
    """The secret that a configuration file refers to.

    ``env:NAME`` is the environment variable ``NAME``, ``file:PATH`` the content of a file without
    the line break at its end; anything else is the secret itself.

    Raises:
        ConfigurationError: the variable or the file does not exist, or is empty.
    """
    kind, colon, name = reference.partition(":")
    if not colon or kind not in ("env", "file"):
        return reference
    if kind == "env":
        secret = (os.environ if environ is None else environ).get(name)
    else:
        secret = _file_content(Path(name).expanduser())
    if not secret:
        what = "environment variable" if kind == "env" else "file"
        raise ConfigurationError(f"{reference}: the {what} is missing, unreadable or empty.")
    return secret


def _file_content(path: Path) -> str | None:
    try:
        return path.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        return None
