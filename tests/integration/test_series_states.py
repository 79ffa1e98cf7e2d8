"""A series that is steered while it rests, or while one run ends as the next one begins."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

import pytest

from campaigns.campaign import control
from campaigns.database import Connection, connect
from campaigns.providers import ProviderConfig, Providers
from scheduler.tick import tick
from tests.support import ledger

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms", rate="50/s")
PROVIDERS = Providers(MappingProxyType({"carrier": CARRIER}))
DAY = 86_400.0


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ticked(conn: Connection, seconds: float) -> None:
    assert tick(conn, PROVIDERS, name="beat@test", now=at(seconds)) is not None


def daily(conn: Connection, **fields: object) -> UUID:
    campaign_id = ledger.campaign(conn, NOW, status="scheduled", start=NOW)
    settings = {"schedule_type": "scheduled", "schedule_rrule": "FREQ=DAILY", **fields}
    columns = ", ".join(f"{name} = %({name})s" for name in settings)
    conn.execute(
        f"UPDATE campaigns SET {columns} WHERE id = %(id)s", {**settings, "id": campaign_id}
    )
    return campaign_id


def runs(conn: Connection) -> list[tuple[datetime, str, str | None]]:
    found = conn.execute("SELECT occurrence, status, reason FROM runs ORDER BY occurrence")
    return [(row["occurrence"], row["status"], row["reason"]) for row in found]


def resolve(conn: Connection, total: int = 0) -> None:
    """Whatever waits for its recipients has ``total`` of them."""
    conn.execute(
        "INSERT INTO lanes (run_id, lane, hi, next_seq) "
        "SELECT id, 0, %s, 0 FROM runs WHERE status = 'resolving'",
        (total,),
    )
    conn.execute(
        "UPDATE runs SET status = 'sending', total = %s WHERE status = 'resolving'", (total,)
    )


def resting(conn: Connection, **fields: object) -> UUID:
    """A series whose first run is over."""
    campaign_id = daily(conn, **fields)
    ticked(conn, 0)
    resolve(conn)
    ticked(conn, 60)
    assert state(conn, campaign_id) == ("scheduled", at(DAY))
    return campaign_id


def state(conn: Connection, campaign_id: UUID) -> tuple[object, object]:
    return (
        ledger.field(conn, "campaigns", campaign_id, "status"),
        ledger.field(conn, "campaigns", campaign_id, "next_dt"),
    )


@pytest.mark.parametrize(
    ("steer", "status"), [(control.stop, "stopped"), (control.delete, "deleted")]
)
def test_a_series_that_was_ended_while_it_rested_starts_nothing_any_more(conn, steer, status):
    campaign_id = resting(conn)
    steer(conn, ledger.team_id(conn), campaign_id, now=at(120))
    for seconds in (DAY - 5, DAY, 2 * DAY, 9 * DAY):
        ticked(conn, seconds)
    assert runs(conn) == [(NOW, "finished", "empty")]
    assert state(conn, campaign_id)[0] == status


def test_a_draft_starts_nothing_however_due_it_is(conn):
    campaign_id = daily(conn, status="draft")
    ticked(conn, 0)
    ticked(conn, 3 * DAY)
    assert runs(conn) == []
    assert state(conn, campaign_id) == ("draft", NOW)


def test_an_occurrence_of_a_held_series_starts_and_hands_out_nothing(conn):
    campaign_id = resting(conn)
    control.pause(conn, ledger.team_id(conn), campaign_id, now=at(120))
    ticked(conn, DAY)
    resolve(conn, total=5)
    ticked(conn, DAY + 1)
    assert conn.execute("SELECT count(*) AS n FROM batches").fetchone() == {"n": 0}
    control.resume(conn, ledger.team_id(conn), campaign_id, now=at(DAY + 2))
    ticked(conn, DAY + 2)
    assert conn.execute("SELECT sum(messages) AS n FROM batches").fetchone() == {"n": 5}


def test_a_series_that_was_stopped_while_it_sent_closes_its_run_and_stays_stopped(conn):
    campaign_id = daily(conn, overlap="queue")
    ticked(conn, 0)
    resolve(conn, total=5)
    ticked(conn, DAY)
    assert state(conn, campaign_id) == ("sending", at(DAY)), "it waits for the open run"
    control.stop(conn, ledger.team_id(conn), campaign_id, now=at(DAY + 1))
    ticked(conn, DAY + 2)
    assert runs(conn) == [(NOW, "closing", "stopped")]
    conn.execute("UPDATE runs SET cancelled = total")
    ticked(conn, DAY + 3)
    ticked(conn, 2 * DAY)
    assert runs(conn) == [(NOW, "finished", "stopped")]
    assert state(conn, campaign_id)[0] == "stopped"


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
def test_a_run_that_ends_as_the_next_one_is_prepared_leaves_the_campaign_sending(conn, overlap):
    campaign_id = daily(conn, overlap=overlap)
    ticked(conn, 0)
    resolve(conn, total=5)
    conn.execute("UPDATE runs SET accepted = total")
    # The run is not called finished before this tick, which may make the next one in front of it.
    ticked(conn, DAY - 5)
    ticked(conn, DAY - 4)
    assert runs(conn) == [(NOW, "finished", "completed"), (at(DAY), "resolving", None)]
    assert state(conn, campaign_id) == ("sending", at(2 * DAY))
    resolve(conn)
    ticked(conn, DAY)
    assert state(conn, campaign_id) == ("scheduled", at(2 * DAY))


def test_jitter_delays_an_occurrence_and_never_its_successors_order(conn):
    campaign_id = daily(conn, jitter=3600)
    ticked(conn, 0)
    for seconds in range(0, 3700, 50):
        ticked(conn, seconds)
    row = conn.execute("SELECT occurrence, starts_at FROM runs").fetchone()
    assert row is not None
    assert row["occurrence"] == NOW
    assert NOW <= row["starts_at"] <= at(3600)
    resolve(conn, total=5)
    ticked(conn, (row["starts_at"] - NOW).total_seconds() - 2)
    assert conn.execute("SELECT count(*) AS n FROM batches").fetchone() == {"n": 0}
    assert state(conn, campaign_id) == ("sending", at(DAY))


def test_two_beats_make_one_run_of_an_occurrence(conn, database):
    campaign_id = resting(conn)
    with connect(database) as other:
        for seconds in (DAY - 5, DAY - 4.9, DAY, DAY + 0.1):
            ticked(conn, seconds)
            ticked(other, seconds)
    assert runs(conn) == [(NOW, "finished", "empty"), (at(DAY), "resolving", None)]
    assert state(conn, campaign_id) == ("sending", at(2 * DAY))


def test_a_series_that_is_reopened_and_due_starts_beside_or_waits_as_it_would(conn):
    """What is sent again counts as a run that is under way."""
    campaign_id = resting(conn, overlap="queue")
    conn.execute("UPDATE runs SET status = 'sending', reason = NULL, total = 1")
    conn.execute("UPDATE campaigns SET status = 'sending'")
    ticked(conn, DAY)
    assert state(conn, campaign_id) == ("sending", at(DAY))
    conn.execute("UPDATE runs SET accepted = 1")
    ticked(conn, DAY + 1)
    ticked(conn, DAY + 2)
    assert runs(conn)[1] == (at(DAY), "resolving", None)
    assert state(conn, campaign_id) == ("sending", at(2 * DAY))
