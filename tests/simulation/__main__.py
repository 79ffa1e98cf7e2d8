"""Play a year again: ``python -m tests.simulation SEED``."""

from __future__ import annotations

import sys

from tests.simulation.evidence import happened
from tests.simulation.generate import year
from tests.simulation.judge import verdicts
from tests.simulation.running import play

if __name__ == "__main__":
    world = play(year(int(sys.argv[1])))
    faults = verdicts(world)
    sys.stdout.write(
        "\n".join([*faults, f"{len(faults)} faults", str(dict(happened(world)))]) + "\n"
    )
    sys.exit(bool(faults))
