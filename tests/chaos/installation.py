"""Sluice as it runs in production, twice of each process, on servers and a carrier of its own."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from campaigns import database, providers
from campaigns.audience import groups
from campaigns.campaign import service
from campaigns.database import Connection
from campaigns.team import teams
from cli import procfile
from tests.chaos.arrivals import Arrivals
from tests.support.carrier import RunningCarrier, carrier
from tests.support.outages import OwnServers
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually

#: Requests that one send worker has under way: what an account with a fast provider is given.
MAX_IN_FLIGHT = 400

#: The provider is as far away as one in the same region.
LATENCY_MS = 20

TEAM = "default"


@dataclass
class Installation:
    """Running processes by their names in the Procfile, numbered: ``send.1``, ``beat.2`` ..."""

    servers: OwnServers
    folder: Path
    env: dict[str, str]
    carrier: RunningCarrier
    arrivals: Arrivals
    _carrier_life: ExitStack
    _processes: Processes
    members: dict[str, Process] = field(default_factory=dict)
    _commands: dict[str, list[str]] = field(default_factory=dict)

    def start(self) -> None:
        """Start everything and wait for a sign of life from each process."""
        commands = procfile.load()
        del commands["flower"]
        for name in list(commands):
            commands = procfile.multiplied(commands, name, 2)
        self._commands = commands
        for name in commands:
            self.start_again(name)

        def alive() -> bool:
            with self.connection() as conn:
                row = conn.execute("SELECT count(*) AS n FROM heartbeats").fetchone()
            return row is not None and row["n"] >= len(commands)

        eventually(alive, timeout=60, message="every process has given a sign of life")

    def start_again(self, name: str) -> None:
        """Start a process that does not run."""
        command = self._commands[name]
        self.members[name] = self._processes.python("-m", *command, name=name, env=self.env)

    def stop(self) -> dict[str, int]:
        """Ask all processes to end, and wait; their exit codes."""
        for process in self.members.values():
            os.kill(process.pid, signal.SIGTERM)
        return {name: process.wait(timeout=60) for name, process in self.members.items()}

    def connection(self) -> Any:
        """A connection of the caller's own, for a ``with`` block."""
        return database.opened(self.env["SLUICE_DATABASE_URL"], statement_timeout_ms=0)

    def stop_carrier(self) -> None:
        """End the carrier, read its log to the end and remove it, for it would grow for ever.

        Connections are refused until it is started again.
        """
        self.carrier.process.terminate()
        self._carrier_life.close()
        self.arrivals.start_anew()

    def start_carrier(self) -> None:
        """Start the carrier again where it was."""
        port = int(self.carrier.url.removesuffix("/messages").rpartition(":")[2])
        self.carrier = self._carrier_life.enter_context(_carrier(self.folder, port))

    def group(self, recipients: int) -> UUID:
        """A group of so many contacts."""
        with self.connection() as conn:
            made = groups.create(conn, teams.find(conn, TEAM).id, "everybody", kind="optin")
            groups.add_headers(conn, made, ["first_name"])
            fields = {"first_name": "Ada"}
            copying = "COPY contacts (group_id, phone, fields) FROM STDIN"
            with conn.cursor() as cursor, cursor.copy(copying) as copy:
                for number in range(recipients):
                    copy.write_row((made.id, str(447400000000 + number), Jsonb(fields)))
            conn.execute("ANALYZE contacts")
        return made.id

    def submit(self, conn: Connection, group: UUID, campaign: UUID) -> None:
        """Submit a campaign of that id to the group, to be sent now; may be repeated."""
        body = {
            "name": "Chaos",
            "sender": "Sluice",
            "template": "Hello @first_name",
            "schedule_type": "now",
            "included_contact_groups": [str(group)],
        }
        service.submit(
            conn, teams.find(conn, TEAM).id, body, default_uuid=campaign,
            providers=providers.load(Path(self.env["SLUICE_PROVIDERS"])), now=datetime.now(UTC),
        )  # fmt: skip


@contextmanager
def installed(servers: OwnServers, folder: Path) -> Iterator[Installation]:
    """An installation that is not started yet; what runs of it is killed at the end."""
    processes = Processes(folder)
    with ExitStack() as carrier_life:
        running = carrier_life.enter_context(_carrier(folder, 0))
        file = folder / "providers.toml"
        lines = [
            "[providers.carrier]",
            'adapter = "sandbox"',
            'channel = "sms"',
            f'url = "{running.url}"',
            f"max_in_flight = {MAX_IN_FLIGHT}",
        ]
        file.write_text("\n".join(lines) + "\n", "utf-8")
        env = {
            "SLUICE_DATABASE_URL": servers.postgres.url,
            "SLUICE_REDIS_URL": servers.limiter.start(),
            "SLUICE_BROKER_URL": servers.broker.start(),
            "SLUICE_PROVIDERS": str(file),
            "SLUICE_HOME": str(folder / "home"),
        }
        try:
            arrivals = Arrivals(running.log_file)
            yield Installation(servers, folder, env, running, arrivals, carrier_life, processes)
        finally:
            processes.clean_up()


@contextmanager
def _carrier(folder: Path, port: int) -> Iterator[RunningCarrier]:
    options = ("--latency", str(LATENCY_MS), "--keep", "1000")
    with carrier(folder, *options, port=port) as running:
        yield running


def pause(seconds: float) -> None:
    """Let the time pass that belongs to a fault."""
    threading.Event().wait(seconds)
