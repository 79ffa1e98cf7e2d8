"""The workers' connection to the broker: it outlives every outage of it, and is back soon after."""

from __future__ import annotations

from typing import Any

from celery.app.amqp import AMQP
from kombu.connection import Connection

#: How long to wait before connecting is tried again, at most, in seconds. Celery's own waits grow
#: to 30 s.
LONGEST_PAUSE = 2.0


class LastingConnection(Connection):
    """A connection whose loss never ends the process."""

    @property
    def connection_errors(self) -> tuple[type[Exception], ...]:
        """Whatever means that the connection is lost.

        Celery collects a lost connection before its channels are closed and before what was sent
        meanwhile is acknowledged; both then raise ``AttributeError``, as kombu looks for the host
        of a connection that is gone. What could not be acknowledged is delivered again, and finds
        its row done.
        """
        return (*super().connection_errors, AttributeError)

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """Connect, however long that takes, trying again after at most :data:`LONGEST_PAUSE`."""
        pauses = {"interval_start": 0.5, "interval_step": 0.5, "interval_max": LONGEST_PAUSE}
        return super().ensure_connection(  # type: ignore[no-untyped-call]
            *args, **pauses | options
        )


class LastingAMQP(AMQP):  # type: ignore[misc]
    """What a Celery app makes its connections by."""

    Connection = LastingConnection
