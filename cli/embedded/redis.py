"""One Redis server of our own, below ``SLUICE_HOME``."""

from __future__ import annotations

import secrets
import signal
import time
from pathlib import Path

from redis import Redis as Client
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from campaigns.errors import Unavailable
from cli.embedded import processes, programs
from cli.embedded.account import Account

_START_ATTEMPTS = 3
#: Reading a large append-only file comes before the first answer.
_START_SECONDS = 60.0
_POLL_SECONDS = 0.02

#: SIGTERM lets it write what it holds (Redis documentation, "Redis signal handling").
_STOP_STEPS = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0))


class Redis:
    """The server whose files are in ``folder``.

    Callers hold the lock of the home: two servers must never write one append-only file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "redis.log"
        self._config = folder / "redis.conf"
        self._pid = folder / "redis.pid"
        self._port = folder / "port"
        self._password = folder / "password"

    def url(self) -> str | None:
        """The URL of the running server, ``None`` if it does not run."""
        return self._url() if self._servers() else None

    def start(self, account: Account, copies: Path, *, durable: bool) -> str:
        """Start the server and return its URL once it answers.

        Raises:
            ConfigurationError: there is no program to run.
            Unavailable: the server did not start; its own last words are part of the message.
        """
        if self._servers() and self._answers():
            return self._url()
        account.make_directory(self.folder)
        program = programs.redis(account, copies)
        self.stop()
        if not self._password.is_file():
            account.write(self._password, secrets.token_hex(24) + "\n")
        processes.rotate(self.log)
        for _ in range(_START_ATTEMPTS):
            self._configure(account, durable=durable)
            account.run(program, self._config, seconds=_START_SECONDS)
            if self._answers():
                return self._url()
        raise Unavailable(
            f"The embedded Redis did not start: {processes.last_line(self.log)} (see {self.log})."
        )

    def stop(self) -> None:
        """Stop the server, whoever started it; nothing happens if it does not run.

        Raises:
            Unavailable: it withstood SIGKILL.
        """
        if processes.end(self._servers, _STOP_STEPS):
            raise Unavailable(f"The embedded Redis in {self.folder} cannot be stopped.")
        self._pid.unlink(missing_ok=True)

    def _servers(self) -> list[int]:
        """The living process of this folder.

        Redis writes its pid file first, and shows its address instead of its arguments after
        that: who is not found by the file is found by its arguments, or by then by the file.
        """
        return self._by_pid_file() or self._by_arguments() or self._by_pid_file()

    def _by_pid_file(self) -> list[int]:
        pid = processes.read_number(self._pid)
        port = processes.read_number(self._port)
        if pid is not None and f"127.0.0.1:{port}" in processes.command_line(pid):
            return [pid]
        return []

    def _by_arguments(self) -> list[int]:
        marks = ("-server ", str(self._config))
        return processes.find(lambda command: all(mark in command for mark in marks))

    def _configure(self, account: Account, *, durable: bool) -> None:
        port = processes.free_port(processes.read_number(self._port))
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        account.write(self._port, f"{port}\n")
        account.write(
            self._config,
            "# Written by Sluice at every start.\n"
            "bind 127.0.0.1\n"
            f"port {port}\n"
            f"requirepass {self._password.read_text('utf-8').strip()}\n"
            "daemonize yes\n"
            f'dir "{folder}"\n'
            f'pidfile "{folder}/{self._pid.name}"\n'
            f'logfile "{folder}/{self.log.name}"\n'
            # Keys are limits and queued tasks: none may be evicted to make room.
            "maxmemory-policy noeviction\n"
            'save ""\n'
            f"appendonly {'yes' if durable else 'no'}\n"
            "appendfsync everysec\n",
        )

    def _answers(self) -> bool:
        """Whether the server answers, waiting while its process lives and reads its data."""
        deadline = time.monotonic() + _START_SECONDS
        with Client.from_url(
            self._url(), socket_timeout=1.0, socket_connect_timeout=1.0, retry=Retry(NoBackoff(), 0)
        ) as client:
            while True:
                try:
                    return bool(client.ping())
                except RedisError:
                    if not self._servers() or time.monotonic() > deadline:
                        return False
                time.sleep(_POLL_SECONDS)

    def _url(self) -> str:
        password = self._password.read_text("utf-8").strip()
        port = self._port.read_text("utf-8").strip()
        return f"redis://:{password}@127.0.0.1:{port}/0"
