"""Sluice as it runs in production: the processes of its Procfile."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from benchmarks.processes import Child, EndedError
from campaigns import providers
from campaigns.campaign import control, service
from campaigns.database import Connection
from campaigns.team.teams import Team
from cli import procfile

#: Requests that one send worker has under way: what an account with a fast provider is given.
MAX_IN_FLIGHT = 400

_START_SECONDS = 60.0
_POLL_SECONDS = 0.05


@dataclass
class Sluice:
    """All processes of one installation, with one account at the provider."""

    conn: Connection
    team: Team
    env: dict[str, str]
    folder: Path
    #: By their names in the Procfile, several of one kind numbered.
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, *, sends: int, beats: int = 1) -> None:
        """Start everything and wait for a sign of life from each process.

        Raises:
            EndedError: one of them gave none.
        """
        commands = procfile.load()
        del commands["flower"]
        commands["beat"] += ["--scheduler", "benchmarks.timed_beat:TimedScheduler"]
        commands = procfile.multiplied(commands, "send", sends)
        commands = procfile.multiplied(commands, "beat", beats)
        for name, (module, *arguments) in commands.items():
            log = self.folder / f"{name}.log"
            self.children[name] = Child(log, self.env, module, *arguments)
        deadline = time.monotonic() + _START_SECONDS
        while self._alive() < len(commands):
            if time.monotonic() > deadline:
                raise EndedError(f"not all of {', '.join(commands)} started")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Stop everything; what was claimed is sent and recorded first."""
        for child in self.children.values():
            child.stop()

    def processes(self) -> dict[str, list[psutil.Process]]:
        """The processes by what they do."""
        sends = [child for name, child in self.children.items() if name.startswith("send")]
        others = [child for name, child in self.children.items() if not name.startswith("send")]
        return {
            "send workers": [psutil.Process(child.pid) for child in sends],
            "beat and control": [psutil.Process(child.pid) for child in others],
        }

    def submit(self, groups: Sequence[UUID], **more: Any) -> UUID:
        """Submit a campaign to these groups, to be sent now and as fast as the account allows."""
        body = {
            "name": "Benchmark",
            "sender": "Sluice",
            "template": "Hello @first_name, we have news for {brand}.",
            "template_vars": {"brand": "Acme"},
            "schedule_type": "now",
            "included_contact_groups": [str(group) for group in groups],
            **more,
        }
        accounts = providers.load(Path(self.env["SLUICE_PROVIDERS"]))
        campaign = service.submit(
            self.conn, self.team.id, body, providers=accounts, now=datetime.now(UTC)
        )
        return campaign.id

    def end(self, campaign: UUID) -> None:
        """Stop a campaign."""
        control.stop(self.conn, self.team.id, campaign, now=datetime.now(UTC))

    def run(self, campaign: UUID) -> dict[str, Any] | None:
        """The campaign's run, as it stands; ``None`` before it has one."""
        query = "SELECT * FROM runs WHERE campaign_id = %s"
        return self.conn.execute(query, (campaign,)).fetchone()

    def wait_for(self, campaign: UUID, *statuses: str, seconds: float) -> dict[str, Any]:
        """Wait until the campaign's run is in one of ``statuses``.

        Raises:
            EndedError: it was not within ``seconds``.
        """
        deadline = time.monotonic() + seconds
        while (run := self.run(campaign)) is None or run["status"] not in statuses:
            if time.monotonic() > deadline:
                raise EndedError(f"after {seconds:g} s the run is not {statuses}: {run}")
            time.sleep(_POLL_SECONDS)
        return run

    def beat_log(self) -> str:
        """What beat printed, or all beats, one after the other."""
        logs = sorted(self.folder.glob("beat*.log"))
        return "".join(log.read_text("utf-8") for log in logs)

    def _alive(self) -> int:
        row = self.conn.execute("SELECT count(*) AS n FROM heartbeats").fetchone()
        return int((row or {})["n"])


@contextmanager
def running(
    conn: Connection,
    team: Team,
    folder: Path,
    env: dict[str, str],
    *,
    sends: int,
    beats: int = 1,
) -> Iterator[Sluice]:
    """A running installation; stopped at the end."""
    sluice = Sluice(conn, team, env, folder)
    try:
        sluice.start(sends=sends, beats=beats)
        yield sluice
    finally:
        sluice.stop()


def environment(
    database_url: str, redis_url: str, folder: Path, carrier_url: str, *, rate: str | None = None
) -> dict[str, str]:
    """Settings of the processes, with a providers file of one account."""
    file = folder / "providers.toml"
    lines = [
        "[providers.carrier]",
        'adapter = "sandbox"',
        'channel = "sms"',
        f'url = "{carrier_url}"',
        f"max_in_flight = {MAX_IN_FLIGHT}",
        *([] if rate is None else [f'rate = "{rate}"']),
    ]
    file.write_text("\n".join(lines) + "\n", "utf-8")
    return {
        "SLUICE_DATABASE_URL": database_url,
        "SLUICE_REDIS_URL": redis_url,
        "SLUICE_PROVIDERS": str(file),
        "SLUICE_HOME": str(folder),
    }
