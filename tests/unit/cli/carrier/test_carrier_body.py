"""A request's body is read whole, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import pytest

from cli.carrier.asgi import Disconnected, Event, Receive, read_body

LIMIT = 1000


def receiving(events: Iterable[Event]) -> Receive:
    remaining = iter(events)

    async def receive() -> Event:
        return next(remaining)

    return receive


def pieces(count: int, size: int) -> list[Event]:
    return [
        {"type": "http.request", "body": b"x" * size, "more_body": number < count}
        for number in range(1, count + 1)
    ]


@pytest.mark.parametrize("count", [1, 2, 10])
def test_a_body_may_come_in_pieces(count: int) -> None:
    assert asyncio.run(read_body(receiving(pieces(count, 100)), LIMIT)) == b"x" * 100 * count


def test_a_body_is_read_to_its_end_but_not_kept_beyond_the_limit() -> None:
    receive = receiving(pieces(500, 100))

    body = asyncio.run(read_body(receive, LIMIT))

    assert LIMIT < len(body) <= LIMIT + 100
    with pytest.raises((StopIteration, RuntimeError)):
        asyncio.run(receive())  # type: ignore[arg-type]


def test_a_client_that_leaves_in_the_middle_sent_no_message() -> None:
    events: list[Event] = [*pieces(2, 100)[:1], {"type": "http.disconnect"}]
    with pytest.raises(Disconnected):
        asyncio.run(read_body(receiving(events), LIMIT))
