"""A process that leases slots as fast as it gets them.

``demand URL ACCOUNT RATE TASKS [KEY RATE]``, with another limit beside the account's.

Prints one JSON line per block: its slots on the machine's monotonic clock, which all processes
share on Linux, and how long the answer took. A slot is late by at most that.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence

from campaigns.clock import SystemClock
from worker.throttle.base import Limit, Wait
from worker.throttle.limiter import RedisLimiter


async def lease(
    limiter: RedisLimiter, clock: SystemClock, account: str, rate: float, others: Sequence[Limit]
) -> None:
    while True:
        asked = clock.monotonic()
        match await limiter.acquire(account, rate, 100, others=others):
            case Wait(seconds):
                await clock.sleep(seconds)
            case permits:
                answered = clock.monotonic() - asked
                line = {"slots": list(permits.slots), "answered": answered}
                sys.stdout.write(json.dumps(line) + "\n")


async def main(url: str, account: str, rate: str, tasks: str, *other: str) -> None:
    others = [Limit(other[0], float(other[1]))] if other else []
    clock = SystemClock()
    limiter = RedisLimiter(url, timeout=10.0)
    async with asyncio.TaskGroup() as group:
        for _ in range(int(tasks)):
            group.create_task(lease(limiter, clock, account, float(rate), others))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
