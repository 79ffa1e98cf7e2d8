"""The status of a run is read from counters and slices, never from its deliveries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from types import MappingProxyType
from uuid import uuid4

import pytest
from rich.console import Console

from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.providers import NO_PROVIDERS, ProviderConfig, Providers
from campaigns.run import lookup, recipients
from campaigns.run.status import RunStatus, status
from campaigns.schedule.windows import Interval
from cli.commands.status import as_json, counts_table
from tests.support import ledger

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
CARRIER = ProviderConfig(name="carrier", adapter="sandbox", channel="sms", rate="10/s")
PROVIDERS = Providers(MappingProxyType({"carrier": CARRIER}))


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def alive(conn: Connection, moment: datetime = NOW) -> None:
    for kind in ("beat", "send", "control"):
        conn.execute(
            "INSERT INTO heartbeats VALUES (%s, %s, %s) "
            "ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at",
            (f"{kind}@test", kind, moment),
        )


def told(conn: Connection, run: object, moment: datetime = NOW) -> RunStatus:
    alive(conn, moment)
    return status(conn, ledger.team_id(conn), run, providers=PROVIDERS, now=moment)


def test_counts_plan_and_finish_of_a_throttled_run(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW, finish=at(60), pauses=((at(10), at(30)),))
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    conn.execute("UPDATE runs SET accepted = 40, rejected = 2, unknown = 1, delivered = 7")
    found = told(conn, run_id, at(32))
    assert (found.run_id, found.campaign_id) == (run_id, campaign_id)
    assert (found.total, found.settled, found.waiting) == (100, 43, 57)
    assert found.counts["accepted"] == 40
    assert found.delivered == 7
    assert found.planned == 30
    assert found.expected_finish == at(60)
    assert found.pauses == ()
    assert found.why.code == "sending"
    assert told(conn, run_id, at(5)).pauses == (Interval(at(10), at(30)),)


def test_inside_a_pause_the_plan_stands_still(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW, finish=at(60), pauses=((at(10), at(30)),))
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    assert [told(conn, run_id, at(s)).planned for s in (10, 20, 30)] == [25, 25, 25]
    assert told(conn, run_id, at(20)).why.code == "outside_window"


def test_an_unthrottled_run_has_no_plan_and_ends_at_the_providers_pace(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 100, NOW)
    found = told(conn, run_id)
    assert (found.planned, found.expected_finish) == (None, at(10))


def test_a_run_that_is_held_has_no_expected_finish(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 100, NOW)
    conn.execute("UPDATE campaigns SET manually_paused = true")
    assert told(conn, run_id).expected_finish is None
    assert told(conn, run_id).why.code == "paused"


def test_retries_and_returned_slices_are_seen(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    conn.execute("UPDATE runs SET accepted = 3")
    conn.execute("UPDATE lanes SET next_seq = 5")
    slices = (
        "INSERT INTO slices (run_id, kind, lo, hi, messages, not_before) VALUES (%s,%s,%s,%s,%s,%s)"
    )
    conn.execute(slices, (run_id, "retry", 3, 5, 2, at(8)))
    found = told(conn, run_id)
    assert found.why.code == "retrying"
    assert "2030-01-01 12:00:08" in found.why.text
    conn.execute("UPDATE slices SET kind = 'returned'")
    assert told(conn, run_id).why.code == "returned"
    assert told(conn, run_id, at(9)).why.code == "sending"


def test_a_cooling_provider_and_a_missing_one_are_seen(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    conn.execute(
        "INSERT INTO provider_states VALUES ('carrier', %s, 'throttled', %s)", (at(9), NOW)
    )
    assert told(conn, run_id).why.code == "cooling"
    team_id = ledger.team_id(conn)
    found = status(conn, team_id, run_id, providers=NO_PROVIDERS, now=NOW)
    assert found.why.code == "provider_unknown"


def test_another_run_at_the_same_provider_makes_it_wait_for_its_share(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    assert told(conn, run_id).why.code == "sending"
    ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    assert told(conn, run_id).why.code == "waiting_for_share"
    # On its pacing line it is not behind, and so waits for nobody.
    conn.execute("UPDATE runs SET finishes_at = %s WHERE id = %s", (at(60), run_id))
    conn.execute(
        "UPDATE lanes SET pace_remaining = 4.5, pace_until = %s WHERE run_id = %s", (at(1), run_id)
    )
    assert told(conn, run_id).why.code == "sending"


def test_a_campaign_is_named_by_its_uuid_with_and_without_a_run(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW, status="scheduled", start=at(100))
    found = told(conn, campaign_id)
    assert (found.run_id, found.why.code) == (None, "not_started")
    run_id = ledger.run(conn, campaign_id, 5, NOW)
    assert told(conn, str(campaign_id)).run_id == run_id


def test_by_default_the_databases_clock_counts(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    found = status(conn, ledger.team_id(conn), run_id, providers=PROVIDERS)
    assert abs(found.at - datetime.now(UTC)) < timedelta(minutes=5)


def test_what_another_team_has_does_not_exist(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW)
    run_id = ledger.run(conn, campaign_id, 5, NOW)
    for name in (run_id, campaign_id):
        with pytest.raises(NotFound):
            status(conn, uuid4(), name, providers=PROVIDERS, now=NOW)
        with pytest.raises(NotFound):
            lookup.find_run(conn, uuid4(), name)


@pytest.mark.parametrize("name", ["", "-1", "1.5", "one", "٣", "9" * 19, "9" * 30])
def test_what_cannot_name_a_run_is_refused(conn, name: str) -> None:
    with pytest.raises(Invalid, match="run: "):
        lookup.find_run(conn, ledger.team_id(conn), name)


def test_every_recipient_is_reported_once_whatever_the_page(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 23, NOW)
    conn.execute(
        "UPDATE deliveries SET status = 'accepted', report = CASE WHEN seq %% 2 = 0 "
        "THEN 'delivered' END WHERE seq < %s",
        (10,),
    )
    conn.execute("UPDATE deliveries SET status = 'unknown' WHERE seq IN (3, 20)")
    for page in (1, 5, 23, 100):
        rows = list(recipients.stream(conn, run_id, page=page))
        assert [row.seq for row in rows] == list(range(23))
        assert [row.seq for row in recipients.unknown(conn, run_id, page=page)] == [3, 20]
    assert [row.outcome for row in rows[:4]] == ["delivered", "accepted", "delivered", "unknown"]


def test_what_providers_said_is_counted_and_what_they_did_not_say(conn) -> None:
    said = {"delivered": 7, "undelivered": 3, "opened": 5, "clicked": 2, "late": 1, "unreported": 4}
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 20, NOW)
    for name, count in said.items():
        conn.execute(f"UPDATE runs SET {name} = %s", (count,))
    conn.execute("UPDATE runs SET status = 'finished', reason = 'completed', finished_at = now()")
    found = told(conn, run_id)
    assert {name: getattr(found, name) for name in said} == said
    assert {name: as_json(found)[name] for name in said} == said
    assert found.why.text.endswith("; 4 messages never reported on by the provider")
    shown = Console(width=80, file=StringIO())
    shown.print(counts_table(found))
    lines = shown.file.getvalue().splitlines()
    assert [line.rsplit(maxsplit=3)[:2] for line in lines if "report" in line] == [
        ["reported delivered", "7"],
        ["reported undelivered", "3"],
        ["reported opened", "5"],
        ["reported clicked", "2"],
        ["reported late", "1"],
        ["never reported", "4"],
    ]


def test_an_address_never_shows_in_a_row_that_is_logged(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 1, NOW)
    row = next(recipients.stream(conn, run_id))
    assert row.address not in repr(row)


def test_recipients_without_a_time_zone_of_their_own_are_counted(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    assert told(conn, run_id).timezone_fallbacks == 0
    conn.execute("UPDATE runs SET timezone_fallbacks = 2")
    assert told(conn, run_id).timezone_fallbacks == 2


def test_quiet_hours_of_the_team_are_named_with_their_end(conn) -> None:
    conn.execute('UPDATE teams SET quiet_hours = \'[{"from": "11:00", "to": "13:30"}]\'')
    run_id = ledger.run(conn, ledger.campaign(conn, NOW, finish=at(7200)), 100, NOW)
    found = told(conn, run_id, at(60))
    assert found.why.code == "outside_window"
    assert found.why.text == "in quiet hours until 2030-01-01 13:30:00"
    assert found.planned == 0
    later = told(conn, run_id, at(5400))
    assert (later.why.code, later.planned, later.expected_finish) == ("sending", 0, at(7200))


def test_lanes_tell_how_many_time_zones_are_open(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW)
    conn.execute('UPDATE campaigns SET sending_hours = \'[{"from": "09:00", "to": "17:00"}]\'')
    run_id = ledger.run(conn, campaign_id, 50, NOW)
    conn.execute("UPDATE lanes SET timezone = 'Europe/London'")
    conn.execute(
        "INSERT INTO lanes (run_id, lane, timezone, lo, hi, next_seq) "
        "VALUES (%s, 1, 'Asia/Tokyo', 50, 90, 50)",
        (run_id,),
    )
    assert told(conn, run_id).why.text == "sending in 1 of 2 time zones"
    night = told(conn, run_id, at(6 * 3600)).why
    assert night.code == "outside_window"
    assert night.text == (
        "outside of the sending hours in all 2 time zones, the first opens at 2030-01-02 00:00:00"
    )


def test_an_open_circuit_says_when_it_is_probed(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 5, NOW)
    conn.execute(
        "INSERT INTO provider_states (provider, cooling_until, failures, circuit, updated_at) "
        "VALUES ('carrier', %s, 4, 'open', %s)",
        (at(8), NOW),
    )
    found = told(conn, run_id).why
    assert found.code == "unreachable"
    assert "4 times in a row" in found.text
    assert "the next one at 2030-01-01 12:00:08" in found.text


def test_a_campaign_is_told_by_its_open_run_and_not_by_what_was_skipped_since(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW)
    run_id = ledger.run(conn, campaign_id, 5, NOW)
    conn.execute(
        "INSERT INTO runs (campaign_id, occurrence, provider, status, reason, starts_at, "
        "window_at, created_at) VALUES (%s, %s, 'carrier', 'finished', 'skipped', %s, %s, %s)",
        (campaign_id, at(60), at(60), at(60), NOW),
    )
    assert told(conn, campaign_id).run_id == run_id
    conn.execute(
        "UPDATE runs SET status = 'finished', reason = 'completed' WHERE id = %s", (run_id,)
    )
    conn.execute("UPDATE campaigns SET next_dt = %s", (at(120),))
    found = told(conn, campaign_id)
    assert found.run_id == run_id
    assert found.why.text == (
        "finished: everybody was dealt with; 1 earlier skipped; "
        "the next run begins at 2030-01-01 12:02:00"
    )


def test_what_waits_for_its_next_window_is_expected_in_it(conn) -> None:
    campaign_id = ledger.campaign(
        conn, NOW, finish=at(10), expiry=at(9 * 86_400), leftover="next_window"
    )
    run_id = ledger.run(conn, campaign_id, 150, NOW)
    assert told(conn, run_id, at(0)).expected_finish == at(86_400 + 10)
    assert told(conn, run_id, at(11)).why.text == "between two windows"


def test_a_warm_up_is_part_of_the_reason_and_of_the_finish(conn) -> None:
    """40 on the first day, then 80 and 160: the other 60 of 100 leave within the second day."""
    campaign_id = ledger.campaign(conn, NOW)
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    conn.execute("""UPDATE campaigns SET warm_up = '{"first_day": 40, "factor": 2}'""")
    conn.execute("UPDATE runs SET accepted = 40, ramp_day = 0, ramp_base = 0")
    conn.execute("UPDATE lanes SET next_seq = 40")
    found = told(conn, run_id, at(100))
    assert found.why.code == "warm_up"
    assert found.expected_finish == at(86_400 + 6)
    conn.execute("UPDATE runs SET ramp_day = 1, ramp_base = 40")
    assert told(conn, run_id, at(86_401)).why.code == "sending"


def test_the_warm_up_of_a_new_day_counts_before_a_tick_has_begun_it(conn) -> None:
    campaign_id = ledger.campaign(conn, NOW)
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    conn.execute("""UPDATE campaigns SET warm_up = '{"first_day": 40, "factor": 2}'""")
    conn.execute("UPDATE runs SET accepted = 40, ramp_day = 0, ramp_base = 0")
    conn.execute("UPDATE lanes SET next_seq = 40")
    assert told(conn, run_id, at(86_400)).why.code == "sending"


def test_the_finish_of_long_messages_counts_their_segments(conn) -> None:
    """The account takes 10 segments a second; the campaign's own rate counts messages."""
    campaign_id = ledger.campaign(conn, NOW)
    run_id = ledger.run(conn, campaign_id, 100, NOW)
    conn.execute("UPDATE campaigns SET segments = 2")
    assert told(conn, run_id).expected_finish == at(20)
    conn.execute("UPDATE campaigns SET rate = '4/s'")
    assert told(conn, run_id).expected_finish == at(25)


def test_a_run_whose_account_changed_its_channel_says_so(conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, NOW), 100, NOW)
    conn.execute("UPDATE campaigns SET sending_type = 'email'")
    found = told(conn, run_id)
    assert found.why.code == "provider_channel"
    assert found.expected_finish is None
