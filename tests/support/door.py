"""The HTTP door in this process, on a real database."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from campaigns import settings
from campaigns.database import Connection
from campaigns.team import tokens
from web import app as web_app
from web import context as contexts
from web.context import Context

PROVIDERS = """
[providers.carrier]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"
rate = "200/s"
"""

Dialects = Mapping[str, Callable[[Context], FastAPI]]


@dataclass(frozen=True)
class Door:
    """The application, a client of it, and the database behind it."""

    client: TestClient
    context: Context
    conn: Connection

    def token(self, team_id: UUID, *scopes: str) -> dict[str, str]:
        """The headers of a request by a new token of this team, with all scopes by default."""
        created = tokens.create(self.conn, team_id, "tests", scopes=scopes or tokens.ALL_SCOPES)
        return {"Authorization": f"Bearer {created.secret}"}


class WhenAsked:
    """A dialect that is made when it is first asked: to make all takes longer than most tests."""

    def __init__(self, create: Callable[[Context], FastAPI], context: Context) -> None:
        self._create = create
        self._context = context
        self._app: FastAPI | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._app is None:
            self._app = self._create(self._context)
        await self._app(scope, receive, send)


@contextmanager
def opened(
    database: str,
    conn: Connection,
    folder: Path,
    *,
    providers: str = PROVIDERS,
    dialects: Dialects | None = None,
    **environment: str,
) -> Iterator[Door]:
    """The door for the length of a ``with`` block; ``dialects`` in the place of the real ones."""
    file = folder / "providers.toml"
    file.write_text(providers)
    config = settings.load(
        {
            "SLUICE_DATABASE_URL": database,
            "SLUICE_PROVIDERS": str(file),
            "SLUICE_HOME": str(folder),
            "SLUICE_WEB_RATE": "100000",
            **environment,
        }
    )
    with contexts.opened(config) as context:
        chosen = web_app.DIALECTS if dialects is None else dialects
        app = web_app.create_app(
            context, {prefix: partial(WhenAsked, create) for prefix, create in chosen.items()}
        )
        with TestClient(app, raise_server_exceptions=False, follow_redirects=False) as client:
            yield Door(client, context, conn)


@contextmanager
def served(door: Door) -> Iterator[str]:
    """The same application behind a real server, for the length of a ``with`` block; its URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(door.client.app, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=30)
        listener.close()


def error_of(answer: Any) -> tuple[int, str]:
    """Status and sentence of a refusal in the plain wording."""
    return answer.status_code, answer.json()["message"]


def logged(caplog: Any) -> str:
    """What the log has of the door itself, and not of the client that calls it."""
    records = (r for r in caplog.records if not r.name.startswith("httpx"))
    return "\n".join(record.getMessage() for record in records)
