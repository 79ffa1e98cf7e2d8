"""The servers and processes of one demo: started, watched and ended.

Everything is real and the same as in production: PostgreSQL, Redis, the processes of the Procfile.
Every port is a free one, so a running `sluice up` or another demo is not in the way.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import cli
from campaigns import migrations, settings
from campaigns.database import Connection
from campaigns.errors import SluiceError, Unavailable
from campaigns.settings import Settings
from cli import embedded, lifeline, procfile
from cli.demo.folder import Folder
from cli.demo.signals import undisturbed
from cli.embedded.processes import free_port
from cli.supervisor import GRACE_SECONDS

T = TypeVar("T")

#: Send processes; one per core of the machine that the demo is made for.
SEND_PROCESSES = 2

#: What the provider account allows, well above what the campaign needs.
ACCOUNT_RATE = 1500

_START_SECONDS = 60.0
_POLL_SECONDS = 0.1
_SHOWN_LINES = 12
#: Where a demo is broken off, nothing is worth waiting for.
_SHORT_GRACE_SECONDS = 3.0
#: How long the carrier takes to answer a message, and up to how much longer, in milliseconds.
_LATENCY, _JITTER = 15, 30


class Ended(SluiceError):
    """A process of the demo is gone that should be there."""

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        super().__init__(f"{name} has ended; the end of its log:\n{_tail(log)}")


class Stage:
    """What runs for the demo in ``folder``; close it whatever happens."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._settings: Settings | None = None
        self.carrier_url = ""

    @property
    def settings(self) -> Settings:
        """Where everything is, once the servers run."""
        assert self._settings is not None
        return self._settings

    def start_servers(self) -> None:
        """Start PostgreSQL and Redis, and create the tables; raises :class:`SluiceError`."""
        servers = embedded.start(self.folder.path)
        self._settings = settings.load(
            {
                "SLUICE_HOME": str(self.folder.path),
                "SLUICE_DATABASE_URL": servers.database_url,
                "SLUICE_REDIS_URL": servers.redis_url,
                "SLUICE_PROVIDERS": str(self.folder.providers),
            }
        )
        migrations.migrate(servers.database_url)

    def start_carrier(self) -> None:
        """Start the sandbox carrier and write the providers file that leads to it.

        Raises:
            Ended: it did not start.
        """
        self._start(
            "carrier",
            [
                *(sys.executable, "-m", "cli.carrier", "--bind", "127.0.0.1:0"),
                *("--log", str(self.folder.carrier_log)),
                *("--latency", str(_LATENCY), "--jitter", str(_JITTER)),
            ],
        )
        self.carrier_url = self.wait(lambda: _announced(self.log("carrier")), "the carrier")
        self.folder.providers.write_text(
            "[providers.carrier]\n"
            'adapter = "sandbox"\n'
            'channel = "sms"\n'
            f'url = "{self.carrier_url}"\n'
            f'rate = "{ACCOUNT_RATE}/s"\n',
            "utf-8",
        )

    def start_processes(self, conn: Connection, *, flower: bool) -> str | None:
        """Start the processes of the Procfile and wait until they work; Flower's address.

        Raises:
            Ended: one of them did not start.
        """
        commands = procfile.multiplied(procfile.load(), "send", SEND_PROCESSES)
        address = f"127.0.0.1:{free_port(None)}" if flower else None
        if address is None:
            commands.pop("flower", None)
        extra = {"SLUICE_FLOWER_BIND": address} if address else {}
        for name, command in commands.items():
            self._start(name, self._own(name, command), extra)

        def at_work() -> bool:
            rows = conn.execute("SELECT kind, count(*) AS n FROM heartbeats GROUP BY kind")
            seen = {row["kind"]: row["n"] for row in rows}
            wanted = {"beat": 1, "control": 1, "send": SEND_PROCESSES}
            return all(seen.get(kind, 0) >= count for kind, count in wanted.items())

        self.wait(at_work, "a heartbeat of every process")
        return f"http://{address}" if address else None

    def log(self, name: str) -> Path:
        """Where the output of a process goes."""
        return self.folder.logs / f"{name}.log"

    def check(self) -> None:
        """Make sure that everything still runs.

        Raises:
            Ended: something does not.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise Ended(name, self.log(name))
        servers = embedded.with_running(settings.load({"SLUICE_HOME": str(self.folder.path)}))
        folder = self.folder.path / "embedded"
        if servers.database_url is None:
            raise Ended("PostgreSQL", folder / "postgres" / "postgres.log")
        if servers.redis_url is None:
            raise Ended("Redis", folder / "redis" / "redis.log")

    def end_processes(self, grace: float = GRACE_SECONDS) -> None:
        """End carrier, beat and workers, within ``grace`` seconds; the databases go on."""
        for process in self._running.values():
            process.terminate()
        deadline = time.monotonic() + grace
        for process in self._running.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()

    def close(self) -> None:
        """End everything, at once if need be, and drop the databases."""
        with undisturbed():
            try:
                self.end_processes(_SHORT_GRACE_SECONDS)
            finally:
                self.folder.end_everything()

    def _own(self, name: str, command: list[str]) -> list[str]:
        """The Procfile's command, telling more in its log, and with a word that is only ours."""
        if command[0] != "celery":
            return command
        return [*command, "--loglevel", "INFO", "--pidfile", str(self.folder.path / f"{name}.pid")]

    def _start(self, name: str, command: list[str], extra: Mapping[str, str] | None = None) -> None:
        with self.log(name).open("ab") as output:
            process = subprocess.Popen(  # noqa: S603 - the commands are ours
                lifeline.tied(command),
                # Celery looks for its apps in the working directory first.
                cwd=self.folder.path,
                env={**self._environment(), **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A Ctrl-C at the terminal is for the demo, which ends all of them in its own way.
                start_new_session=True,
            )
        self._running[name] = process
        self.folder.note_process(process.pid, command)

    def _environment(self) -> dict[str, str]:
        """Ours without its ``SLUICE_`` variables, with the demo's instead."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        source = str(Path(cli.__file__).parents[1])
        programs = str(Path(sys.executable).parent)
        return {
            **kept,
            "PATH": os.pathsep.join([programs, kept.get("PATH", os.defpath)]),
            "PYTHONPATH": os.pathsep.join(filter(None, [source, kept.get("PYTHONPATH")])),
            "PYTHONUNBUFFERED": "1",
            "SLUICE_HOME": str(self.folder.path),
            "SLUICE_PROVIDERS": str(self.folder.providers),
            "SLUICE_DATABASE_URL": self.settings.require_database(),
            "SLUICE_REDIS_URL": self.settings.require_redis(),
            "SLUICE_BROKER_URL": self.settings.require_broker(),
        }

    def wait(self, condition: Callable[[], T], what: str) -> T:
        """Ask until ``condition()`` is true, and return what it returned.

        Raises:
            Ended: meanwhile something ended.
            Unavailable: it took too long.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not (found := condition()):
            self.check()
            if time.monotonic() > deadline:
                raise Unavailable(f"waited {_START_SECONDS:g} s for {what}, in vain.")
            time.sleep(_POLL_SECONDS)
        return found


def _announced(log: Path) -> str:
    """The carrier's address, as it prints it when it is ready; empty before."""
    for line in log.read_text("utf-8", "replace").splitlines():
        if line.startswith("carrier listening on "):
            return line.rpartition(" ")[2]
    return ""


def _tail(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").rstrip().splitlines()
    except OSError:
        lines = []
    return "\n".join(f"  {line}" for line in lines[-_SHOWN_LINES:] or ["(nothing)"])
