"""uvicorn, with every wait and every size bounded."""

from __future__ import annotations

import logging
import socket

import uvicorn

from campaigns.errors import ConfigurationError
from campaigns.settings import Settings
from web import context
from web.app import create_app

log = logging.getLogger(__name__)

#: Connections that may wait to be accepted.
BACKLOG = 2048

#: More requests at once than this are answered with 503 (uvicorn's settings, resource limits).
MOST_AT_ONCE = 512

#: How long an idle connection is kept, in seconds.
KEEP_ALIVE = 15

#: How long requests under way may take to end when the process shall end, in seconds.
GRACE = 10


def serve(settings: Settings) -> None:
    """Answer requests until a signal comes.

    Raises:
        ConfigurationError: a setting is wrong.
    """
    host, port = address(settings.web_bind)
    with context.opened(settings) as opened, _listening(host, port) as listener:
        log.info("listening on %s:%d", *listener.getsockname()[:2])
        config = uvicorn.Config(
            create_app(opened),
            access_log=False,
            log_level="warning",
            server_header=False,
            # Whom a request comes from is told by the connection, or by proxies that we know.
            proxy_headers=bool(settings.web_proxies),
            forwarded_allow_ips=list(settings.web_proxies),
            limit_concurrency=MOST_AT_ONCE,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=GRACE,
            http="httptools",
        )
        uvicorn.Server(config).run(sockets=[listener])


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ConfigurationError(
            f"SLUICE_WEB_BIND: nothing can listen on {host}:{port} ({error.strerror})."
        ) from None


def address(bind: str) -> tuple[str, int]:
    """The host and the port of ``host:port``; an IPv6 host stands in brackets.

    Raises:
        ConfigurationError: it is none.
    """
    host, colon, port = bind.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigurationError(
            f"SLUICE_WEB_BIND: {bind!r} must be host:port, such as 127.0.0.1:8000."
        )
    return host.removeprefix("[").removesuffix("]"), int(port)
