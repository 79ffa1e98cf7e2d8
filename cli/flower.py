"""Flower as Sluice runs it: read only, behind a password, and without anything personal.

    python -m cli.flower

Events are stripped of arguments, results and errors before Flower stores them, so neither its
pages nor its search nor its API can show them. Pages that ask workers for the arguments of their
current tasks are cut off from that question. ``/metrics`` and ``/healthcheck`` answer without the
password, as they do in Flower: they hold names and numbers only.
"""

from __future__ import annotations

import logging
import os
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

from celery import Celery
from flower.app import Flower
from flower.events import Events
from flower.options import default_options
from flower.urls import settings as web_settings
from tornado.ioloop import IOLoop

from campaigns import settings
from campaigns.errors import ConfigurationError, SluiceError
from campaigns.messaging import celery_config
from campaigns.settings import Settings

log = logging.getLogger(__name__)

#: Fields of Celery's task events that may hold what somebody wrote (Celery, "Event Reference").
PRIVATE_FIELDS = ("args", "kwargs", "result", "exception", "traceback")

#: Remembered tasks; each is about 2 kB.
_MOST_TASKS = 10_000

_CREDENTIALS = "flower.password"
_USER = "sluice"


class PublicEvents(Events):  # type: ignore[misc]
    """Events without their private fields."""

    def on_event(self, event: dict[str, Any]) -> None:
        """Called by the receiving thread for every event."""
        super().on_event(stripped(event))


def stripped(event: dict[str, Any]) -> dict[str, Any]:
    """``event`` without what may hold an address or a text."""
    return {name: value for name, value in event.items() if name not in PRIVATE_FIELDS}


def credentials(config: Settings) -> tuple[str, Path | None]:
    """``user:password``, and the file that it is in if it was made up here.

    Raises:
        ConfigurationError: ``SLUICE_FLOWER_AUTH`` is not of that form, or no file can be written.
    """
    if config.flower_auth is not None:
        user, colon, password = config.flower_auth.partition(":")
        if not (user and colon and password):
            raise ConfigurationError("SLUICE_FLOWER_AUTH: must be user:password.")
        return config.flower_auth, None
    file = config.home / _CREDENTIALS
    try:
        if not file.exists():
            _write_private(file, f"{_USER}:{secrets.token_urlsafe(18)}\n")
        return file.read_text("utf-8").strip(), file
    except OSError as error:
        raise ConfigurationError(
            f"SLUICE_HOME: {file} cannot be used ({error.strerror}); "
            "set SLUICE_FLOWER_AUTH, or choose another home."
        ) from None


def address(config: Settings) -> tuple[str, int]:
    """Host and port that Flower listens on; raises ``ConfigurationError``."""
    host, _, port = config.flower_bind.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and int(port) <= 65535):
        raise ConfigurationError("SLUICE_FLOWER_BIND: must be host:port.")
    return host.removeprefix("[").removesuffix("]"), int(port)


def build(config: Settings) -> Flower:
    """Flower, configured and not started; raises ``ConfigurationError``."""
    auth, _ = credentials(config)
    app = Celery("sluice", set_as_current=False)
    app.conf.update(celery_config(config.require_broker()))
    options = default_options
    options.basic_auth = [auth]
    options.read_only = True
    options.persistent = False
    options.max_tasks = _MOST_TASKS
    options.purge_offline_workers = 3600
    options.address, options.port = address(config)
    loop = IOLoop.current()
    events = PublicEvents(app, io_loop=loop, max_tasks_in_memory=_MOST_TASKS)
    flower = Flower(options=options, capp=app, events=events, io_loop=loop, **web_settings)
    inspector = flower.inspector
    inspector.inspect_methods = tuple(
        name for name in inspector.inspect_methods if name not in inspector.task_inspect_methods
    )
    return flower


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    logging.getLogger("tornado.access").propagate = False
    config = settings.load()
    try:
        flower = build(config)
        flower.start_http_server()
    except SluiceError as error:
        sys.exit(f"flower: {error}")
    except OSError as error:
        sys.exit(f"SLUICE_FLOWER_BIND: {config.flower_bind} cannot be used ({error.strerror}).")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    _, file = credentials(config)
    where = f"user and password are in {file}" if file else "password: SLUICE_FLOWER_AUTH"
    log.info("http://%s; %s", config.flower_bind, where)
    try:
        flower.start()
    except KeyboardInterrupt:
        pass
    finally:
        flower.stop()


def _write_private(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)


if __name__ == "__main__":
    main()
