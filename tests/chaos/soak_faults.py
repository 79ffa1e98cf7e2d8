"""What is done to an installation during a soak, one fault at a time, drawn from a seeded list."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from random import Random

from tests.chaos.installation import Installation, pause
from tests.chaos.judgement import Fault

#: How long what hangs or is away stays so, in seconds.
LONG = 3.0

#: Processes that are never killed, so that their memory can be watched all the time.
SPARED = "1"

Deed = Callable[[Installation, Random], None]


def _kill(kind: str) -> Deed:
    name = f"{kind}.2"

    def deed(here: Installation, _: Random) -> None:
        here.members[name].kill()
        here.start_again(name)

    return deed


def _restart(kind: str) -> Deed:
    name = f"{kind}.2"

    def deed(here: Installation, _: Random) -> None:
        code = here.members[name].terminate(timeout=30)
        if code:
            raise RuntimeError(f"{name} ended with {code} after SIGTERM")
        here.start_again(name)

    return deed


def _stop_a_process(here: Installation, random: Random) -> None:
    pid = here.members[random.choice(sorted(here.members))].pid
    os.kill(pid, signal.SIGSTOP)
    pause(LONG)
    os.kill(pid, signal.SIGCONT)


def _terminate_connections(here: Installation, _: Random) -> None:
    with here.connection() as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def _kill_postgres(here: Installation, random: Random) -> None:
    here.servers.postgres.kill()
    pause(random.uniform(0.0, LONG))
    if here.servers.postgres.start() != here.env["SLUICE_DATABASE_URL"]:
        raise RuntimeError("PostgreSQL came back at another address")


def _hang_postgres(here: Installation, _: Random) -> None:
    with here.servers.postgres.hung():
        pause(LONG)


def _kill_redis(which: str) -> Deed:
    def deed(here: Installation, random: Random) -> None:
        server = getattr(here.servers, which)
        server.kill()
        pause(random.uniform(0.0, LONG))
        if server.start() not in here.env.values():
            raise RuntimeError(f"the {which}'s Redis came back at another address")

    return deed


def _hang_redis(which: str) -> Deed:
    def deed(here: Installation, _: Random) -> None:
        with getattr(here.servers, which).hung():
            pause(LONG)

    return deed


def _empty_redis(which: str) -> Deed:
    def deed(here: Installation, _: Random) -> None:
        with getattr(here.servers, which).client() as client:
            client.flushall()

    return deed


def _cut_redis_connections(here: Installation, _: Random) -> None:
    for server in (here.servers.limiter, here.servers.broker):
        with server.client() as client:
            # Whoever waits for a subscription counts as another type (Redis, CLIENT KILL).
            for kind in ("normal", "pubsub"):
                client.execute_command("CLIENT", "KILL", "TYPE", kind, "SKIPME", "yes")


def _close_the_carrier(here: Installation, _: Random) -> None:
    here.stop_carrier()
    pause(LONG)
    here.start_carrier()


def _mute_the_carrier(here: Installation, _: Random) -> None:
    here.carrier.change(down=True)
    pause(LONG)
    here.carrier.change(down=False)


#: By what the table calls them.
FAULTS: Mapping[str, Deed] = {
    "kill -9 of a send worker": _kill("send"),
    "kill -9 of a beat": _kill("beat"),
    "kill -9 of a control worker": _kill("control"),
    "restart of a send worker": _restart("send"),
    "restart of a beat": _restart("beat"),
    "a process stopped for 3 s": _stop_a_process,
    "all database connections terminated": _terminate_connections,
    "kill -9 of PostgreSQL": _kill_postgres,
    "PostgreSQL hung for 3 s": _hang_postgres,
    "kill -9 of the limiter's Redis": _kill_redis("limiter"),
    "kill -9 of the broker": _kill_redis("broker"),
    "the limiter's Redis hung for 3 s": _hang_redis("limiter"),
    "the broker hung for 3 s": _hang_redis("broker"),
    "FLUSHALL at the limiter's Redis": _empty_redis("limiter"),
    "FLUSHALL at the broker": _empty_redis("broker"),
    "all connections to Redis cut": _cut_redis_connections,
    "carrier refuses connections for 3 s": _close_the_carrier,
    "carrier hangs up on requests for 3 s": _mute_the_carrier,
}


def drawn(seed: int) -> Iterator[str]:
    """Names of faults without end: all of them in random order, then all again in another one."""
    random = Random(seed)
    while True:
        yield from random.sample(sorted(FAULTS), len(FAULTS))


def do(here: Installation, name: str, random: Random) -> Fault:
    """Let it happen, wait until it is over, and say when it was."""
    begin = datetime.now(UTC)
    with suppress(ProcessLookupError):
        FAULTS[name](here, random)
    return Fault(name, begin, datetime.now(UTC))
