"""One trial from its seed to its evidence."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
from celery import Celery
from redis import Redis

from campaigns.database import Connection, connect
from campaigns.messaging import celery_config
from cli.carrier.log import RECEIVED, Arrival, digits, read
from tests.chaos import judge as judging
from tests.chaos.deeds import Actor
from tests.chaos.evidence import Evidence, Row, Run, unix
from tests.chaos.faults import Faults, gone
from tests.chaos.judge import Verdict
from tests.chaos.lane import Lane
from tests.chaos.plan import MAX_ATTEMPTS, Trial
from tests.chaos.stage import Stage
from tests.support import ledger
from tests.support.carrier import RunningCarrier
from tests.support.fault_server import unused_port
from tests.support.waiting import eventually

#: How long everything may take to be finished once nothing is done to it any more, in seconds.
PATIENCE = 300.0

#: Between two looks at the database and at the carrier's log, in seconds.
_LOOK_EVERY = 0.25


@dataclass(frozen=True, slots=True)
class Result:
    """What a trial showed."""

    trial: Trial
    verdict: Verdict
    #: Processes killed by each failpoint, and what else they did.
    failpoints: Counter[tuple[str, str]]
    #: What was done from outside, by kind.
    blows: Counter[str]
    server_faults: Mapping[str, int]
    deaths: Counter[str]
    seconds: float


def run(trial: Trial, lane: Lane, folder: Path) -> Result:
    """Play a trial in ``folder`` on a lane's servers, and judge it."""
    began = time.monotonic()
    with (
        lane.database() as database_url,
        lane.carrier(folder, trial.seed) as carrier,
        connect(database_url) as conn,
        Redis.from_url(lane.redis_url) as redis,
    ):
        redis.flushall()
        play = _Play(trial, lane, folder, database_url, conn, redis, carrier)
        try:
            evidence = play.play()
        finally:
            play.stage.end()
    lines, _, _ = play.stage.failed()
    return Result(
        trial,
        judging.judge(evidence),
        Counter((point, action.partition(":")[0]) for _, point, action, _ in lines),
        play.faults.dealt,
        play.faults.server_faults,
        Counter(death.how for death in evidence.deaths),
        time.monotonic() - began,
    )


class _Play:
    def __init__(
        self,
        trial: Trial,
        lane: Lane,
        folder: Path,
        database_url: str,
        conn: Connection,
        redis: Redis,
        carrier: RunningCarrier,
    ) -> None:
        self._trial = trial
        self._conn = conn
        self._carrier = carrier
        accounts = folder / "providers.toml"
        accounts.write_text(_accounts(trial, carrier.url), "utf-8")
        env = {
            "SLUICE_DATABASE_URL": database_url,
            "SLUICE_REDIS_URL": lane.redis_url,
            "SLUICE_BROKER_URL": lane.redis_url,
            "SLUICE_PROVIDERS": str(accounts),
            "SLUICE_HOME": str(folder / "home"),
        }
        broker = Celery("chaos", set_as_current=False)
        broker.conf.update(celery_config(lane.redis_url))
        self.stage = Stage(
            lane.forge, folder, env, trial.armed, trial.restart_after, trial.forgetful
        )
        self.faults = Faults(
            trial.blows, self.stage, conn, redis, broker, carrier, Random(trial.seed)
        )
        attempts = MAX_ATTEMPTS * (2 if trial.chain == "shared" else 1)
        opted_out: dict[str, tuple[float, float]] = {}
        self._actors = [
            Actor(plan, conn, broker, accounts, attempts, opted_out) for plan in trial.campaigns
        ]
        self._looked = 0.0
        self._begun = 0.0
        self._unfinished = ""

    def play(self) -> Evidence:
        """All of it."""
        trial = self._trial
        behaviour = trial.behaviour
        self._carrier.change(
            errors=behaviour.errors,
            latency_ms=behaviour.latency_ms,
            jitter_ms=behaviour.jitter_ms,
            rate=None if behaviour.rate is None else f"{behaviour.rate}/s",
        )
        self.stage.start(sends=trial.sends, beats=trial.beats)
        for actor in self._actors:
            actor.prepare()
        eventually(self._ready, timeout=60, message="the workers are ready")
        self._begun = time.monotonic()
        try:
            eventually(self._acted, timeout=trial.seconds + PATIENCE, message="all was done")
            self._carrier.change(errors="", latency_ms=0, jitter_ms=0, rate=None, down=False)
            eventually(self._finished, timeout=PATIENCE, message="all campaigns are over")
        except AssertionError as error:
            self._unfinished = f"{error}; {self._why()}"
        return self._evidence()

    def _ready(self) -> bool:
        self.stage.watch()
        return self.stage.ready()

    def _acted(self) -> bool:
        self._step()
        elapsed = time.monotonic() - self._begun
        return (
            elapsed >= self._trial.seconds
            and self.faults.over
            and all(actor.acted for actor in self._actors)
        )

    def _step(self) -> None:
        self.stage.watch()
        elapsed = time.monotonic() - self._begun
        # A server that is away, because it was made to be, is asked again at the next step.
        for step in (self.faults.step, *(actor.step for actor in self._actors)):
            try:
                step(elapsed)
            except Exception as error:
                if not gone(error):
                    raise

    def _finished(self) -> bool:
        self._step()
        if time.monotonic() < self._looked + _LOOK_EVERY:
            return False
        self._looked = time.monotonic()
        self._report()
        row = self._conn.execute(
            """
            SELECT (SELECT count(*) FROM campaigns) AS campaigns,
                   (SELECT count(*) FROM campaigns
                    WHERE status IN ('scheduled', 'sending')) AS alive,
                   (SELECT count(*) FROM runs WHERE status <> 'finished') AS open
            """
        ).fetchone()
        assert row is not None
        return (
            row["campaigns"] == len(self._actors)
            and not row["alive"]
            and not row["open"]
            and all(actor.done for actor in self._actors)
        )

    def _report(self) -> None:
        if not any(actor.plan.reports and not actor.reported for actor in self._actors):
            return
        received: dict[int, dict[str, str]] = {}
        for arrival in self._arrivals():
            if arrival.outcome in RECEIVED and arrival.reference and arrival.to:
                run_id, _ = judging.place(arrival)
                received.setdefault(run_id, {})[digits(arrival.to)] = arrival.reference
        for actor in self._actors:
            row = self._conn.execute(
                "SELECT id FROM runs WHERE campaign_id = %s", (actor.campaign_id,)
            ).fetchone()
            if row is not None:
                actor.report(received.get(row["id"], {}))

    def _arrivals(self) -> list[Arrival]:
        # Asked for statistics, the carrier writes down what it has.
        try:
            self._carrier.stats()
        except httpx.TransportError:
            return []
        return read(self._carrier.log_file)

    def _why(self) -> str:
        """What stands in the way, in the ledger's words."""
        runs = self._conn.execute("SELECT id, status, reason FROM runs ORDER BY id").fetchall()
        batches = self._conn.execute(
            "SELECT id, status, messages, lease_until, publications FROM batches ORDER BY id"
        ).fetchall()
        slices = self._conn.execute(
            "SELECT run_id, kind, messages, not_before FROM slices WHERE batch_id IS NULL"
        ).fetchall()
        rows = {row["id"]: ledger.statuses(self._conn, row["id"]) for row in runs}
        waits = [str(actor.campaign_id)[:8] for actor in self._actors if not actor.done]
        return f"{runs} {rows} {batches[:5]} {slices[:5]} not done: {waits}"

    def _evidence(self) -> Evidence:
        _, raised, stalls = self.stage.failed()
        runs, without = [], []
        for actor in self._actors:
            found = self._conn.execute(
                "SELECT id, status, reason, total FROM runs WHERE campaign_id = %s",
                (actor.campaign_id,),
            ).fetchall()
            # One that was stopped before its time came has none.
            if len(found) > 1 or not (found or actor.stopped):
                without.append(str(actor.campaign_id)[:8])
            runs += [
                Run(
                    row["id"],
                    actor.promise(),
                    row["status"],
                    row["reason"],
                    row["total"],
                    ledger.counters(self._conn, row["id"]),
                    self._rows(row["id"]),
                )
                for row in found
            ]
        return Evidence(
            runs=runs,
            without_run=without,
            arrivals=self._arrivals(),
            deaths=self.stage.deaths,
            stalls=[*self.stage.stalls, *stalls],
            raised=raised,
            outages=self.faults.outages,
            forgetful=self._trial.forgetful,
            server_faults=self.faults.server_faults,
            unfinished=self._unfinished,
        )

    def _rows(self, run_id: int) -> tuple[Row, ...]:
        found = self._conn.execute(
            "SELECT seq, address, status, attempts, lease_token::text AS token, error_code, "
            "error_class, claimed_at, settled_at, report FROM deliveries WHERE run_id = %s",
            (run_id,),
        )
        return tuple(
            Row(
                row["seq"],
                row["address"],
                row["status"],
                row["attempts"],
                row["token"],
                row["error_code"],
                row["error_class"],
                unix(row["claimed_at"]),
                unix(row["settled_at"]),
                row["report"],
            )
            for row in found
        )


def _accounts(trial: Trial, url: str) -> str:
    """The providers file."""
    rate = "" if trial.rate is None else f'rate = "{trial.rate}/s"\n'
    common = f'adapter = "sandbox"\nchannel = "sms"\nmax_attempts = {MAX_ATTEMPTS}\n'
    last = f'{common}url = "{url}"\n{rate}'
    if trial.chain == "none":
        return f"[providers.carrier]\n{last}"
    first = url if trial.chain == "shared" else f"http://127.0.0.1:{unused_port()}/messages"
    return (
        f'[providers.first]\n{common}url = "{first}"\n{rate}fallback = "carrier"\n'
        f"[providers.carrier]\n{last}"
    )
