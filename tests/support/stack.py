"""Everything that runs in production, as real processes: beats, workers, carrier, servers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from campaigns import messaging, providers
from campaigns.campaign import service
from campaigns.campaign.times import render
from campaigns.database import Connection
from tests.support import ledger
from tests.support.carrier import RunningCarrier
from tests.support.processes import Process, Processes
from tests.support.waiting import eventually


def numbers(first: int, last: int) -> set[str]:
    """British mobile numbers ``first`` to ``last`` of a range of ten million, both included."""
    return {str(447700000000 + number) for number in range(first, last + 1)}


@dataclass
class Stack:
    """Sluice's own processes, all working on one database, one Redis and one carrier."""

    processes: Processes
    conn: Connection
    carrier: RunningCarrier
    env: dict[str, str]
    sends: list[Process] = field(default_factory=list)

    def beat(self) -> Process:
        """Start a beat."""
        return self._celery("scheduler.app", "beat", "--schedule", "", name="beat")

    def send_worker(self, app: str = "worker.app") -> Process:
        """Start a send worker."""
        worker = self._worker("send", [messaging.QUEUE_SEND], concurrency=8, app=app)
        self.sends.append(worker)
        return worker

    def control_worker(self) -> Process:
        """Start the control and audience worker."""
        return self._worker(
            "control", [messaging.QUEUE_CONTROL, messaging.QUEUE_AUDIENCE], concurrency=4
        )

    def web(self) -> str:
        """Start the HTTP door; its address."""
        process = self.processes.forged(
            "web", name="web", env={**self.env, "SLUICE_WEB_BIND": "127.0.0.1:0"}
        )
        return "http://" + process.wait_for(r"listening on (\S+)", timeout=60)[1]

    def callbacks_worker(self, **more: str) -> Process:
        """Start a callbacks worker, with ``more`` in its environment; wait until it is ready."""
        arguments = [
            "worker", "--pool", "threads", "--concurrency", "8",
            "--queues", messaging.QUEUE_CALLBACKS, "--without-gossip", "--without-mingle",
            "--hostname", "callbacks@%h", "--loglevel", "INFO",
        ]  # fmt: skip
        worker = self.processes.forged(
            "celery", "--app", "worker.app", *arguments, name="callbacks", env={**self.env, **more}
        )
        worker.wait_for(r"ready\.", timeout=60)
        return worker

    def start(self, *, sends: int = 1, beats: int = 1) -> None:
        """Start all of it and wait until the workers are ready."""
        workers = [self.control_worker(), *(self.send_worker() for _ in range(sends))]
        for _ in range(beats):
            self.beat()
        for worker in workers:
            worker.wait_for(r"ready\.", timeout=60)

    def submit(self, **body: Any) -> UUID:
        """Submit a campaign; what is not given is as simple as it can be."""
        whole = {
            "name": "Acceptance",
            "sender": "Sluice",
            "template": "Hello @first_name",
            "schedule_type": "now",
            **body,
        }
        if "scheduled_send_date" in body and "schedule_type" not in body:
            whole.pop("schedule_type", None)
        campaign = service.submit(
            self.conn,
            ledger.team_id(self.conn),
            whole,
            providers=providers.load(Path(self.env["SLUICE_PROVIDERS"])),
            now=datetime.now(UTC),
        )
        return campaign.id

    def run_id(self, campaign_id: UUID) -> int:
        """The id of the campaign's run, as soon as it has one."""

        def found() -> int | None:
            row = self.conn.execute(
                "SELECT id FROM runs WHERE campaign_id = %s", (campaign_id,)
            ).fetchone()
            return None if row is None else row["id"]

        run_id = eventually(found, timeout=20, message="the campaign has a run")
        assert run_id is not None
        return run_id

    def finished(self, campaign_id: UUID, *, timeout: float = 90) -> int:
        """Wait until the campaign's run is finished; its id."""
        run_id = self.run_id(campaign_id)
        eventually(
            lambda: ledger.field(self.conn, "runs", run_id, "status") == "finished",
            timeout=timeout,
            message=f"run {run_id} is finished",
        )
        return run_id

    def received(self, *, at_least: int, timeout: float = 60) -> int:
        """Wait until the carrier has taken so many messages."""
        return eventually(
            lambda: (n := self.carrier.stats()["accepted"]) >= at_least and n,
            timeout=timeout,
            message=f"the carrier has {at_least} messages",
        )

    def _worker(
        self, name: str, queues: Sequence[str], *, concurrency: int, app: str = "worker.app"
    ) -> Process:
        return self._celery(
            app, "worker", "--pool", "threads", "--concurrency", str(concurrency),
            "--queues", ",".join(queues), "--without-gossip", "--without-mingle",
            "--hostname", f"{name}{len(self.sends)}@%h", "--loglevel", "INFO", name=name,
        )  # fmt: skip

    def _celery(self, app: str, *arguments: str, name: str) -> Process:
        return self.processes.forged("celery", "--app", app, *arguments, name=name, env=self.env)


def group(conn: Connection, name: str, addresses: set[str], *, kind: str = "optin") -> UUID:
    """A group of contacts, written by COPY."""
    row = conn.execute(
        "INSERT INTO contact_groups (id, team_id, name, kind, headers) "
        "VALUES (gen_random_uuid(), %s, %s, %s, ARRAY['first_name']) RETURNING id",
        (ledger.team_id(conn), name, kind),
    ).fetchone()
    assert row is not None
    with (
        conn.cursor() as cursor,
        cursor.copy("COPY contacts (group_id, phone, fields) FROM STDIN") as copy,
    ):
        for address in sorted(addresses):
            copy.write_row((row["id"], address, '{"first_name": "Ada"}'))
    return row["id"]


def at(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)


def written(moment: datetime) -> str:
    """A moment as the seeds write it."""
    return render(moment)


def soon(seconds: int) -> datetime:
    """A whole second a little ahead of now."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)
