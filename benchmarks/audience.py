"""The audience of a campaign out of overlapping groups: counted, and written as a run's rows."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks import contacts, figures
from benchmarks.figures import Figure, Report
from benchmarks.place import Place
from campaigns import database
from campaigns.audience import audience
from campaigns.team import teams

#: Three groups of half a million, of which each shares half with the next one, minus 100,000.
MEMBERS = 500_000
EXCLUDED = 100_000

REPEATS = 3

#: No such run exists; deliveries have no foreign key, so its rows can be written and removed.
_RUN = 1


def measure(place: Place, *, scale: int = 1) -> Report:
    """Medians of counting and of writing, each several times."""
    size, excluded = MEMBERS // scale, EXCLUDED // scale
    with place.database() as url, database.opened(url, statement_timeout_ms=0) as conn:
        team = teams.find(conn, "default")
        begin = time.perf_counter()
        included = [
            contacts.group(conn, team, f"in {n}", range(n * size // 2, n * size // 2 + size))
            for n in range(3)
        ]
        out = [contacts.group(conn, team, "out", range(excluded), kind="optout")]
        prepared = time.perf_counter() - begin
        unique = 2 * size - excluded
        counting = [
            _timed(lambda: audience.count(conn, team.id, "sms", included, out), unique)
            for _ in range(REPEATS)
        ]
        writing: list[float] = []
        for _ in range(REPEATS):
            conn.execute("TRUNCATE deliveries")
            writing.append(
                _timed(
                    lambda: audience.materialise(conn, _RUN, "phone", team.id, included, out),
                    unique,
                )
            )
    members = 3 * size + excluded
    return Report(
        "audience",
        f"Audience: {unique:,} unique recipients of {3 * size:,} members "
        f"minus {excluded:,}",
        [
            figures.median_of("audience counted", counting, "s"),
            figures.median_of("recipients written", writing, "s"),
            Figure(
                "contacts copied into groups", members / prepared, "rows/s",
                detail="preparation: COPY into the table with all its indexes",
            ),
        ],
    )  # fmt: skip


def _timed(work: Callable[[], int], expected: int) -> float:
    """Seconds that ``work`` takes.

    Raises:
        ValueError: it found another number of recipients.
    """
    begin = time.perf_counter()
    found = work()
    seconds = time.perf_counter() - begin
    if found != expected:
        raise ValueError(f"{found} recipients instead of {expected}")
    return seconds
