"""Places at a provider: never more held than there are, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random

from worker.slots import Slots


def test_never_more_places_are_held_than_there_are():
    async def scenario() -> None:
        slots = Slots(7)
        held = 0
        order = random.Random(1)

        async def worker() -> None:
            nonlocal held
            for _ in range(50):
                taken = await slots.take(order.randint(1, 5))
                held += taken
                assert 1 <= taken <= 5
                assert held <= 7
                await asyncio.sleep(0)
                held -= taken
                slots.give(taken)

        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(worker())
        assert slots.free == 7

    asyncio.run(scenario())


def test_a_waiter_that_is_cancelled_takes_nothing_along():
    async def scenario() -> None:
        slots = Slots(1)
        assert await slots.take(5) == 1
        waiter = asyncio.create_task(slots.take(1))
        await asyncio.sleep(0)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        slots.give(1)
        assert await slots.take(1) == 1

    asyncio.run(scenario())


def test_places_that_come_free_one_by_one_are_handed_out_in_lots():
    """A claim in the database for every single place would cost more than the rows."""

    async def scenario() -> None:
        slots = Slots(40)
        assert await slots.take(40) == 40
        waiter = asyncio.create_task(slots.take(100))
        for _ in range(9):
            slots.give(1)
            await asyncio.sleep(0)
        assert not waiter.done()
        slots.give(1)
        assert await waiter == 10

    asyncio.run(scenario())


def test_whoever_wants_little_waits_for_no_more_than_that():
    async def scenario() -> None:
        slots = Slots(40)
        assert await slots.take(40) == 40
        waiter = asyncio.create_task(slots.take(2))
        await asyncio.sleep(0)
        slots.give(2)
        assert await waiter == 2

    asyncio.run(scenario())


def test_waiters_are_served_in_their_order_past_the_cancelled():
    async def scenario() -> None:
        slots = Slots(4)
        assert await slots.take(4) == 4
        first, second, third = (asyncio.create_task(slots.take(4)) for _ in range(3))
        await asyncio.sleep(0)
        first.cancel()
        # Before the cancelled one had a turn to notice.
        slots.give(1)
        assert await second == 1
        assert not third.done()
        slots.give(1)
        assert await third == 1

    asyncio.run(scenario())


def test_places_granted_to_one_that_is_cancelled_at_that_moment_are_not_lost():
    async def scenario() -> None:
        slots = Slots(4)
        assert await slots.take(4) == 4
        waiter = asyncio.create_task(slots.take(4))
        await asyncio.sleep(0)
        slots.give(4)
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert slots.free == 4

    asyncio.run(scenario())


def test_a_changed_number_of_places_counts_at_once():
    async def scenario() -> None:
        slots = Slots(2)
        assert await slots.take(2) == 2
        waiter = asyncio.create_task(slots.take(3))
        slots.resize(6)
        assert await waiter == 3
        slots.resize(4)
        slots.give(1)
        slots.give(2)
        assert slots.free == 2

    asyncio.run(scenario())
