"""The carrier as a process: its socket, its event loop, its end."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from random import Random
from types import FrameType

import uvicorn
import uvloop
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from campaigns.errors import ConfigurationError, Unavailable
from cli.carrier.app import Application
from cli.carrier.asgi import HANG_UP
from cli.carrier.control import Control
from cli.carrier.core import Carrier
from cli.carrier.journal import Journal, open_file
from cli.carrier.log import OUTCOMES
from cli.carrier.reports import Reporter
from cli.carrier.settings import Options

#: Longer than clients keep idle connections: one that is closed while the next request is on its
#: way would look like a lost reply, which here only ``--errors lost=`` may cause.
_KEEP_ALIVE_SECONDS = 600

#: How long requests under way may take to end after a signal.
_SHUTDOWN_SECONDS = 5

#: How long the connections of those that did not may take to close.
_CLOSING_SECONDS = 1

_BACKLOG = 2048


class Protocol(HttpToolsProtocol):
    """Lets the application close the connection without a reply, which ASGI has no word for."""

    def on_message_begin(self) -> None:
        """Put the way to close the connection into the scope."""
        super().on_message_begin()
        self.scope[HANG_UP] = self.transport.close  # type: ignore[literal-required]


class _Server(uvicorn.Server):
    """Ends with the process's own exit code after a signal, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_ready()

    def stop(self) -> None:
        """End like after a signal."""
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # The original remembers the signal and raises it again at the end, which would kill the
        # process before its log is closed.
        self.force_exit = self.should_exit
        self.should_exit = True


def run(options: Options, announce: Callable[[str], None] = print) -> None:
    """Be a carrier until SIGTERM or SIGINT.

    ``announce`` gets one line when it is ready and one with the counts at the end.

    Raises:
        ConfigurationError: the address cannot be used, or the log cannot be written.
        Unavailable: the log could not be written to its end.
    """
    file = open_file(options.log)
    with file, _listen(options.host, options.port) as listener:
        journal = Journal(file, limit=None if options.log else options.keep)
        carrier = Carrier(
            options.behaviour, seed=options.seed, keep=options.keep, name=f"{time.time_ns():x}"
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_serve(options, carrier, journal, listener, announce))
        announce(_summary(carrier))
    if journal.failure is not None:
        raise Unavailable(f"The log could not be written: {journal.failure.strerror}.")


async def _serve(
    options: Options,
    carrier: Carrier,
    journal: Journal,
    listener: socket.socket,
    announce: Callable[[str], None],
) -> None:
    reporter = Reporter(options.reports) if options.reports else None
    control = Control(carrier, journal, reporter) if _is_loopback(listener) else None
    jitter = Random(options.seed)  # noqa: S311 - spreads latency, protects nothing
    config = uvicorn.Config(
        Application(carrier, journal, reporter, control, jitter),
        http=Protocol,
        ws="none",
        loop="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
    )
    server = _Server(config, lambda: announce(f"carrier listening on {_url(listener)}"))
    journal.on_failure = server.stop
    reporting = asyncio.create_task(reporter.run()) if reporter else None
    try:
        await server.serve(sockets=[listener])
        if cut_off := server.server_state.tasks:
            await asyncio.wait(cut_off, timeout=_CLOSING_SECONDS)
    finally:
        journal.flush()
        if reporting is not None:
            reporting.cancel()
            with suppress(asyncio.CancelledError):
                await reporting


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"--bind {host}:{port}: cannot be used ({error.strerror}); "
            "name a free address, or port 0 for any free port."
        ) from None
    return listener


def _is_loopback(listener: socket.socket) -> bool:
    return ipaddress.ip_address(listener.getsockname()[0]).is_loopback


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/messages"


def _summary(carrier: Carrier) -> str:
    tally = carrier.tally
    counts = ", ".join(f"{tally.count(outcome)} {outcome}" for outcome in OUTCOMES)
    return f"carrier stopped: {counts}; {tally.doubled_addresses} addresses got more than one"
