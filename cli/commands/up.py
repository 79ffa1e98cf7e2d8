"""`sluice up`: everything on one machine, in the foreground."""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click
from rich.text import Text

from campaigns import migrations, providers, settings
from campaigns.errors import ConfigurationError, Refused
from campaigns.settings import Settings
from cli import embedded, output, procfile
from cli.session import REFUSED, Command, Session, pass_session
from cli.supervisor import Ended, StopRequested, Supervisor, raise_on_sigterm
from worker.adapters.registry import build

_COLOURS = ("cyan", "green", "magenta", "blue", "yellow", "bright_cyan")

#: Celery warns root about pickled messages; only JSON is accepted here (campaigns.messaging).
_NO_WARNING_ABOUT_ROOT = "ignore:You're running the worker with superuser privileges"

_SELF = (sys.executable, "-m", "cli.main")
_CARRIER_ADDRESS = "127.0.0.1:9000"
_CARRIER_PROVIDER = f"""\
# Written by `sluice up --carrier`: messages go to the sandbox carrier and nowhere else.
[providers.carrier]
adapter = "sandbox"
channel = "sms"
url = "http://{_CARRIER_ADDRESS}/messages"
rate = "200/s"
"""


@click.command(cls=Command)
@click.option("--carrier", is_flag=True, help="Run the sandbox carrier too, as a provider.")
@click.option("--flower/--no-flower", default=True, help="Run the monitoring pages.")
@click.option("--send", type=click.IntRange(1, 64), default=1, help="Send processes, one per core.")
@pass_session
def up(session: Session, carrier: bool, flower: bool, send: int) -> None:
    """Run every process until Ctrl-C: beat, workers, Flower, and servers where URLs are unset."""
    config = settings.load()
    raise_on_sigterm()
    printer = Printer(session)
    try:
        with _only_one(config.home):
            ended = _run(config, printer, carrier=carrier, flower=flower, send=send)
    except StopRequested:
        return
    if ended.signum is None:
        raise click.exceptions.Exit(REFUSED)
    if ended.signum == signal.SIGINT:
        raise KeyboardInterrupt


def _run(config: Settings, printer: Printer, *, carrier: bool, flower: bool, send: int) -> Ended:
    """Servers up, database migrated, processes run, servers down."""
    embeds = config.database_url is None or config.redis_url is None
    try:
        if embeds:
            printer.write("up", f"starting servers in {config.home}")
        running = embedded.start_missing(config)
        revision = migrations.migrate(running.require_database())
        printer.write("up", f"the database is at revision {revision}")
        if carrier:
            provide_carrier(running, printer.write)
        _check_providers(running, printer)
        commands = procfile.multiplied(procfile.load(), "send", send)
        if not flower:
            commands.pop("flower")
        if carrier:
            commands["carrier"] = [*_SELF, "carrier", "--bind", _CARRIER_ADDRESS]
        printer.write("up", f"starting {', '.join(commands)}; Ctrl-C stops all of them")
        supervisor = Supervisor(
            commands,
            environment=environment(running),
            # Celery imports from its working directory first, which must be nobody's project.
            cwd=config.home,
            write=printer.write,
            say=partial(printer.write, "up"),
        )
        return supervisor.run()
    finally:
        if embeds:
            # Also those that an `up` which was killed has left behind: the home is ours now.
            embedded.stop(config.home)


def environment(config: Settings) -> dict[str, str]:
    """What the processes get: our environment, the servers' URLs, our own programs first."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return {
        **os.environ,
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", _NO_WARNING_ABOUT_ROOT),
        "SLUICE_HOME": str(config.home.absolute()),
        "SLUICE_PROVIDERS": str(config.providers_file.absolute()),
        "SLUICE_DATABASE_URL": config.require_database(),
        "SLUICE_REDIS_URL": config.require_redis(),
        "SLUICE_BROKER_URL": config.require_broker(),
    }


class Printer:
    """Lines of several processes, each behind its name; one line of JSON each with ``--json``."""

    def __init__(self, session: Session) -> None:
        self._json = session.json
        self._console = output.console()
        self._lock = threading.Lock()
        self._colours: dict[str, str] = {}

    def write(self, name: str, line: str) -> None:
        """Print one line of the process ``name``."""
        with self._lock:
            if self._json:
                click.echo(output.json_line({"process": name, "line": line}))
                return
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            text = Text.assemble((f"{name:<8} ", colour), Text(output.cell(line)))
            self._console.print(text, soft_wrap=True)


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """Hold the home for this `up`; the kernel lets go when it dies (flock(2))."""
    file = home / "up.lock"
    try:
        home.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(
            f"SLUICE_HOME: {home} cannot be used ({error.strerror}): "
            "choose a folder that belongs to you."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
        os.close(descriptor)
        raise Refused(
            f"Another `sluice up` runs for {home} (process {holder}): "
            "use that one, stop it, or choose another SLUICE_HOME."
        ) from None
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _check_providers(config: Settings, printer: Printer) -> None:
    """A mistake in the providers file is told before anything is started."""
    found = providers.load(config.providers_file)
    for account in found.by_name.values():
        build(account)
    if not found.by_name:
        printer.write("up", f"no provider is configured in {config.providers_file} yet")


def provide_carrier(config: Settings, say: Callable[[str, str], None]) -> None:
    """A providers file for the sandbox carrier, where there is none."""
    file = config.providers_file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(_CARRIER_PROVIDER)
    except FileExistsError:
        say("up", f"{file} is kept as it is; the carrier is at {_CARRIER_ADDRESS}")
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written ({error.strerror}).") from None
    else:
        say("up", f"wrote {file}: provider 'carrier', at most 200 messages a second")
