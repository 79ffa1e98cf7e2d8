"""The workers' connection to the broker keeps what it was given."""

from __future__ import annotations

import gc
import logging
import socket
from collections.abc import Iterator
from contextlib import suppress
from weakref import ref

import pytest
from kombu import Exchange, Queue
from kombu.asynchronous import Hub
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


def test_a_message_of_a_lost_connection_is_acknowledged_in_one_line_of_the_log(
    connection: LastingConnection, caplog: pytest.LogCaptureFixture
) -> None:
    queue = connection.SimpleQueue("few")
    queue.put({"id": 1})
    message = queue.get(timeout=10)
    connection.collect()
    message.channel._disconnect_pools()
    with caplog.at_level(logging.WARNING):
        message.ack_log_error(logging.getLogger("celery"), connection.connection_errors)
    (record,) = caplog.records
    assert "its connection is lost" in record.message
    assert record.exc_info is None
    assert message.acknowledged


def test_an_event_loop_keeps_no_connection_but_the_last(broker_url: str) -> None:
    loop = Hub()
    lost = []
    for _ in range(3):
        with LastingConnection(broker_url) as connection:
            connection.transport.register_with_event_loop(connection.connection, loop)
            assert len(loop.on_tick) == 1
            lost.append(ref(connection.transport))
            # As Celery does.
            loop.timer.clear()
            connection.collect()
    del connection
    gc.collect()
    assert [transport() is None for transport in lost] == [True, True, False]
    loop.close()


def test_what_others_put_into_the_event_loop_stays(broker_url: str) -> None:
    loop = Hub()
    loop.on_tick.add(others := lambda: None)
    for _ in range(2):
        with LastingConnection(broker_url) as connection:
            connection.transport.register_with_event_loop(connection.connection, loop)
    assert others in loop.on_tick
    assert len(loop.on_tick) == 2
    loop.close()


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
