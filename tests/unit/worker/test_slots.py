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
                await slots.give(taken)

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
        await slots.give(1)
        assert await slots.take(1) == 1

    asyncio.run(scenario())
