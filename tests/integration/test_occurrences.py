"""Occurrences on a real database: what becomes a run, what is skipped or missed, what rests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from uuid import UUID

from campaigns.database import Connection
from campaigns.providers import ProviderConfig, Providers
from scheduler.tick import tick
from tests.support import ledger
from worker.runs import close

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms", rate="50/s")
PROVIDERS = Providers(MappingProxyType({"carrier": CARRIER}))
HOUR = 3600.0
DAY = 24 * HOUR


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ticked(conn: Connection, seconds: float) -> None:
    assert tick(conn, PROVIDERS, name="beat@test", now=at(seconds)) is not None


def recurring(conn: Connection, rule: str = "FREQ=DAILY;COUNT=3", **fields: object) -> UUID:
    stored = {name: fields.pop(name) for name in ("finish", "leftover", "expiry") if name in fields}
    campaign_id = ledger.campaign(conn, NOW, status="scheduled", start=NOW, **stored)
    settings = {"schedule_type": "scheduled", "schedule_rrule": rule, "next_dt": NOW, **fields}
    columns = ", ".join(f"{name} = %({name})s" for name in settings)
    conn.execute(
        f"UPDATE campaigns SET {columns} WHERE id = %(id)s", {**settings, "id": campaign_id}
    )
    return campaign_id


def runs(conn: Connection) -> list[tuple[datetime, str, str | None]]:
    found = conn.execute("SELECT occurrence, status, reason FROM runs ORDER BY occurrence")
    return [(row["occurrence"], row["status"], row["reason"]) for row in found]


def settle(conn: Connection) -> None:
    """Everything that is open was resolved to an empty audience."""
    conn.execute(
        "INSERT INTO lanes (run_id, lane, hi, next_seq) "
        "SELECT id, 0, 0, 0 FROM runs WHERE status = 'resolving'"
    )
    conn.execute("UPDATE runs SET status = 'sending' WHERE status = 'resolving'")


def test_a_campaign_rests_between_its_occurrences_and_ends_after_the_last(conn):
    campaign_id = recurring(conn)
    states = []
    for day in range(3):
        ticked(conn, day * DAY)
        states.append(ledger.field(conn, "campaigns", campaign_id, "status"))
        settle(conn)
        ticked(conn, day * DAY + 60)
        states.append(ledger.field(conn, "campaigns", campaign_id, "status"))
    assert states == ["sending", "scheduled", "sending", "scheduled", "sending", "finished"]
    assert runs(conn) == [(at(day * DAY), "finished", "empty") for day in range(3)]
    assert ledger.field(conn, "campaigns", campaign_id, "next_dt") is None


def test_an_occurrence_that_falls_into_an_open_run_is_skipped_and_on_record(conn):
    campaign_id = recurring(conn)
    ticked(conn, 0)
    ticked(conn, DAY)
    assert runs(conn) == [(NOW, "resolving", None), (at(DAY), "finished", "skipped")]
    assert ledger.field(conn, "campaigns", campaign_id, "next_dt") == at(2 * DAY)


def test_an_occurrence_may_wait_for_the_open_run_or_start_beside_it(conn):
    queued, beside = recurring(conn, overlap="queue"), recurring(conn, overlap="allow")
    ticked(conn, 0)
    ticked(conn, DAY)
    counts = {
        row["campaign_id"]: row["n"]
        for row in conn.execute("SELECT campaign_id, count(*) AS n FROM runs GROUP BY 1")
    }
    assert counts == {queued: 1, beside: 2}
    settle(conn)
    ticked(conn, DAY + 60)
    ticked(conn, DAY + 61)
    waited = conn.execute(
        "SELECT occurrence FROM runs WHERE campaign_id = %s ORDER BY 1", (queued,)
    )
    assert [row["occurrence"] for row in waited] == [NOW, at(DAY)]


def test_what_was_missed_in_a_downtime_is_on_record_and_the_latest_is_caught_up(conn):
    recurring(conn)
    ticked(conn, 2 * DAY + HOUR)
    assert runs(conn) == [
        (NOW, "finished", "missed"),
        (at(DAY), "finished", "missed"),
        (at(2 * DAY), "resolving", None),
    ]


def test_a_series_of_which_nothing_is_left_to_start_is_over(conn):
    campaign_id = recurring(conn, start_deadline=600)
    ticked(conn, 3 * DAY)
    assert ledger.field(conn, "campaigns", campaign_id, "status") == "finished"
    assert {reason for _, _, reason in runs(conn)} == {"missed"}


def test_window_pauses_and_expiry_move_with_the_occurrence_by_the_clock(conn):
    """Europe/London goes to summer time on 31 March 2030, at 01:00 UTC."""
    start = datetime(2030, 3, 30, 9, tzinfo=UTC)
    hour = timedelta(hours=1)
    campaign_id = ledger.campaign(
        conn, start, status="scheduled", start=start, finish=start + 4 * hour,
        expiry=start + 6 * hour, pauses=((start + hour, start + 2 * hour),),
    )  # fmt: skip
    conn.execute(
        "UPDATE campaigns SET schedule_rrule = 'FREQ=DAILY', timezone = 'Europe/London', "
        "overlap = 'allow' WHERE id = %s",
        (campaign_id,),
    )
    assert tick(conn, PROVIDERS, name="b", now=start)
    summer = start + timedelta(days=1) - hour
    assert tick(conn, PROVIDERS, name="b", now=summer)
    found = conn.execute(
        "SELECT id, occurrence, finishes_at, expires_at FROM runs ORDER BY occurrence"
    ).fetchall()
    assert [row["occurrence"] for row in found] == [start, summer]
    assert found[1]["finishes_at"] == summer + 4 * hour
    assert found[1]["expires_at"] == summer + 6 * hour
    settled = {"run_id": found[1]["id"], "total": 100}
    conn.execute("UPDATE runs SET status = 'sending', total = 100 WHERE id = %(run_id)s", settled)
    conn.execute(
        "INSERT INTO lanes (run_id, lane, hi, next_seq) VALUES (%(run_id)s, 0, 100, 0)", settled
    )
    assert tick(conn, PROVIDERS, name="b", now=summer + timedelta(minutes=90))
    lane = conn.execute("SELECT gate_opens_at FROM lanes").fetchone()
    assert lane is not None
    assert lane["gate_opens_at"] == summer + 2 * hour


def test_what_a_window_leaves_waits_for_the_next_one(conn):
    campaign_id = ledger.campaign(
        conn, NOW, finish=at(HOUR), expiry=at(40 * DAY), leftover="next_window"
    )
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    ticked(conn, HOUR)
    gate = conn.execute("SELECT gate_opens_at, pace_until FROM lanes").fetchone()
    assert gate is not None
    assert gate["gate_opens_at"] == at(DAY)
    assert ledger.field(conn, "runs", run_id, "finishes_at") == at(DAY + HOUR)
    assert ledger.field(conn, "runs", run_id, "expires_at") == at(40 * DAY)
    ticked(conn, 3 * DAY + 2 * HOUR)
    assert ledger.field(conn, "runs", run_id, "finishes_at") == at(4 * DAY + HOUR)


def test_a_series_without_another_window_expires_what_is_left(conn):
    campaign_id = recurring(conn, "FREQ=DAILY;COUNT=1", finish=at(HOUR), leftover="next_window")
    ticked(conn, 0)
    conn.execute("UPDATE runs SET status = 'sending', total = 5")
    conn.execute("INSERT INTO lanes (run_id, lane, hi, next_seq) SELECT id, 0, 5, 0 FROM runs")
    ticked(conn, HOUR)
    ticked(conn, HOUR + 1)
    assert runs(conn) == [(NOW, "closing", "expired")]
    assert ledger.field(conn, "campaigns", campaign_id, "status") == "sending"


def test_nothing_is_sent_in_the_quiet_hours_of_the_campaign_or_the_team(conn):
    conn.execute(
        'UPDATE teams SET quiet_hours = \'[{"from": "20:00", "to": "08:00"}]\', '
        "timezone = 'Europe/Berlin'"
    )
    campaign_id = ledger.campaign(conn, NOW)
    conn.execute(
        'UPDATE campaigns SET sending_hours = \'[{"from": "10:00", "to": "14:00"}]\', '
        "timezone = 'America/New_York', holidays = '{2030-01-01}' WHERE id = %s",
        (campaign_id,),
    )
    ledger.run(conn, campaign_id, 100, NOW)
    ticked(conn, 0)
    gate = conn.execute("SELECT gate_opens_at, gate_closes_at FROM lanes").fetchone()
    assert gate is not None
    # From 10:00 in New York to 20:00 in Berlin, on the day after the holiday.
    assert gate["gate_opens_at"] == datetime(2030, 1, 2, 15, tzinfo=UTC)
    assert datetime(2030, 1, 2, 18, 59, tzinfo=UTC) < gate["gate_closes_at"]
    assert gate["gate_closes_at"] <= datetime(2030, 1, 2, 19, tzinfo=UTC)
    assert conn.execute("SELECT count(*) AS n FROM batches").fetchone()["n"] == 0


def test_lanes_of_other_time_zones_open_at_their_own_hours(conn):
    campaign_id = ledger.campaign(conn, NOW)
    conn.execute(
        'UPDATE campaigns SET sending_hours = \'[{"from": "09:00", "to": "17:00"}]\', '
        "recipient_local = true WHERE id = %s",
        (campaign_id,),
    )
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    conn.execute("UPDATE lanes SET hi = 50, timezone = 'Europe/London'")
    conn.execute(
        "INSERT INTO lanes (run_id, lane, timezone, lo, hi, next_seq) "
        "VALUES (%s, 1, 'Asia/Tokyo', 50, 100, 50)",
        (run_id,),
    )
    ticked(conn, 0)
    gates = conn.execute("SELECT gate_opens_at FROM lanes ORDER BY lane").fetchall()
    assert [gate["gate_opens_at"] for gate in gates] == [NOW, at(12 * HOUR)]
    cut = conn.execute("SELECT lane, sum(messages)::int AS n FROM slices GROUP BY lane").fetchall()
    assert [(row["lane"], row["n"]) for row in cut] == [(0, 50)]


def test_a_series_that_cannot_be_read_any_more_fails_alone(conn):
    """It was stored by another release, or in a zone that the database of zones has lost."""
    broken = recurring(conn, "FREQ=FORTNIGHTLY")
    lost = recurring(conn, timezone="Europe/Atlantis")
    good = recurring(conn)
    ticked(conn, 0)
    states = [ledger.field(conn, "campaigns", c, "status") for c in (broken, lost, good)]
    assert states == ["failed", "failed", "sending"]
    assert "schedule_rrule" in str(ledger.field(conn, "campaigns", broken, "error"))


def test_a_run_whose_calendar_cannot_be_read_any_more_is_closed_alone(conn):
    lost = ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    conn.execute(
        "UPDATE campaigns SET timezone = 'Europe/Atlantis', "
        'sending_hours = \'[{"from": "09:00", "to": "17:00"}]\''
    )
    good = ledger.run(conn, ledger.campaign(conn, NOW), 10, NOW)
    ticked(conn, 0)
    cut = conn.execute("SELECT run_id, sum(messages)::int AS n FROM slices GROUP BY 1").fetchall()
    assert [(row["run_id"], row["n"]) for row in cut] == [(good, 10)]
    gate = conn.execute("SELECT gate_opens_at FROM lanes WHERE run_id = %s", (lost,)).fetchone()
    assert gate is not None
    assert gate["gate_opens_at"] is None


def test_a_start_that_was_prepared_is_missed_if_no_beat_was_there_for_too_long(conn):
    """The recipients are written a moment before the start; a deadline counts then, too."""
    campaign_id = recurring(conn, start_deadline=30)
    ticked(conn, -5)
    ticked(conn, 31)
    assert runs(conn) == [(at(0), "finished", "missed")]
    assert ledger.field(conn, "campaigns", campaign_id, "status") == "scheduled"


def test_who_skips_what_is_late_skips_what_was_prepared_too(conn):
    recurring(conn, catch_up="skip")
    ticked(conn, -5)
    ticked(conn, 61)
    assert runs(conn) == [(at(0), "finished", "missed")]


def test_recipients_of_a_start_that_was_missed_get_nothing(conn):
    campaign_id = ledger.campaign(conn, NOW)
    conn.execute("UPDATE campaigns SET start_deadline = 30")
    ticked(conn, -5)
    run_id = ledger.run(conn, campaign_id, 3, NOW)
    ticked(conn, 31)
    assert runs(conn) == [(at(0), "closing", "missed")]
    assert close(conn, run_id) == 3
    ticked(conn, 32)
    assert runs(conn) == [(at(0), "finished", "missed")]
    assert ledger.statuses(conn, run_id) == {"expired": 3}


def test_a_start_that_a_beat_has_seen_is_not_missed_later(conn):
    """Quiet hours, a pause by hand or a lack of share keep it from sending, not from starting."""
    recurring(conn, catch_up="skip", start_deadline=30)
    for seconds in (-5, 29, 100):
        ticked(conn, seconds)
    assert runs(conn) == [(at(0), "resolving", None)]


def test_what_was_prepared_starts_however_late_unless_somebody_says_otherwise(conn):
    recurring(conn)
    ticked(conn, -5)
    ticked(conn, 3600)
    assert runs(conn) == [(at(0), "resolving", None)]
