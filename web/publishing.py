"""Putting what was stored on the queue: a hint, which the tick gives again where it got lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from campaigns.settings import Settings
from scheduler.beat import publisher
from scheduler.wiring import create_app

log = logging.getLogger(__name__)


class Publisher:
    """Publishes internal tasks by their name and the id of a row; connects when it first has to."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._publish: Callable[[str, int], None] | None = None

    def __call__(self, task: str, row_id: int) -> None:
        """Publish one; a broker that is away is no failure of the request, which is stored."""
        if self._settings.broker_url is None:
            return
        try:
            self._opened()(task, row_id)
        except Exception as error:
            log.warning("the broker takes no messages (%s); the tick will", type(error).__name__)

    def _opened(self) -> Callable[[str, int], None]:
        with self._lock:
            if self._publish is None:
                self._publish = publisher(create_app(self._settings))
            return self._publish
