"""Which receivers the tick publishes: one turn each, room for everybody, again what was lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from campaigns.callbacks import delivering, endpoints
from campaigns.database import Connection, connect
from campaigns.messaging import TASK_CALL, TASK_GATHER
from campaigns.providers import NO_PROVIDERS
from campaigns.settings import LONGEST_WINDOW
from scheduler.duties import calling, publishing, watching
from scheduler.duties.calling import EVERY, FAILING_PLACES, PER_HOST, PLACES, SWEEP, Calls
from scheduler.memory import Memory
from scheduler.tick import tick
from tests.support.callbacks import WINDOW, endpoint, gather, note, told_run

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def receivers(conn: Connection) -> Callable[..., list[int]]:
    """Makes receivers that are due, each at a host of its own or all at one."""

    def make(count: int, *, host: str | None = None, failures: int = 0) -> list[int]:
        made = conn.execute(
            """
            WITH made AS (
                INSERT INTO webhook_endpoints
                    (id, team_id, secret, events, created_at, updated_at, url)
                SELECT gen_random_uuid(), t.id, 'x', ARRAY['opened'], %(now)s, %(now)s,
                       'https://ann:pw@' || coalesce(%(host)s, 'h' || gen_random_uuid()) || '/'
                FROM teams t, generate_series(1, %(count)s) n
                RETURNING id
            )
            INSERT INTO receivers (endpoint_id, next_at, failures)
            SELECT id, %(now)s, %(failures)s FROM made RETURNING id
            """,
            {"count": count, "host": host, "failures": failures, "now": NOW - SECOND},
        )
        return [row["id"] for row in made]

    return make


def publish(conn: Connection, now: datetime = NOW) -> list[int]:
    found = calling.run_once(conn, now, Calls(now))
    return [row_id for task, row_id in found if task == TASK_CALL]


def test_while_nobody_is_to_be_told_nothing_is_published(conn: Connection) -> None:
    assert calling.run_once(conn, NOW, Calls()) == []
    endpoint(conn, NOW)
    assert calling.run_once(conn, NOW, Calls()) == []


def test_the_outbox_is_gathered_every_few_seconds_while_something_is_in_it(
    conn: Connection,
) -> None:
    note(conn, told_run(conn, NOW), "delivered", [0, 1], NOW)
    last = conn.execute("SELECT max(id) AS id FROM event_outbox").fetchone()["id"]
    calls = Calls()
    assert calling.run_once(conn, NOW, calls) == [(TASK_GATHER, last)]
    assert calling.run_once(conn, NOW + EVERY / 2, calls) == []
    assert calling.run_once(conn, NOW + EVERY, calls) == [(TASK_GATHER, last)]
    # A clock that is set back puts nothing off.
    assert calling.run_once(conn, NOW - SECOND, calls) == [(TASK_GATHER, last)]


def test_old_messages_are_swept_although_nothing_happens(conn: Connection) -> None:
    note(conn, told_run(conn, NOW), "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    conn.execute("UPDATE receivers SET next_at = NULL")
    calls = Calls(NOW)
    assert calling.run_once(conn, NOW + EVERY, calls) == []
    assert calling.run_once(conn, NOW + SWEEP, calls) == [(TASK_GATHER, 0)]


def test_one_that_is_published_or_leased_is_left_alone(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    (first,) = receivers(1)
    assert publish(conn) == [first]
    assert publish(conn, NOW + SECOND) == []
    assert delivering.lease(conn, first, now=NOW + SECOND) is not None
    assert publish(conn, NOW + 10 * SECOND) == []
    # Its worker is gone: the end of the lease frees it.
    assert publish(conn, NOW + 40 * SECOND) == [first]


def test_what_nobody_takes_is_published_again_and_less_and_less_often(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    receivers(1)
    seconds = [n for n in range(0, 300) if publish(conn, NOW + n * SECOND)]
    assert seconds[:4] == [0, 5, 15, 30]
    assert all(later - one <= 61 for one, later in pairwise(seconds))


def test_a_host_has_a_few_at_once(conn: Connection, receivers: Callable[..., list[int]]) -> None:
    one_host = receivers(10, host="EXAMPLE.com:8443")
    others = receivers(3)
    found = publish(conn)
    assert len(set(found) & set(one_host)) == PER_HOST
    assert set(others) <= set(found)
    assert publish(conn, NOW + SECOND) == []
    conn.execute("UPDATE receivers SET next_at = NULL WHERE id = ANY (%s)", (found[:2],))
    freed = len({*found[:2]} & {*one_host})
    assert len(publish(conn, NOW + 2 * SECOND)) == freed


def test_those_that_fail_leave_room_for_the_others(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    failing = receivers(200, failures=3)
    well = receivers(20)
    found = publish(conn)
    assert set(well) <= set(found)
    assert len(set(found) & set(failing)) == FAILING_PLACES
    more = receivers(200)
    found += publish(conn, NOW + SECOND)
    assert len(found) == PLACES
    assert len(set(found) & set(more)) == PLACES - FAILING_PLACES - 20


def test_one_that_is_disabled_or_rests_is_not_published(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    off, resting, due = receivers(3)
    conn.execute("UPDATE receivers SET disabled_reason = 'gone' WHERE id = %s", (off,))
    conn.execute("UPDATE receivers SET next_at = %s WHERE id = %s", (NOW + SECOND, resting))
    assert publish(conn) == [due]
    assert publish(conn, NOW + SECOND) == [resting]


def test_the_tick_waits_for_no_worker(
    conn: Connection, database: str, receivers: Callable[..., list[int]]
) -> None:
    held, free = receivers(2)
    with connect(database) as other, other.transaction():
        other.execute("SELECT FROM receivers WHERE id = %s FOR UPDATE", (held,))
        assert publish(conn) == [free]
    assert publish(conn) == [held]


def test_what_the_broker_did_not_take_is_published_with_the_next_tick(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    (first,) = receivers(1)
    assert publish(conn) == [first]
    publishing.take_back(conn, [(TASK_CALL, first), (TASK_GATHER, 5)])
    assert publish(conn) == [first]


def test_the_tick_publishes_it_with_the_rest(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    receivers(1)
    report = tick(conn, NO_PROVIDERS, name="beat", now=NOW, memory=Memory())
    assert report is not None
    assert [task for task, _ in report.publish] == [TASK_CALL]


def test_a_receiver_that_is_dead_is_a_finding(conn: Connection) -> None:
    made = endpoint(conn, NOW, "https://ann:pw@example.com/?key=s3cret").endpoint
    note(conn, told_run(conn, NOW, callback=None), "delivered", [0], NOW)
    gather(conn, NOW + WINDOW)
    found = findings(conn, NOW)
    assert found == []
    conn.execute(
        "UPDATE receivers SET failures = 4, failing_since = %s, last_attempt_at = %s,"
        " last_code = 'http_503'",
        (NOW - timedelta(minutes=6), NOW - SECOND),
    )
    (finding,) = findings(conn, NOW)
    assert finding.kind == "dead receiver"
    assert finding.subject == f"webhook {made.id}"
    assert finding.detail == (
        "its receiver has not answered since 21 Nov 11:54:00 UTC (http_503); "
        "1 messages wait, 0 were given up"
    )
    # Said when an attempt fails, and not with every look.
    assert findings(conn, NOW + timedelta(seconds=30)) == []
    endpoints.disable(conn, made.team_id, made.id, now=NOW)
    conn.execute("UPDATE receivers SET disabled_reason = 'gone'")
    (finding,) = findings(conn, NOW)
    assert "gone for good" in finding.detail


def test_what_is_kept_for_a_dead_receiver_is_not_counted_to_the_end(
    conn: Connection, receivers: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tick has no time for a million messages."""
    [receiver_id] = receivers(1)
    conn.execute(
        "UPDATE receivers SET failures = 4, failing_since = %s, last_attempt_at = %s",
        (NOW - timedelta(minutes=6), NOW - SECOND),
    )
    conn.execute(
        "INSERT INTO callbacks (receiver_id, run_id, kind, seqs, ats, codes, state, created_at,"
        " since, next_at, settled_at)"
        " SELECT %s, 1, 'delivered', '{}', '{}', '{}', state, %s, %s, %s,"
        " CASE state WHEN 'dead' THEN now() END"
        " FROM unnest('{waiting,dead,dead,dead}'::text[]) AS s (state)",
        (receiver_id, NOW, NOW, NOW),
    )
    monkeypatch.setattr(watching, "COUNTED", 3)
    (finding,) = findings(conn, NOW)
    counts = finding.detail.rsplit("; ", 1)[1]
    assert counts == "1 messages wait, 3 or more were given up"


def test_receivers_whom_nobody_tells_anything_are_a_finding(
    conn: Connection, receivers: Callable[..., list[int]]
) -> None:
    receivers(2)
    conn.execute("UPDATE receivers SET publications = 5")
    (finding,) = findings(conn, NOW)
    assert finding.detail == "2 receivers wait, and no callbacks worker was seen"


def test_events_that_nobody_gathers_are_a_finding(conn: Connection) -> None:
    """Without a process that does, the outbox grows for ever, and nothing else would say so."""
    note(conn, told_run(conn, NOW), "delivered", [0], NOW)
    conn.execute("UPDATE event_outbox SET noted_at = %s", (NOW,))
    longest = timedelta(seconds=LONGEST_WINDOW)
    assert findings(conn, NOW + longest) == []
    (finding,) = findings(conn, NOW + longest + watching.QUIET + SECOND)
    assert (finding.kind, finding.subject) == ("idle queue", "queue of callbacks")
    assert finding.detail == (
        "events wait since 21 Nov 12:00:00 UTC, and no callbacks worker was seen"
    )


def findings(conn: Connection, now: datetime) -> list[watching.Finding]:
    return watching.run_once(conn, now, watching.Round())
