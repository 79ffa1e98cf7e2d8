"""One PostgreSQL cluster of our own, below ``SLUICE_HOME``."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
from pathlib import Path
from typing import NamedTuple

from psycopg import sql

from campaigns import database
from campaigns.errors import ConfigurationError, Unavailable
from cli.embedded import processes, programs
from cli.embedded.account import Account

_NAME = "sluice"
_START_ATTEMPTS = 3
#: Recovery after a crash replays the log first, so a start may take its time.
_START_SECONDS = 120

#: For a small machine that has other work too.
#:
#: Statements, their parameters and rows never reach the log, since they carry addresses: errors
#: of clients are below log_min_messages (PostgreSQL documentation, table 19.2), and what remains,
#: such as a long lock wait, goes without its DETAIL and STATEMENT lines.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "effective_cache_size": "512MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "64MB",
    "max_wal_size": "1GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "random_page_cost": "1.1",
    "jit": "off",
    # Containers often have 64 MB of /dev/shm, which a parallel hash join can exceed.
    "max_parallel_workers_per_gather": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}

#: For data that lives only as long as a test does.
_FORGETFUL_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10s",
}

#: Fast shutdown, then immediate (recovered at the next start), then by force
#: (PostgreSQL documentation, 18.5).
_STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))


class _Postmaster(NamedTuple):
    pid: int
    port: int


class Postgres:
    """The cluster whose files are in ``folder``.

    Callers hold the lock of the home: two of these must not act on one folder at once.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "postgres.log"
        self._port = folder / "port"
        self._password = folder / "password"
        # Processes of the cluster carry this in their title, also those whose postmaster is dead.
        self._label = "sluice-" + hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]

    def url(self) -> str | None:
        """The URL of the running cluster, ``None`` if it does not run."""
        main = self._postmaster()
        return self._url(main.port, _NAME) if main is not None else None

    def start(self, account: Account, copies: Path, *, durable: bool) -> str:
        """Start the cluster, creating it the first time, and return its URL.

        Raises:
            ConfigurationError: the programs are missing, or the data is of another version.
            Unavailable: the server did not start; its own last words are part of the message.
        """
        if self._postmaster() is None:
            account.make_directory(self.folder)
            tools = programs.postgres(account, copies)
            self._clear_remains()
            if not self.data.is_dir():
                self._create(account, tools, durable=durable)
            self._check_version()
            processes.rotate(self.log)
            self._launch(account, tools, durable=durable)
        main = self._postmaster()
        if main is None:
            raise Unavailable(f"The embedded PostgreSQL ended at once (see {self.log}).")
        # Also of a server that was found: its starter may have died before it came this far.
        self._create_database(main.port)
        return self._url(main.port, _NAME)

    def stop(self) -> None:
        """Stop the cluster, whoever started it; nothing happens if it does not run.

        Raises:
            Unavailable: it withstood SIGKILL.
        """

        def alive() -> list[int]:
            main = self._postmaster()
            return [main.pid] if main is not None else []

        if processes.end(alive, _STOP_STEPS):
            raise Unavailable(f"The embedded PostgreSQL in {self.folder} cannot be stopped.")
        self._clear_remains()

    def _postmaster(self) -> _Postmaster | None:
        """The main process, if it is alive and is this cluster's.

        It writes its id on the first line of its lock file and its port on the fourth
        (PostgreSQL source, miscadmin.h).
        """
        try:
            lines = (self.data / "postmaster.pid").read_text("utf-8").splitlines()
            pid, port = int(lines[0]), int(lines[3])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        if str(self.data) not in processes.command_line(pid):
            return None
        return _Postmaster(pid, port)

    def _remains(self) -> list[int]:
        """Children of a dead postmaster, and launches whose starter was killed."""
        marks = (f"--pgdata={self.data}", f"-D {self.data}", f'-D "{self.data}"')
        return processes.find(
            lambda command: (
                command.startswith(f"postgres: {self._label}: ")
                or any(mark in command for mark in marks)
            )
        )

    def _clear_remains(self) -> None:
        """End what killed processes left behind, so that the next server can start at once.

        A dead postmaster's children hold the shared memory until they notice, and its pid file
        may by now name a stranger's process, which PostgreSQL takes for a running server.
        """
        processes.end(self._remains, ((signal.SIGQUIT, 5.0), (signal.SIGKILL, 10.0)))
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _create(self, account: Account, tools: programs.PostgresPrograms, *, durable: bool) -> None:
        """Make the data directory aside and move it into place: it is complete, or not there."""
        for abandoned in self.folder.glob("data.*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        # A name of its own: a killed starter's initdb may still be at work.
        unfinished = self.folder / f"data.{secrets.token_hex(4)}"
        account.write(self._password, secrets.token_hex(24) + "\n")
        answer = account.run(
            tools.initdb,
            f"--pgdata={unfinished}",
            f"--username={_NAME}",
            f"--pwfile={self._password}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            *([] if durable else ["--no-sync"]),
            seconds=_START_SECONDS,
        )
        if answer.returncode != 0:
            words = (answer.stderr or answer.stdout).strip().splitlines()
            raise Unavailable(
                "The embedded PostgreSQL cannot create its data directory: "
                f"{words[-1] if words else f'initdb ended with {answer.returncode}'}."
            )
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        version = (self.data / "PG_VERSION").read_text("utf-8").strip()
        if version != str(programs.POSTGRES_MAJOR):
            raise ConfigurationError(
                f"The data in {self.data} is of PostgreSQL {version}, the embedded server is "
                f"{programs.POSTGRES_MAJOR}: move it with pg_dump, or choose another SLUICE_HOME."
            )

    def _configure(self, account: Account, *, durable: bool) -> None:
        port = processes.free_port(processes.read_number(self._port))
        settings = {
            **_SETTINGS,
            **({} if durable else _FORGETFUL_SETTINGS),
            "cluster_name": self._label,
            "port": str(port),
        }
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        account.write(
            self.data / "postgresql.conf",
            "# Written by Sluice at every start; ALTER SYSTEM outlives it.\n" + "".join(lines),
        )
        account.write(self._port, f"{port}\n")

    def _launch(self, account: Account, tools: programs.PostgresPrograms, *, durable: bool) -> None:
        """Start the server as a daemon and wait until it accepts connections."""
        for _ in range(_START_ATTEMPTS):
            self._configure(account, durable=durable)
            answer = account.run(
                tools.pg_ctl,
                "start",
                "--wait",
                "--silent",
                f"--timeout={_START_SECONDS}",
                f"--pgdata={self.data}",
                f"--log={self.log}",
                seconds=_START_SECONDS + 10,
            )
            if answer.returncode == 0:
                return
            if self._postmaster():
                break
            # Once more: somebody may have taken the port since it was looked at.
        raise Unavailable(
            "The embedded PostgreSQL did not start: "
            f"{processes.last_line(self.log)} (see {self.log})."
        )

    def _create_database(self, port: int) -> None:
        with database.wait_for(self._url(port, "postgres"), seconds=_START_SECONDS) as conn:
            exists = "SELECT FROM pg_database WHERE datname = %s"
            if conn.execute(exists, [_NAME]).fetchone() is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_NAME)))

    def _url(self, port: int, name: str) -> str:
        password = self._password.read_text("utf-8").strip()
        return f"postgresql://{_NAME}:{password}@127.0.0.1:{port}/{name}"
