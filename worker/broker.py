"""The workers' connection to the broker: it outlives every outage of it, and is back soon after."""

from __future__ import annotations

import logging
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.transport import redis, virtual
from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

log = logging.getLogger(__name__)

#: How long to wait before connecting is tried again, at most, in seconds. Celery's own waits grow
#: to 30 s.
LONGEST_PAUSE = 2.0

_NEVER = Retry(NoBackoff(), 0)

#: What is raised over a connection that is lost; kombu looks for the host of one that is gone.
_LOST = (*redis.Transport.connection_errors, AttributeError)


class _QoS(redis.QoS):
    def append(self, message: Any, delivery_tag: str) -> None:
        """Note that a message is being worked on, so that it is delivered again if we die.

        A Redis without memory hands messages out and refuses that note. kombu then lets go of the
        message, and nobody has it any more; here it is done without the note.
        """
        try:
            super().append(message, delivery_tag)  # type: ignore[no-untyped-call]
        except ResponseError as error:
            log.warning("the broker cannot note what it hands out (%s)", type(error).__name__)
            virtual.QoS.append(self, message, delivery_tag)  # type: ignore[no-untyped-call]

    def ack(self, delivery_tag: str) -> None:
        """Take the note back. Without memory Redis refuses every transaction, but no removal.

        Through a connection that is lost it cannot be taken back. That says nothing of the task.
        """
        try:
            super().ack(delivery_tag)  # type: ignore[no-untyped-call]
        except _LOST as error:
            log.warning(
                "a message cannot be acknowledged, its connection is lost (%s): "
                "it comes again and finds its task done",
                type(error).__name__,
            )
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
        except ResponseError:
            with self.channel.conn_or_acquire() as client:
                client.zrem(self.unacked_index_key, delivery_tag)
                client.hdel(self.unacked_key, delivery_tag)
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]


class _Channel(redis.Channel):
    QoS = _QoS

    def _receive_one(self, subscription: Any) -> Any:
        """Read from the subscription to remote control, whose loss is the connection's loss.

        Left to itself redis-py subscribes again and then waits for a message that may never come,
        in the one thread that fetches tasks: cut off from nothing but its subscription, a worker
        would do nothing any more and say nothing about it.
        """
        if subscription.connection is not None:
            subscription.connection.retry = _NEVER
        return super()._receive_one(subscription)  # type: ignore[no-untyped-call]


class _RedisTransport(redis.Transport):
    Channel = _Channel

    #: By event loop, what the connection before put into each of its rounds.
    _ticks: ClassVar[WeakKeyDictionary[Any, set[Any]]] = WeakKeyDictionary()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """Take part in each round of the event loop, in the place of the connection before.

        kombu leaves a lost connection in there: taken out when it is lost, the next one might go
        in its stead (https://github.com/celery/kombu/pull/2492). Each loss would cost its
        channels, with all messages that were under way, for as long as the process lives.
        """
        loop.on_tick -= self._ticks.get(loop, set())
        others = set(loop.on_tick)
        super().register_with_event_loop(connection, loop)  # type: ignore[no-untyped-call]
        self._ticks[loop] = loop.on_tick - others


class LastingConnection(Connection):
    """A connection whose loss never ends the process."""

    @property
    def connection_errors(self) -> tuple[type[Exception], ...]:
        """Whatever means that the connection is lost.

        Celery collects a lost connection before its channels are closed, which then raises
        ``AttributeError``.
        """
        return (*super().connection_errors, *_LOST)

    def get_transport_cls(self) -> Any:
        """The transport, that of Redis with our own care for messages."""
        found = super().get_transport_cls()  # type: ignore[no-untyped-call]
        return _RedisTransport if found is redis.Transport else found

    def ensure_connection(self, *args: Any, **options: Any) -> Any:
        """Connect, however long that takes, trying again after at most :data:`LONGEST_PAUSE`."""
        pauses = {"interval_start": 0.5, "interval_step": 0.5, "interval_max": LONGEST_PAUSE}
        return super().ensure_connection(  # type: ignore[no-untyped-call]
            *args, **pauses | options
        )


class LastingAMQP(AMQP):  # type: ignore[misc]
    """What a Celery app makes its connections by."""

    Connection = LastingConnection
