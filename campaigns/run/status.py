"""How a run stands: counts, planned against actual, the expected finish, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.audience import pending
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.names import as_uuid
from campaigns.providers import Providers
from campaigns.run import finishing, lookup
from campaigns.run.explain import Explanation, Facts, explain
from campaigns.run.timing import Timing, timing
from campaigns.schedule.windows import Interval, Window

SQL = queries.load("campaigns.run", "status.sql")

#: The outcomes that a run counts, in the order in which they are shown.
OUTCOMES = ("accepted", "rejected", "failed", "unknown", "suppressed", "expired", "cancelled")

#: What a run counts of its providers' reports, the missing ones too.
REPORTS = ("delivered", "undelivered", "opened", "clicked", "late", "unreported")


@dataclass(frozen=True, slots=True)
class RunStatus:
    """One run, or a campaign that has none yet (``run_id`` is then ``None``, all counts are 0)."""

    campaign_id: UUID
    campaign_name: str
    campaign_status: str
    provider: str
    run_id: int | None
    #: The run's own state; ``None`` without one.
    status: str | None
    total: int
    #: By :data:`OUTCOMES`.
    counts: Mapping[str, int]
    delivered: int
    undelivered: int
    opened: int
    clicked: int
    #: Final reports that came after the expiry had been settled.
    late: int
    #: Of the failed: accepted, and without a final report.
    unreported: int
    #: Neither sent nor given up.
    waiting: int
    #: How many should be settled by now, on the straight line over the active time up to the
    #: finish; ``None`` where there is no such line.
    planned: int | None
    starts_at: datetime
    finishes_at: datetime | None
    expires_at: datetime | None
    #: Those that are not over.
    pauses: tuple[Interval, ...]
    started_at: datetime | None
    finished_at: datetime | None
    #: ``None`` where it cannot be foretold.
    expected_finish: datetime | None
    why: Explanation
    #: The moment that all of this speaks of.
    at: datetime
    #: Recipients who are sent to in the campaign's time zone because they name none of their own.
    timezone_fallbacks: int = 0

    @property
    def settled(self) -> int:
        """Rows with an outcome."""
        return sum(self.counts.values())


def status(
    conn: Connection,
    team_id: UUID,
    run: str | int | UUID,
    *,
    providers: Providers,
    now: datetime | None = None,
) -> RunStatus:
    """How the run stands, named by its number or by its campaign's uuid (its latest run).

    ``now`` defaults to PostgreSQL's clock, the one that every claim is judged by.

    Raises:
        Invalid: ``run`` is neither a number nor a uuid.
        NotFound: the team has no such run or campaign.
    """
    moment = now or _database_clock(conn)
    campaign_id = None if isinstance(run, int) else as_uuid(run)
    if campaign_id is None:
        run_id: int | None = lookup.find_run(conn, team_id, run)
    else:
        run_id = lookup.latest_run(conn, team_id, campaign_id)
    if run_id is None:
        assert campaign_id is not None
        return _of_campaign(conn, store.get(conn, team_id, campaign_id), providers, moment)
    return _of_run(conn, run_id, providers, moment)


def _of_run(conn: Connection, run_id: int, providers: Providers, now: datetime) -> RunStatus:
    row = _one(conn, "run_state", run_id=run_id)
    tally = _one(conn, "run_tallies", run_id=run_id)
    counts = {outcome: int(row[outcome]) + int(tally.get(outcome, 0)) for outcome in OUTCOMES}
    when = timing(row, now)
    settled = sum(counts.values())
    work = _one(conn, "run_work", run_id=run_id)
    why = explain(_facts(conn, row, work, when, counts, providers, now), now)
    waiting = row["total"] - settled
    return RunStatus(
        campaign_id=row["campaign_id"],
        campaign_name=row["name"],
        campaign_status=row["campaign_status"],
        provider=row["provider"],
        run_id=run_id,
        status=row["status"],
        total=row["total"],
        counts=counts,
        **{report: row[report] for report in REPORTS},
        waiting=waiting,
        planned=when.planned_by(now) if row["status"] == "sending" else None,
        starts_at=row["starts_at"],
        finishes_at=row["finishes_at"],
        expires_at=row["expires_at"],
        pauses=_ahead(when.window, now),
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        expected_finish=finishing.expected(waiting, when, row, work, providers, why, now)
        if row["status"] == "sending"
        else None,
        why=why,
        at=now,
        timezone_fallbacks=row["timezone_fallbacks"],
    )


def _of_campaign(
    conn: Connection, campaign: Campaign, providers: Providers, now: datetime
) -> RunStatus:
    facts = Facts(
        campaign_status=campaign.status,
        run_status=None,
        window=campaign.window,
        next_occurrence=campaign.next_dt,
        manually_paused=campaign.manually_paused,
        seen=_seen(conn),
    )
    return RunStatus(
        campaign_id=campaign.id,
        campaign_name=campaign.name,
        campaign_status=campaign.status,
        provider=campaign.provider,
        run_id=None,
        status=None,
        total=0,
        counts=dict.fromkeys(OUTCOMES, 0),
        **dict.fromkeys(REPORTS, 0),
        waiting=0,
        planned=None,
        starts_at=campaign.scheduled_send_date,
        finishes_at=campaign.scheduled_finish_date,
        expires_at=campaign.expiry_date,
        pauses=_ahead(campaign.window, now),
        started_at=None,
        finished_at=None,
        expected_finish=None,
        why=explain(facts, now),
        at=now,
    )


def _facts(
    conn: Connection,
    row: Mapping[str, Any],
    work: Mapping[str, Any],
    when: Timing,
    counts: Mapping[str, int],
    providers: Providers,
    now: datetime,
) -> Facts:
    load = _one(conn, "provider_load", run_id=row["id"], provider=row["provider"], now=now)
    provider = providers.by_name.get(row["provider"])
    warm_up = finishing.warm_up_day(row, work, now)
    return Facts(
        campaign_status=row["campaign_status"],
        run_status=row["status"],
        window=when.window,
        calendars=when.calendars,
        lanes=tuple(lane.active for lane in when.lanes),
        next_occurrence=row["next_dt"],
        not_held={r["reason"]: r["n"] for r in conn.execute(SQL.not_held, {"run_id": row["id"]})},
        rate=row["rate"],
        warm_up_until=warm_up.until if warm_up and not warm_up.left else None,
        warm_up_allows=warm_up.allows if warm_up else 0,
        circuit=load["circuit"],
        failures=load["failures"],
        refusal=load["refusal"],
        reason=row["reason"],
        changes=pending.count_for_run(conn, row["id"]) if row["status"] == "resolving" else 0,
        manually_paused=row["manually_paused"],
        total=row["total"],
        settled=sum(counts.values()),
        unknown=counts["unknown"],
        unreported=row["unreported"],
        handed_out=work["handed_out"],
        retries=work["retries"],
        next_retry_at=work["next_retry_at"],
        returned=work["returned"],
        returned_until=work["returned_until"],
        behind=_behind(row, work, now),
        provider=row["provider"],
        provider_known=provider is not None,
        channel=row["sending_type"],
        provider_channel=provider.channel if provider else None,
        provider_rate=provider.rate if provider else None,
        cooling_until=load["cooling_until"],
        cooling_reason=load["cooling_reason"],
        others=load["others"],
        seen=_seen(conn),
    )


def _behind(row: Mapping[str, Any], work: Mapping[str, Any], now: datetime) -> bool:
    """Whether messages are due that were not handed out (scheduler.pacing draws the line)."""
    uncut: int = row["uncut"] + work["returned"]
    paced = row["finishes_at"] is not None and now < row["finishes_at"]
    if not paced or row["pace_remaining"] is None:
        return uncut > 0
    return bool(uncut - row["pace_remaining"] >= 1)


def _ahead(window: Window, now: datetime) -> tuple[Interval, ...]:
    return tuple(sorted(pause for pause in window.pauses if pause.end > now))


def _seen(conn: Connection) -> dict[str, datetime]:
    return {row["kind"]: row["seen_at"] for row in conn.execute(SQL.heartbeats)}


def _one(conn: Connection, name: str, **parameters: object) -> Mapping[str, Any]:
    row = conn.execute(SQL[name], parameters).fetchone()
    assert row is not None, "the run was found before, and runs are never removed"
    return row


def _database_clock(conn: Connection) -> datetime:
    row = conn.execute("SELECT clock_timestamp() AS now").fetchone()
    assert row is not None
    moment: datetime = row["now"]
    return moment.astimezone(UTC)
