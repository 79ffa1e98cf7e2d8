"""The examinations behind `sluice doctor`. Each finding says what to do; none shows a secret."""

from __future__ import annotations

import sys
import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from campaigns import database, migrations, providers, queries, settings
from campaigns.database import Connection
from campaigns.errors import SluiceError
from campaigns.run import account_state
from campaigns.run.explain import MISSING_AFTER
from campaigns.settings import Settings
from cli import embedded
from cli.output import without_secrets
from worker.adapters.registry import build

State = Literal["ok", "warning", "broken"]

#: Oldest versions that Sluice is tested with.
OLDEST_POSTGRES = 15
OLDEST_REDIS = (6, 2)

#: Clocks that differ by more than this make the times in a submission mean something else.
_CLOCK_TOLERANCE = timedelta(seconds=2)
_REDIS_TIMEOUT = 3.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do and is empty where all is well."""

    state: State
    what: str
    found: str
    advice: str = ""


def examine(now: datetime) -> list[Finding]:
    """Everything, in the order in which it should be put right."""
    findings = [*_machine()]
    try:
        config = embedded.with_running(settings.load())
    except SluiceError as error:
        return [*findings, Finding("broken", "settings", str(error), "correct the variable")]
    findings += _settings(config)
    findings += _providers(config)
    findings += _database(config, now)
    for what, url in _redis_urls(config):
        findings += _redis(what, url, now)
    return findings


def _machine() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield _judge("python", version, sys.version_info >= (3, 11), "install Python 3.11 or newer")
    try:
        zoneinfo.ZoneInfo("Europe/London")
    except zoneinfo.ZoneInfoNotFoundError:
        yield Finding("broken", "tzdata", "no time zones", "install the Python package tzdata")
    else:
        yield Finding("ok", "tzdata", "time zones are there")


def _settings(config: Settings) -> Iterator[Finding]:
    for name, url in (
        ("SLUICE_DATABASE_URL", config.database_url),
        ("SLUICE_REDIS_URL", config.redis_url),
        ("SLUICE_BROKER_URL", config.broker_url),
    ):
        if url is None:
            advice = "start the embedded server with `sluice up`, or set the variable"
            yield Finding("broken", name, "unset, and no embedded server runs", advice)
        else:
            yield Finding("ok", name, without_secrets(url))
    yield Finding("ok", "SLUICE_HOME", str(config.home))


def _providers(config: Settings) -> Iterator[Finding]:
    try:
        found = providers.load(config.providers_file)
    except SluiceError as error:
        yield Finding("broken", "providers", str(error), "correct the file")
        return
    if not found.by_name:
        advice = "write a [providers.NAME] table there"
        yield Finding("broken", "providers", f"none in {config.providers_file}", advice)
    for name, account in found.by_name.items():
        try:
            build(account)
        except SluiceError as error:
            yield Finding("broken", f"provider {name}", str(error), "correct the file")
        else:
            rate = account.rate or "no ceiling"
            yield Finding("ok", f"provider {name}", f"{account.adapter}, {account.channel}, {rate}")


def _database(config: Settings, now: datetime) -> Iterator[Finding]:
    if config.database_url is None:
        return
    try:
        with database.opened(config.database_url) as conn:
            yield from _server(conn, now)
            yield (revision := _revision(config.database_url))
            if revision.state == "ok":
                yield from _processes(conn)
                yield from _refused(conn)
                yield from _watchdog(conn)
    except (SluiceError, psycopg.Error) as error:
        text = str(error) if isinstance(error, SluiceError) else database.first_line(error)
        yield Finding("broken", "PostgreSQL", text, "start the server, or correct the URL")


#: Kinds of heartbeats, and what people call who sends them.
_PROCESSES = (
    ("beat", "beat"),
    ("send", "send workers"),
    ("control", "control workers"),
    ("callbacks", "callbacks workers"),
)


def _server(conn: Connection, now: datetime) -> Iterator[Finding]:
    version = conn.info.server_version
    shown = f"{version // 10_000}.{version % 10_000}"
    good = version >= OLDEST_POSTGRES * 10_000
    yield _judge("PostgreSQL", shown, good, f"use {OLDEST_POSTGRES} or newer")
    row = _row(conn, "SELECT clock_timestamp() AS now")
    yield _clock("PostgreSQL's clock", row["now"], now)


def _revision(url: str) -> Finding:
    found, head = migrations.current(url), migrations.head()
    advice = "run `sluice migrate`"
    return _judge("migrations", f"revision {found or 'none'}, newest {head}", found == head, advice)


def _processes(conn: Connection) -> Iterator[Finding]:
    sql = queries.load("campaigns.run", "status.sql")
    now = _row(conn, "SELECT clock_timestamp() AS now")["now"]
    seen = {row["kind"]: row["seen_at"] for row in conn.execute(sql.heartbeats)}
    for kind, name in _PROCESSES:
        moment = seen.get(kind)
        if moment is None:
            found, alive = "never seen", False
        else:
            found = f"last seen {max((now - moment).total_seconds(), 0):,.0f} s ago"
            alive = now - moment <= MISSING_AFTER
        yield _judge(name, found, alive, "start them, for example by `sluice up`")


def _refused(conn: Connection) -> Iterator[Finding]:
    for name, state in account_state.states(conn).items():
        if state.code == "refused":
            advice = "see to its credentials, credit and permissions"
            yield Finding("broken", f"account {name}", state.text, advice)


def _watchdog(conn: Connection) -> Iterator[Finding]:
    """What the watchdog found lately; what it could put right itself is only told."""
    rows = conn.execute(queries.load("campaigns.run", "signs.sql").findings).fetchall()
    for row in rows:
        state: State = "ok" if row["repaired"] else "warning"
        when = f"{row['last_seen_at']:%H:%M:%S} UTC"
        times = f", {row['times']} times" if row["times"] > 1 else ""
        yield Finding(state, f"watchdog: {row['subject']}", f"{row['detail']} ({when}{times})")


def _redis_urls(config: Settings) -> Iterator[tuple[str, str]]:
    if config.redis_url is not None:
        yield "Redis", config.redis_url
    if config.broker_url is not None and config.broker_url != config.redis_url:
        yield "broker", config.broker_url


def _redis(what: str, url: str, now: datetime) -> Iterator[Finding]:
    if not url.startswith(("redis://", "rediss://", "unix://")):
        # Celery speaks to other brokers too; what it can do is not examined here.
        yield Finding("warning", what, f"{without_secrets(url)} is not a Redis", "test it yourself")
        return
    try:
        with Redis.from_url(
            url,
            socket_timeout=_REDIS_TIMEOUT,
            socket_connect_timeout=_REDIS_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            yield from _redis_server(what, client, now)
    except (RedisError, ValueError) as error:
        advice = "start the server, or correct the URL"
        yield Finding("broken", what, without_password(str(error), url), advice)


def _redis_server(what: str, client: Redis, now: datetime) -> Iterator[Finding]:
    info: Any = client.info()
    version = str(info["redis_version"])
    parts = tuple(int(part) for part in version.split(".")[:2])
    yield _judge(what, version, parts >= OLDEST_REDIS, "use 6.2 or newer")
    seconds, micros = _pair(client.time())
    yield _clock(f"{what}'s clock", datetime.fromtimestamp(seconds + micros / 1e6, UTC), now)
    kept = bool(info.get("aof_enabled"))
    yield Finding(
        "ok" if kept else "warning",
        f"{what}'s memory",
        "kept (appendonly)" if kept else "appendonly is off",
        "" if kept else "submissions that wait in the queue are lost when it restarts; turn it on",
    )


def without_password(text: str, url: str) -> str:
    """A driver's message, in which nothing of the URL's account is left."""
    return text.replace(url, without_secrets(url))


def _clock(what: str, moment: datetime, now: datetime) -> Finding:
    # `now` was taken when the examination began, so a server that is ahead by the time it took is
    # no finding; the tolerance is far above that.
    off = moment - max(now, min(moment, datetime.now(UTC)))
    found = f"{off.total_seconds():+.1f} s from this machine's"
    return _judge(what, found, abs(off) <= _CLOCK_TOLERANCE, "synchronise the clocks (NTP)")


def _judge(what: str, found: str, good: bool, advice: str) -> Finding:
    return Finding("ok", what, found) if good else Finding("broken", what, found, advice)


def _row(conn: Connection, query: Any) -> dict[str, Any]:
    row = conn.execute(query).fetchone()
    assert row is not None
    return row


def _pair(value: Any) -> tuple[int, int]:
    return value[0], value[1]
