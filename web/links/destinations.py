"""What codes are good for, as this process remembers it.

What a link of a run leads to never changes while its domain is the team's. So a slow database holds
up the first visitor of a link and no other one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import NamedTuple

from campaigns.links import clicks
from campaigns.links.clicks import Destination
from campaigns.links.codes import Code
from web.context import Context

#: Links of runs that are remembered, and for how long, in seconds: a domain may be given up.
MOST_KNOWN = 10_000
REMEMBERED = 60.0


class _Known(NamedTuple):
    found: Destination
    until: float


class Destinations:
    """Looks up what codes lead to. May be asked by several threads."""

    def __init__(self, context: Context, monotonic: Callable[[], float]) -> None:
        self._context = context
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._known: dict[tuple[str, int, int], _Known] = {}

    def known(self, host: str, code: Code) -> Destination | None:
        """What is remembered; ``None``: :meth:`find` has to look."""
        one = self._known.get((host, code.run_id, code.link))
        return None if one is None or one.until <= self._monotonic() else one.found

    def find(self, host: str, code: Code) -> Destination | None:
        """What ``code`` is good for on ``host``; ``None``: nothing. Asks the database."""
        with self._context.connection() as conn:
            found = clicks.destination(conn, host, code)
        if found is not None:
            with self._lock:
                self._known.pop((host, code.run_id, code.link), None)
                self._known[host, code.run_id, code.link] = _Known(
                    found, self._monotonic() + REMEMBERED
                )
                if len(self._known) > MOST_KNOWN:
                    del self._known[next(iter(self._known))]
        return found
