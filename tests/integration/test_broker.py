"""The workers' connection to the broker keeps what it was given."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest
from kombu import Exchange, Queue
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from campaigns.messaging import celery_config
from worker.broker import LastingConnection


@pytest.fixture
def connection(broker_url: str) -> Iterator[LastingConnection]:
    options = celery_config(broker_url)["broker_transport_options"]
    with LastingConnection(broker_url, transport_options=options) as opened:
        yield opened


def test_a_message_that_is_taken_from_a_broker_without_memory_is_not_lost(
    connection: LastingConnection, broker_url: str
) -> None:
    """Redis denies writing then, and taking is no writing: the message would be in no list."""
    received = []

    def take(body: object, message: object) -> None:
        received.append(body)
        message.ack()  # type: ignore[attr-defined]

    queue = connection.SimpleQueue("few")
    queue.put({"id": 1})
    with Redis.from_url(broker_url) as client:
        before = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", "1")
        try:
            with connection.Consumer(queue.queue, callbacks=[take], auto_declare=False):
                connection.drain_events(timeout=10)
        finally:
            client.config_set("maxmemory", before)
        assert received == [{"id": 1}]
        assert not client.exists("few", "unacked", "unacked_index")


def test_closing_what_is_lost_already_is_no_error(connection: LastingConnection) -> None:
    """Celery collects a lost connection and closes it after that, with messages unacknowledged."""
    queue = connection.SimpleQueue("few")
    queue.put({"id": 1})
    queue.get(timeout=10)
    channel = connection.default_channel
    connection.collect()
    connection._default_channel = channel
    connection.close()
    assert issubclass(socket.error, connection.connection_errors)


@pytest.mark.timeout(30)
def test_losing_nothing_but_the_subscription_is_losing_the_connection(
    connection: LastingConnection, broker_url: str
) -> None:
    """A worker that waits for its subscription for ever fetches no task any more."""
    news = Queue("news", Exchange("news", type="fanout"), auto_delete=True)

    def fetch_until_lost() -> None:
        while True:
            with suppress(TimeoutError):
                connection.drain_events(timeout=0.1)

    with connection.Consumer(news, callbacks=[lambda *_: None]):
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.1)
        with Redis.from_url(broker_url) as client:
            assert client.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        with pytest.raises(RedisConnectionError):
            fetch_until_lost()
        # As Celery does: what the channel still holds went with the connection.
        connection.collect()
