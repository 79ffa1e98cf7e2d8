"""Duties of one tick, kept from each other where one of them fails.

All of them share a transaction, so that a tick is done as a whole. What fails takes the others with
it then; the next tick gives each a savepoint of its own, and what works is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from campaigns import database
from campaigns.database import Connection

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(slots=True)
class Apart:
    """What a beat remembers of failures. While all is well, no duty costs a savepoint."""

    #: Whether the last tick failed, or a duty of it.
    needed: bool = False
    _failing: set[str] = field(default_factory=set)

    def do(self, conn: Connection, name: str, duty: Callable[[], T], instead: T) -> T:
        """Do a duty; ``instead`` if it fails and the others are to go on.

        Raises:
            Exception: it failed, and with it the tick.
        """
        if not self.needed:
            return duty()
        try:
            with conn.transaction():
                found = duty()
        except Exception as error:
            if conn.closed:
                raise
            if name not in self._failing:
                log.error("%s fails, the rest goes on: %s", name, database.first_line(error))
            self._failing.add(name)
            return instead
        self._failing.discard(name)
        return found

    def over(self) -> None:
        """The tick is committed."""
        self.needed = bool(self._failing)
