"""The adapters of the configured accounts, for calls that providers make."""

from __future__ import annotations

import logging
import threading
from typing import NamedTuple

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from web.context import Context
from worker.adapters import registry
from worker.adapters.base import AnyAdapter

log = logging.getLogger(__name__)


class _Built(NamedTuple):
    config: ProviderConfig
    #: ``None``: it cannot be built from that.
    adapter: AnyAdapter | None


class Accounts:
    """Builds each account's adapter once for as long as its lines in the providers file stay.

    May be asked by several threads.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._built: dict[str, _Built] = {}

    def adapter(self, name: str) -> AnyAdapter | None:
        """The adapter of an account; ``None``: there is no such account, or it is wrong."""
        config = self._context.providers().by_name.get(name)
        if config is None:
            return None
        with self._lock:
            known = self._built.get(name)
            if known is None or known.config is not config:
                known = self._built[name] = _Built(config, _adapter(config))
            return known.adapter


def _adapter(config: ProviderConfig) -> AnyAdapter | None:
    try:
        return registry.build(config)
    except ConfigurationError as error:
        log.error("%s", error)
        return None
