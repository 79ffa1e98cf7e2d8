"""One import in a process of its own, so that its memory is nobody else's.

python -m benchmarks.import_once DATABASE_URL GROUP FILE
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from benchmarks.usage import peak_mb
from campaigns import database
from campaigns.audience.importing import import_csv
from campaigns.team import teams


def main(url: str, group: str, file: str) -> None:
    """Import, and print what came of it, how long it took and what it needed."""
    path = Path(file)
    with database.opened(url) as conn:
        team = teams.find(conn, "default")
        begin = time.perf_counter()
        result = import_csv(
            conn, team, group, path, region="GB", rejects=path.with_suffix(".rejects.csv")
        )
        seconds = time.perf_counter() - begin
    counts = {key: value for key, value in asdict(result).items() if isinstance(value, int)}
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb(os.getpid()), **counts}))


if __name__ == "__main__":
    main(*sys.argv[1:])
