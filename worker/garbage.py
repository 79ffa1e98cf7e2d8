"""How often a send process looks for cyclic garbage.

Python looks after every 700 objects that were made and not yet freed. With hundreds of messages
under way that is all the time, over objects that are in use: a fifth of a send process's CPU.
Messages are freed by their reference counts, so here Python hardly ever looks by itself.

What refers to itself would pile up then. Each lost connection to the broker leaves a thousand such
objects, 250 KB of them, and they are old by then: Python looks at old objects only after it has
looked at young ones hundreds of times, which here is never. So all are looked through by the clock.
"""

from __future__ import annotations

import asyncio
import gc

#: Objects between two looks at the young ones, and looks between those at the older ones.
THRESHOLDS = (20_000, 20, 20)

#: How often everything is looked through that is not set aside, in seconds. That holds up all else
#: for some milliseconds.
COLLECT_EVERY = 30.0


def relax() -> None:
    """Set aside what the process was started with, and look for garbage less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)


async def collect_regularly(every: float = COLLECT_EVERY) -> None:
    """Free what refers to itself, until cancelled.

    On the loop's thread, because what is freed may be the loop's, which no other thread may touch.
    """
    while True:
        await asyncio.sleep(every)
        gc.collect()
