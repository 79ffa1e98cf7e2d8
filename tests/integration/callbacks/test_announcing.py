"""What gets into the outbox: of whom somebody asks, which kinds, and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from campaigns import queries
from campaigns.callbacks import endpoints
from campaigns.database import Connection, async_pool, connect
from campaigns.run import reports
from campaigns.run.events import ReportKind
from campaigns.run.reports import DeliveryReport
from tests.support import ledger as rows
from tests.support.callbacks import announce, campaign_of, endpoint, outbox, told_run
from tests.support.waiting import eventually
from worker.adapters.base import Accepted, Capabilities, Failed, Rejected, Unknown
from worker.ledger import Ledger
from worker.outcomes import Result, settle

TICK = queries.load("scheduler", "tick.sql")
OCCURRENCES = queries.load("scheduler", "occurrences.sql")

NOW = datetime.now(UTC)
ALL = ["bounced", "clicked", "delivered", "opened", "submitted"]


def announced(conn: Connection, run_id: int) -> list[str]:
    row = conn.execute("SELECT announces FROM runs WHERE id = %s", (run_id,)).fetchone()
    return list(row["announces"])


def send(conn: Connection, url: str, run_id: int, outcomes: Sequence[Result]) -> None:
    """A worker claims the first rows of a run and records these outcomes, as its batch says."""

    async def main() -> None:
        async with async_pool(url, size=2) as pool:
            ledger = Ledger(pool)
            lease = await rows.leased(ledger, rows.cut(conn, run_id, 0, len(outcomes)))
            contexts = await ledger.contexts(lease.batch_id)
            (channel,) = conn.execute("SELECT sending_type FROM campaigns").fetchone().values()
            claimed = await ledger.claim(lease, len(outcomes), channel)
            settlements = [
                settle(run_id, row.seq, row.attempts, outcome, max_attempts=1)
                for row, outcome in zip(claimed, outcomes, strict=True)
            ]
            announces = contexts[run_id].announces
            await ledger.record(lease, settlements, announcing=announces)
            # The answer was lost: the worker says it once more.
            await ledger.record(lease, settlements, announcing=announces)

    asyncio.run(main())


def say(conn: Connection, run_id: int, seq: int, *kinds: ReportKind) -> None:
    """The provider says so, in one message each, and again."""
    for kind in (*kinds, *kinds):
        report = DeliveryReport(kind, NOW, run_id, seq, "carrier", f"m{seq}", code="550")
        reports.record(conn, [report])


def test_nobody_is_told_where_nobody_asks(conn: Connection, database: str) -> None:
    run_id = told_run(conn, NOW, callback=None)
    send(conn, database, run_id, [Accepted("m0"), Rejected("barred")])
    say(conn, run_id, 0, "delivered", "opened", "clicked")
    assert announced(conn, run_id) == []
    assert outbox(conn) == []


def test_all_five_of_an_e_mail_are_told_once(conn: Connection, database: str) -> None:
    run_id = told_run(conn, NOW)
    send(conn, database, run_id, [Accepted("m0"), Accepted("m1")])
    say(conn, run_id, 0, "delivered", "opened", "clicked")
    say(conn, run_id, 1, "bounced")
    assert outbox(conn) == [
        (0, "submitted", None), (1, "submitted", None), (0, "delivered", None),
        (0, "opened", None), (0, "clicked", None), (1, "bounced", "550"),
    ]  # fmt: skip


def test_of_a_text_message_two_are_told(conn: Connection, database: str) -> None:
    run_id = told_run(conn, NOW, channel="sms")
    send(conn, database, run_id, [Accepted("m0"), Accepted("m1")])
    say(conn, run_id, 0, "delivered", "opened", "clicked")
    say(conn, run_id, 1, "failed")
    assert announced(conn, run_id) == ["bounced", "delivered"]
    assert outbox(conn) == [(0, "delivered", None), (1, "bounced", "550")]


@pytest.mark.parametrize("channel", ["whatsapp", "viber", "rbm", "telegram", "webpush"])
def test_of_every_other_channel_all_five_are_told(conn: Connection, channel: str) -> None:
    assert announced(conn, told_run(conn, NOW, channel=channel)) == ALL


def test_what_is_refused_or_fails_for_good_has_bounced_once(
    conn: Connection, database: str
) -> None:
    """And what a report says of the same failure later is nothing new."""
    run_id = told_run(conn, NOW)
    send(conn, database, run_id, [Rejected("barred"), Failed("busy"), Unknown("timeout")])
    say(conn, run_id, 0, "bounced")
    say(conn, run_id, 1, "failed")
    assert outbox(conn) == [(0, "bounced", "barred"), (1, "bounced", "busy")]


def test_what_arrives_after_all_is_told_too(conn: Connection, database: str) -> None:
    run_id = told_run(conn, NOW)
    send(conn, database, run_id, [Accepted("m0")])
    say(conn, run_id, 0, "bounced", "opened")
    assert [kind for _, kind, _ in outbox(conn)] == [
        "submitted", "bounced", "delivered", "opened",
    ]  # fmt: skip


def test_a_report_before_the_answer_loses_no_event(conn: Connection, database: str) -> None:
    """The row is settled by the report; the answer, recorded later, is told as well."""
    run_id = told_run(conn, NOW)
    noting = Capabilities(reports=True)

    async def main() -> None:
        async with async_pool(database, size=2) as pool:
            ledger = Ledger(pool)
            lease = await rows.leased(ledger, rows.cut(conn, run_id, 0, 1))
            (row,) = await ledger.claim(lease, 1, "email")
            early = DeliveryReport("delivered", NOW, provider="carrier", message_id="m0")
            reports.record(conn, [early])
            settled = settle(run_id, row.seq, row.attempts, Accepted("m0"), max_attempts=1)
            await ledger.record(lease, [settled], noting, announcing=True)

    asyncio.run(main())
    assert sorted(kind for _, kind, _ in outbox(conn)) == ["delivered", "submitted"]


def test_an_event_and_its_place_in_the_outbox_are_one_transaction(
    conn: Connection, database: str
) -> None:
    run_id = told_run(conn, NOW)
    send(conn, database, run_id, [Accepted("m0")])
    with conn.transaction(force_rollback=True):
        reports.record(conn, [DeliveryReport("delivered", NOW, run_id, 0)])
        assert len(outbox(conn)) == 2
    assert len(outbox(conn)) == 1


def test_a_run_announces_what_is_asked_for_when_it_is_made(conn: Connection) -> None:
    endpoint(conn, NOW, events=("clicked", "submitted"))
    campaign_id = rows.campaign(conn, NOW)
    due = NOW.isoformat()
    run = {"campaign_id": str(campaign_id), "occurrence": due, "starts_at": due, "provider": "x"}
    conn.execute(OCCURRENCES.insert_runs, {"runs": json.dumps([run]), "now": NOW})
    row = conn.execute("SELECT id FROM runs").fetchone()
    assert announced(conn, row["id"]) == ["clicked", "submitted"]


def test_an_endpoint_hears_of_more_runs_than_a_portion(
    conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "_PORTION", 2)
    runs = [told_run(conn, NOW, callback=None, total=1) for _ in range(5)]
    endpoint(conn, NOW, events=["opened"])
    assert [announced(conn, run_id) for run_id in runs] == [["opened"]] * 5


def test_an_endpoint_hears_of_runs_that_are_under_way(conn: Connection) -> None:
    running, old = told_run(conn, NOW, callback=None), told_run(conn, NOW, callback=None)
    month_ago = NOW - timedelta(days=31)
    conn.execute(
        "UPDATE runs SET status = 'finished', reason = 'completed', created_at = %s WHERE id = %s",
        (month_ago, old),
    )
    made = endpoint(conn, NOW, events=["opened"]).endpoint
    assert (announced(conn, running), announced(conn, old)) == (["opened"], [])
    endpoints.disable(conn, made.team_id, made.id, now=NOW)
    assert announced(conn, running) == []
    endpoints.enable(conn, made.team_id, made.id, now=NOW)
    assert announced(conn, running) == ["opened"]
    endpoints.delete(conn, made.team_id, made.id, now=NOW)
    assert announced(conn, running) == []


def test_nobody_is_told_of_another_teams_runs_or_of_test_sends(conn: Connection) -> None:
    run_id = told_run(conn, NOW, callback=None)
    other = uuid4()
    conn.execute("INSERT INTO teams (id, name) VALUES (%s, 'other')", (other,))
    endpoints.create(conn, other, "https://example.com/", now=NOW)
    assert announced(conn, run_id) == []
    endpoint(conn, NOW)
    assert announced(conn, run_id) == ALL
    conn.execute("UPDATE campaigns SET is_test = true WHERE id = %s", (campaign_of(conn, run_id),))
    announce(conn)
    assert announced(conn, run_id) == []


def test_a_run_that_a_tick_is_making_hears_of_an_endpoint_that_comes_meanwhile(
    conn: Connection, database: str
) -> None:
    """The tick does not see the endpoint yet, and whoever makes it does not see the run yet."""
    campaign_id = rows.campaign(conn, NOW)
    with connect(database) as beat, ThreadPoolExecutor(1) as pool:
        with beat.transaction():
            beat.execute(TICK["lock_tick"])
            run_id = rows.run(beat, campaign_id, 5, NOW)
            coming = pool.submit(endpoint, conn, NOW)
            eventually(
                lambda: (
                    coming.done()
                    or beat.execute("SELECT FROM pg_locks WHERE NOT granted").fetchone() is not None
                )
            )
        coming.result(10)
    assert announced(conn, run_id) == ALL
