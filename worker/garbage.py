"""How often a send process looks for cyclic garbage.

Python looks after every 700 objects that were made and not yet freed. With hundreds of messages
under way that is all the time, over objects that are in use: a fifth of a send process's CPU.
Messages are freed by their reference counts; only what refers to itself has to wait longer.
"""

from __future__ import annotations

import gc

#: Objects between two looks at the young ones, and looks between those at the older ones.
THRESHOLDS = (20_000, 20, 20)


def relax() -> None:
    """Set aside what the process was started with, and look for garbage less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
