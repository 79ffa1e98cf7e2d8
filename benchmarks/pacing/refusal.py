"""How soon a recurrence rule that would keep a scheduler busy for ever is refused."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks import contacts, figures, sluice
from benchmarks.figures import Figure, Report
from benchmarks.pacing.result import Result
from benchmarks.place import Place
from benchmarks.processes import REPOSITORY, EndedError
from campaigns import database
from campaigns.errors import Invalid
from campaigns.schedule import recurrence
from campaigns.team import teams

RULES = {
    "30 February": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
    "INTERVAL=0": "FREQ=DAILY;INTERVAL=0",
    "BYSETPOS=2 of one": "FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;BYSETPOS=2",
    "COUNT of a billion": "FREQ=DAILY;COUNT=1000000000",
    "every second": "FREQ=SECONDLY",
}

MOST_MS = 200.0

#: When a rule counts as never answered, in seconds.
_PATIENCE = 10.0

_ROUNDS = 20

#: The start of the series.
_FIRST = datetime(2030, 1, 1, 9, tzinfo=UTC)


def measure(place: Place, *, quick: bool) -> Result:
    """Every rule by itself, and as a whole command with its start of Python."""
    rounds = _ROUNDS // 5 if quick else _ROUNDS
    alone = [
        figures.at_most(
            f"{name} refused", max(_refusal_ms(rule) for _ in range(rounds)), "ms", MOST_MS,
            f"slowest of {rounds}; {rule}",
        )
        for name, rule in RULES.items()
    ]  # fmt: skip
    return Result(
        Report("pacing-refusal", "Hostile recurrence rules", [*alone, *_submissions(place)])
    )


def _refusal_ms(rule: str) -> float:
    """Milliseconds until the refusal.

    Raises:
        EndedError: the rule was taken, or there was no answer.
    """
    begin = time.perf_counter()
    with _patience(rule):
        try:
            recurrence.parse(rule, zone="UTC", start=_FIRST)
        except Invalid:
            return 1000 * (time.perf_counter() - begin)
    raise EndedError(f"{rule} was not refused")


@contextmanager
def _patience(rule: str) -> Iterator[None]:
    """Break off what takes too long, so that a rule without an end does not stop the benchmark."""

    def give_up(*_: object) -> None:
        raise EndedError(f"{rule}: no answer within {_PATIENCE:g} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _submissions(place: Place) -> list[Figure]:
    """The same through ``sluice submit``: its exit code is 1, whatever its time."""
    folder = place.folder()
    with place.database() as url, database.opened(url) as conn:
        group = contacts.group(conn, teams.find(conn, "default"), "everybody", range(10))
        env = sluice.environment(url, place.broker(), folder, "http://127.0.0.1:9/messages")
        results = [_submit(folder, env, group, rule) for rule in RULES.values()]
    return [
        figures.at_least(
            "refused by sluice submit", sum(refused for refused, _ in results), "rules",
            len(RULES), "with exit code 1, because of schedule_rrule",
        ),
        figures.median_of("sluice submit", [seconds for _, seconds in results], "s"),
    ]  # fmt: skip


def _submit(folder: Path, env: dict[str, str], group: UUID, rule: str) -> tuple[bool, float]:
    """Whether the rule was refused, and seconds from the start of the process to its end."""
    file = folder / "campaign.json"
    body: dict[str, Any] = {
        "name": "Hostile",
        "sender": "Sluice",
        "template": "Hello",
        "schedule_type": "scheduled",
        "schedule_rrule": rule,
        "scheduled_send_date": int(_FIRST.timestamp()),
        "included_contact_groups": [str(group)],
    }
    file.write_text(json.dumps(body), "utf-8")
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "submit", str(file)],
        env=env, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    refused = done.returncode == 1 and "schedule_rrule" in done.stderr
    return refused, time.perf_counter() - begin
