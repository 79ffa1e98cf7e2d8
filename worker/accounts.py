"""The accounts of a send process, kept in step with the providers file."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig, Providers
from worker.account import Account
from worker.adapters.base import AnyAdapter
from worker.adapters.registry import build
from worker.slots import Slots
from worker.transport import factory

log = logging.getLogger(__name__)


class Source(Protocol):
    """Where the configuration comes from: :class:`campaigns.watched.Watched`."""

    def current(self) -> Providers:
        """The accounts as they are configured now; the same object while nothing changed."""
        ...


class Accounts:
    """One :class:`Account` for each that is configured; used within one event loop.

    An account keeps its identity, its places and its key in the limiter while its configuration
    changes. A connection is only given up where the change concerns it, and not before the
    requests under way on it are done.

    Raises:
        ConfigurationError: the adapter of an account, or its transport, refuses its keys.
    """

    def __init__(
        self,
        source: Source,
        *,
        build: Callable[[ProviderConfig], AnyAdapter] = build,
        connect: factory.Opener = factory.connect,
    ) -> None:
        self._source = source
        self._build = build
        self._connect = connect
        self._closing: set[asyncio.Task[None]] = set()
        self._seen = source.current()
        self._by_name = {name: self._open(config) for name, config in self._seen.by_name.items()}

    def get(self, name: str) -> Account | None:
        """The account of that name, as it is configured now."""
        self.refresh()
        return self._by_name.get(name)

    def most_attempts(self, name: str) -> int:
        """How often a message of a run on the named account is tried, over its whole chain.

        0 where there is no such account.
        """
        return sum(config.max_attempts for config in self._seen.chain(name))

    def last_attempt(self, first: str, account: str) -> int:
        """See :meth:`campaigns.providers.Providers.last_attempt`."""
        return self._seen.last_attempt(first, account)

    def resending(self) -> list[str]:
        """Names of the accounts that send again what is in doubt."""
        accounts = self._by_name.items()
        return [name for name, one in accounts if one.config.in_doubt == "resend"]

    def refresh(self) -> None:
        """Bring all accounts in step with the configuration; faults are logged."""
        found = self._source.current()
        if found is self._seen:
            return
        self._seen = found
        for name in self._by_name.keys() - found.by_name.keys():
            account = self._by_name.pop(name)
            account.removed = True
            self._finish(_close_when_idle(account))
        for config in found.by_name.values():
            try:
                self._bring_up_to_date(config)
            except ConfigurationError as error:
                log.error("the account %r stays as it was: %s", config.name, error)

    def _bring_up_to_date(self, config: ProviderConfig) -> None:
        account = self._by_name.get(config.name)
        if account is None:
            self._by_name[config.name] = self._open(config)
            return
        if account.config == config:
            return
        # First what may fail, so that nothing is half done.
        adapter = self._build(config)
        depends = factory.connection(account.config, account.adapter)
        if factory.connection(config, adapter) != depends:
            transport = self._connect(config, adapter)
            self._finish(account.transport.aclose())
            account.transport = transport
            account.resize(config.max_in_flight)
        account.adapter = adapter
        account.config = config

    def _open(self, config: ProviderConfig) -> Account:
        adapter = self._build(config)
        transport = self._connect(config, adapter)
        return Account(config, adapter, transport, Slots(config.max_in_flight))

    def _finish(self, closing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def break_off(self) -> None:
        """Stop waiting for answers: what is under way is in doubt."""
        for account in self._by_name.values():
            account.transport.break_off()

    async def aclose(self) -> None:
        """Close all connections, after the requests under way."""
        for account in self._by_name.values():
            self._finish(account.transport.aclose())
        await asyncio.gather(*self._closing, return_exceptions=True)


async def _close_when_idle(account: Account) -> None:
    """What was claimed before still goes out: a row holds its place from its claim on, and the
    transport takes nothing more once it is told to close."""
    places = 0
    while places < account.config.max_in_flight:
        places += await account.slots.take(account.config.max_in_flight - places)
    await account.transport.aclose()
