"""What all requests share: settings, connections, the configured accounts, the keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from campaigns import database
from campaigns.database import Connection, Pool
from campaigns.providers import Providers
from campaigns.run.signing import Keyring
from campaigns.settings import Settings
from campaigns.watched import Watched
from web.limits import Limits

#: As many requests as can wait for PostgreSQL at once.
POOL_SIZE = 16


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """Made once per process by :func:`opened` and handed to every dialect."""

    settings: Settings
    pool: Pool
    watched: Watched
    #: Requests per token.
    limits: Limits
    #: What reports and links are verified with.
    keyring: Keyring = field(default_factory=Keyring)
    #: The moment by which requests are judged.
    now: Callable[[], datetime] = _utc_now

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection, in autocommit mode, that goes back to the pool at the end."""
        with self.pool.connection() as conn:
            yield conn

    def providers(self) -> Providers:
        """The configured accounts, as the file has them now."""
        return self.watched.current()


@contextmanager
def opened(settings: Settings) -> Iterator[Context]:
    """A context for the length of a ``with`` block.

    Raises:
        ConfigurationError: a URL is missing, or the providers file is wrong.
    """
    pool = database.pool(settings.require_database(), size=POOL_SIZE)
    watched = Watched(settings.providers_file)
    pool.open()
    try:
        yield Context(settings, pool, watched, Limits(settings.web_rate))
    finally:
        pool.close()


def of(connection: HTTPConnection) -> Context:
    """The context of the application that answers this request."""
    context: Context = connection.app.state.context
    return context


#: For an endpoint's parameter.
Shared = Annotated[Context, Depends(of)]
