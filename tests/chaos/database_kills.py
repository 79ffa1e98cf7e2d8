"""PostgreSQL is killed in the middle of a large run, again and again.

    python -m tests.chaos.database_kills [--recipients 100000] [--kills 10] [--seed 1]

One run at full speed by real processes, which are left alone. At random moments PostgreSQL's main
process and all of its children get SIGKILL; a moment later the server is started again and
recovers. Its settings are those of production: ``fsync`` and ``synchronous_commit`` are on.

In the end every message in the carrier's log must have a row that says accepted or unknown; what
was recorded as accepted before a kill must be so after it; nobody may have got two messages, nobody
none without being held as unknown; and each unknown row must have been under way during a kill.
The exit code is 1 if one of that is not so.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from rich.console import Console
from rich.table import Table

from campaigns import database
from campaigns.database import Connection
from tests.chaos.ending import end_by_signal, with_children
from tests.chaos.installation import Installation, installed, pause
from tests.chaos.judgement import Fault, Verdict, judge, rows_of
from tests.support.outages import own_servers
from tests.support.waiting import eventually

#: How long PostgreSQL stays away before it is started again, at most, in seconds.
LONGEST_ABSENCE = 2.0

#: Long enough for a run with all its outages on a slow machine.
_PATIENCE = 600.0

#: The carrier writes its log within 50 ms.
_LOG_DELAY = 1.0


@dataclass(frozen=True, slots=True)
class Kill:
    """One kill, and what was seen around it."""

    fault: Fault
    #: Messages that the carrier had by then.
    messages: int
    #: Rows that were recorded as accepted just before.
    recorded: int
    #: Those of them that were not after the recovery.
    forgotten: int
    #: Seconds from the start of the server until it took connections.
    recovery: float
    #: Seconds from the kill to the next message.
    gap: float


class Trial:
    """One run with its kills."""

    def __init__(self, installation: Installation, recipients: int, seed: int) -> None:
        self._here = installation
        self._recipients = recipients
        self._random = random.Random(seed)
        self._arrivals = installation.arrivals
        self.kills: list[Kill] = []

    def run(self, kills: int) -> tuple[Verdict, Counter[str], float]:
        """The verdict, the codes of unknown rows, and the seconds from first to last message."""
        campaign = uuid4()
        group = self._here.group(self._recipients)
        with self._here.connection() as conn:
            self._here.submit(conn, group, campaign)
        self._wait_for(1)
        begin = time.monotonic()
        for number in range(kills):
            # One in each of as many equal parts, anywhere in its middle.
            share = (number + self._random.uniform(0.2, 0.8)) / kills
            self._wait_for(int(self._recipients * share))
            self.kills.append(self._kill(campaign))
        run_id = self._finished(campaign)
        seconds = time.monotonic() - begin
        pause(_LOG_DELAY)
        self._arrivals.read()
        with self._here.connection() as conn:
            rows = rows_of(conn, run_id)
        faults = [kill.fault for kill in self.kills]
        verdict = judge(rows, self._arrivals.by_run.get(run_id, Counter()), faults)
        codes = Counter(str(row.code) for row in rows if row.status == "unknown")
        return verdict, codes, seconds

    def _kill(self, campaign: UUID) -> Kill:
        postgres = self._here.servers.postgres
        with self._here.connection() as conn:
            before = self._accepted(conn, campaign)
            begin = datetime.now(UTC)
            postgres.kill()
        messages = self._arrivals.read()
        killed = time.monotonic()
        pause(self._random.uniform(0.0, LONGEST_ABSENCE))
        starting = time.monotonic()
        if postgres.start() != self._here.env["SLUICE_DATABASE_URL"]:
            raise RuntimeError("PostgreSQL came back at another address")
        recovery = time.monotonic() - starting
        with database.wait_for(self._here.env["SLUICE_DATABASE_URL"], seconds=30) as conn:
            after = self._accepted(conn, campaign)
        end = datetime.now(UTC)
        # What was under way at the kill has arrived by now; the next one was claimed after it.
        self._wait_for(self._arrivals.read() + 1)
        gap = time.monotonic() - killed
        fault = Fault("kill -9 of PostgreSQL", begin, end)
        return Kill(fault, messages, len(before), len(before - after), recovery, gap)

    def _accepted(self, conn: Connection, campaign: UUID) -> set[int]:
        query = (
            "SELECT d.seq FROM deliveries d JOIN runs r ON r.id = d.run_id "
            "WHERE r.campaign_id = %s AND d.status = 'accepted'"
        )
        return {row["seq"] for row in conn.execute(query, (campaign,))}

    def _wait_for(self, messages: int) -> None:
        eventually(
            lambda: self._arrivals.read() >= messages,
            timeout=_PATIENCE,
            message=f"the carrier has {messages} messages",
        )

    def _finished(self, campaign: UUID) -> int:
        with self._here.connection() as conn:
            query = "SELECT id FROM runs WHERE campaign_id = %s AND status = 'finished'"
            found = eventually(
                lambda: conn.execute(query, (campaign,)).fetchone(),
                timeout=_PATIENCE,
                message="the run is finished",
            )
        assert found is not None
        return int(found["id"])


def main() -> int:
    """Run the trial and print its tables; 1 if something was lost."""
    end_by_signal()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.database_kills")
    parser.add_argument("--recipients", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="sluice-kills-") as folder,
        own_servers() as servers,
        installed(servers, Path(folder)) as here,
        with_children(),
    ):
        here.start()
        settings = _settings(here)
        trial = Trial(here, chosen.recipients, chosen.seed)
        verdict, codes, seconds = trial.run(chosen.kills)
        exits = here.stop()
    console = Console()
    console.print(f"PostgreSQL: {settings}; seed {chosen.seed}", highlight=False)
    console.print(kills_table(trial.kills))
    console.print(verdict_table(verdict, codes, seconds))
    forgotten = sum(kill.forgotten for kill in trial.kills)
    return 0 if verdict.clean and not forgotten and not any(exits.values()) else 1


def _settings(here: Installation) -> str:
    with here.connection() as conn:
        names = ("fsync", "synchronous_commit", "full_page_writes")
        rows = [conn.execute(f"SHOW {name}").fetchone() or {} for name in names]
    return ", ".join(f"{name} {row[name]}" for name, row in zip(names, rows, strict=True))


def kills_table(kills: list[Kill]) -> Table:
    """A row for each kill."""
    table = Table("kill", "at message", "recorded before", "forgotten", "recovery", "next message")
    for number, kill in enumerate(kills, 1):
        table.add_row(
            str(number), f"{kill.messages:,}", f"{kill.recorded:,}", f"{kill.forgotten:,}",
            f"{kill.recovery:.1f} s", f"after {kill.gap:.1f} s",
        )  # fmt: skip
    return table


def verdict_table(verdict: Verdict, codes: Counter[str], seconds: float) -> Table:
    """What became of the recipients."""
    table = Table("of the run", "")
    why = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
    for name, value in (
        ("recipients", f"{verdict.recipients:,}"),
        ("seconds from the first message to the end", f"{seconds:.1f}"),
        ("accepted", f"{verdict.accepted:,}"),
        ("unknown", f"{verdict.unknown:,} ({why})" if why else "0"),
        ("unknown, and the carrier got it", f"{verdict.unknown_received:,}"),
        ("unknown without a kill while under way", f"{verdict.unexplained:,}"),
        ("acknowledged and lost", f"{verdict.lost:,}"),
        ("doubled", f"{verdict.doubled:,}"),
        ("missing, and not unknown", f"{verdict.missing:,}"),
    ):
        table.add_row(name, value)
    return table


if __name__ == "__main__":
    sys.exit(main())
