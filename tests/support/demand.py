"""A process that leases slots as fast as it gets them: ``demand URL ACCOUNT RATE TASKS``.

Prints one JSON line per block: its slots on the machine's monotonic clock, which all processes
share on Linux, and how long the answer took. A slot is late by at most that.
"""

from __future__ import annotations

import asyncio
import json
import sys

from campaigns.clock import SystemClock
from worker.throttle.base import Wait
from worker.throttle.limiter import RedisLimiter


async def lease(limiter: RedisLimiter, clock: SystemClock, account: str, rate: float) -> None:
    while True:
        asked = clock.monotonic()
        match await limiter.acquire(account, rate, 100):
            case Wait(seconds):
                await clock.sleep(seconds)
            case permits:
                answered = clock.monotonic() - asked
                line = {"slots": list(permits.slots), "answered": answered}
                sys.stdout.write(json.dumps(line) + "\n")


async def main(url: str, account: str, rate: str, tasks: str) -> None:
    clock = SystemClock()
    limiter = RedisLimiter(url, timeout=10.0)
    async with asyncio.TaskGroup() as group:
        for _ in range(int(tasks)):
            group.create_task(lease(limiter, clock, account, float(rate)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
