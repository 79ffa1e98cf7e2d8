"""The ledger says of every row what the fold over its events says, whatever the order.

Random histories are played on a real database, by the statements that workers, the tick, reports
and people use; after each step every row is compared with the pure fold of its events, and the
run's counters with a count of its rows. In every other history somebody is to be told: what is in
the outbox is compared, too.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from campaigns import database, queries
from campaigns.callbacks import KINDS as KINDS_TOLD
from campaigns.database import Connection
from campaigns.providers import NO_PROVIDERS
from campaigns.run import again, doubt, handback, reports, resolve
from campaigns.run.events import KINDS, REPORTED, Event, Standing, fold
from campaigns.run.reports import DeliveryReport
from tests.support import ledger as rows
from worker.adapters.base import Accepted, Capabilities, Failed, Rejected, Throttled, Unknown
from worker.ledger import Lease, Ledger
from worker.outcomes import NotSent, Result, Settlement, Unsendable, settle

ADOPTION = queries.load("campaigns.run", "adoption.sql")
LIFECYCLE = queries.load("campaigns.run", "lifecycle.sql")
UNREPORTED = queries.load("campaigns.run", "unreported.sql")

TOTAL = 5
STEPS = 45

#: Of the run, besides those by status.
COUNTED = ("delivered", "undelivered", "opened", "clicked", "late", "unreported")

#: Echoes the reference, or has its message ids noted.
ECHOES = Capabilities(reports=True, echoes_reference=True)
NOTED = Capabilities(reports=True)


class Played:
    """One run, and everything that may happen to it."""

    def __init__(self, conn: Connection, url: str, seed: int) -> None:
        self.conn = conn
        self.draw = random.Random(f"folding {seed}")
        self.capabilities = self.draw.choice((ECHOES, NOTED))
        self.in_parts = self.draw.random() < 0.5
        begin = datetime.now(UTC) - timedelta(minutes=1)
        self.run_id = rows.run(conn, rows.campaign(conn, begin), TOTAL, begin)
        #: Somebody is to be told of everything.
        self.announcing = seed % 2 == 0
        if self.announcing:
            conn.execute("UPDATE runs SET announces = %s", (list(KINDS_TOLD),))
        self.runner = asyncio.Runner()
        self.pool = database.async_pool(url, size=2)
        self.runner.run(self.pool.open())
        self.ledger = Ledger(self.pool)
        self.leases: list[Lease] = []
        #: What became of requests, perhaps not told yet; some of it is told twice, and late.
        self.answers: list[tuple[Lease, list[Settlement]]] = []
        self.ids: dict[int, list[str]] = {}
        self.said: list[DeliveryReport] = []
        self.steps: list[tuple[Callable[[], object], int]] = [
            (self.hand_out, 5), (self.claim, 8), (self.tell, 8), (self.end, 2), (self.lose, 3),
            (self.adopt, 1), (self.report, 9), (self.repeat, 3), (self.resend, 2),
            (self.give_up, 1), (self.close, 1), (self.expire, 2), (self.opt_out, 1),
            (self.sweep, 2),
        ]  # fmt: skip

    def finish(self) -> None:
        self.runner.run(self.pool.close())
        self.runner.close()

    def step(self) -> str:
        """Something happens; its name."""
        choices, weights = zip(*self.steps, strict=True)
        (step,) = self.draw.choices(choices, weights)
        step()
        return step.__name__

    def hand_out(self) -> None:
        """A batch over all that is pending goes to a worker; whoever had it has lost it."""
        row = self.conn.execute(
            "INSERT INTO batches (provider, messages, status, spread_from, spread_until,"
            " created_at) VALUES ('carrier', %s, 'ready', now(), now(), now()) RETURNING id",
            (TOTAL,),
        ).fetchone()
        self.conn.execute(
            "INSERT INTO slices (run_id, batch_id, kind, lo, hi, messages) "
            "VALUES (%s, %s, 'fresh', 0, %s, %s)",
            (self.run_id, row["id"], TOTAL, TOTAL),
        )
        lease = self.runner.run(self.ledger.lease(row["id"], uuid4()))
        assert lease is not None
        self.leases.append(lease)

    def claim(self) -> None:
        if not self.leases:
            return
        lease = self.draw.choice(self.leases)
        claimed = self.runner.run(self.ledger.claim(lease, self.draw.randint(1, TOTAL), "sms"))
        told = [self.settlement(row.seq, row.attempts) for row in claimed or ()]
        if told:
            self.answers.append((lease, told))

    def settlement(self, seq: int, attempts: int) -> Settlement:
        ids = [f"m{self.draw.randrange(10**9)}" for _ in range(2 if self.in_parts else 1)]
        outcome: Result = self.draw.choice(
            (
                Accepted(*ids),
                Accepted(*ids),
                Accepted(*ids),
                Accepted(),
                Throttled(),
                NotSent("too_late"),
                Rejected("blocked"),
                Failed("busy"),
                Unknown("timeout"),
                Unsendable("render_error"),
            )
        )
        if isinstance(outcome, Accepted | Unknown):
            self.ids.setdefault(seq, []).extend(ids)
        found = settle(self.run_id, seq, attempts, outcome, max_attempts=2)
        if found.status == "unknown" and self.draw.random() < 0.3:
            found = Settlement(self.run_id, seq, "pending", "timeout", error_class="in_doubt")
        return found

    def tell(self) -> None:
        """Some answers come late, some twice, some never."""
        if self.answers:
            lease, told = self.draw.choice(self.answers)
            self.runner.run(
                self.ledger.record(lease, told, self.capabilities, announcing=self.announcing)
            )
            if self.draw.random() < 0.7:
                self.answers.remove((lease, told))

    def end(self) -> None:
        """Only of those of whom everything is told: see ``Ledger.hand_back``."""
        told = [lease for lease in self.leases if all(lease != one for one, _ in self.answers)]
        if told:
            lease = self.draw.choice(told)
            self.leases.remove(lease)
            self.runner.run(self.ledger.hand_back(lease))

    def lose(self) -> None:
        """A worker is thought dead; his answer may still come."""
        if self.leases:
            lease = self.leases.pop(self.draw.randrange(len(self.leases)))
            now = datetime.now(UTC)
            doubt.settle_lost(self.conn, [lease.batch_id], NO_PROVIDERS, now=now)
            self.conn.execute(
                handback.SQL.hand_back, handback.parameters([lease.batch_id], now=now)
            )

    def adopt(self) -> None:
        """A journal tells that requests never left, or that one row kills whoever sends it."""
        if self.answers:
            lease, told = self.answers.pop(self.draw.randrange(len(self.answers)))
            undeparted = {
                "run_ids": [self.run_id] * len(told),
                "seqs": [one.seq for one in told],
                "token": lease.token,
                "condemned": self.draw.random() < 0.3,
                "now": datetime.now(UTC),
            }
            self.conn.execute(ADOPTION.release_undeparted, undeparted)

    def report(self) -> None:
        """Also of what was never sent, or is not answered yet."""
        reported = []
        for _ in range(self.draw.randint(1, 4)):
            seq = self.draw.randrange(TOTAL + 1)
            ids = self.ids.get(seq)
            by_id = bool(ids) and self.capabilities is NOTED
            reported.append(
                DeliveryReport(
                    self.draw.choice(REPORTED),
                    datetime.now(UTC) - timedelta(seconds=self.draw.randrange(9)),
                    None if by_id else self.run_id,
                    None if by_id else seq,
                    provider="carrier",
                    message_id=self.draw.choice(ids) if ids else None,
                    part=bool(ids) and self.in_parts and self.draw.random() < 0.9,
                    code=self.draw.choice((None, "absent", "barred")),
                )
            )
        self.said += reported
        reports.record(self.conn, reported)

    def repeat(self) -> None:
        if self.said:
            reports.record(self.conn, self.draw.choices(self.said, k=4))

    def resend(self) -> None:
        which = self.draw.choice(
            (again.unknown(), again.failed(), again.failed("unreported"), again.failed("permanent"))
        )
        parameters = {"run_id": self.run_id, **which.parameters()}
        now = datetime.now(UTC)
        self.conn.execute(again.SQL.send_again, {**parameters, "now": now, "size": again.SLICE})

    def give_up(self) -> None:
        resolve.fail(self.conn, self.run_id, again.unknown(), now=datetime.now(UTC))

    def close(self) -> None:
        lo = self.draw.randrange(TOTAL)
        status = self.draw.choice(("expired", "cancelled"))
        stretch = {"run_id": self.run_id, "status": status, "lo": lo, "hi": lo + 2, "now": None}
        self.conn.execute(LIFECYCLE.close_rows, stretch)

    def expire(self) -> None:
        """Nothing more is waited for of what was accepted."""
        stretch = {"run_id": self.run_id, "lo": 0, "hi": TOTAL, "now": None, "code": "no_report"}
        self.conn.execute(UNREPORTED.settle_silent_rows, stretch)

    def opt_out(self) -> None:
        phone = 447700000000 + self.draw.randrange(TOTAL)
        self.conn.execute(
            "INSERT INTO contacts (group_id, phone) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (rows.optouts_id(self.conn), str(phone)),
        )

    def sweep(self) -> None:
        with self.conn.transaction():
            reports.sweep_strays(self.conn, reports.START, 100, now=datetime.now(UTC))

    def standings(self) -> Iterator[tuple[dict[str, Any], Standing]]:
        """Every row beside what its events say."""
        histories: dict[int, list[Event]] = {seq: [] for seq in range(TOTAL)}
        found = self.conn.execute("SELECT * FROM delivery_history").fetchall()
        for row in found:
            ids = tuple(row["message_ids"] or ())
            values = {each.name: row[each.name] for each in fields(Event)} | {"message_ids": ids}
            histories[row["seq"]].append(Event(**values))
        for row in self.conn.execute("SELECT * FROM deliveries ORDER BY seq").fetchall():
            history = histories[row["seq"]]
            self.draw.shuffle(history)
            yield row, fold(history)


def judge(played: Played) -> None:
    counted: Counter[str] = Counter()
    for row, standing in played.standings():
        is_open = row["status"] in ("pending", "sending")
        assert ("pending" if is_open else row["status"]) == standing.status
        own = () if is_open else ("error_class", "code")
        for name in ("report", "reported_at", "opened_at", "clicked_at", "late", *own):
            column = "error_code" if name == "code" else name
            assert row[column] == getattr(standing, name), name
        counted[row["status"]] += not is_open
        if row["report"]:
            counted[row["report"]] += 1
        for name in ("opened", "clicked"):
            counted[name] += row[f"{name}_at"] is not None
        counted["late"] += row["late"]
        counted["unreported"] += row["error_class"] == "unreported"
    run = played.conn.execute("SELECT * FROM runs").fetchone()
    told = rows.counters(played.conn, played.run_id)
    told |= {name: run[name] for name in COUNTED if run[name]}
    assert told == {name: count for name, count in counted.items() if count}
    judge_outbox(played)


def judge_outbox(played: Played) -> None:
    """Each kind once for each recipient, each submission once, and nothing of whom nobody asks."""
    found = played.conn.execute("SELECT seq, kind FROM event_outbox").fetchall()
    told = Counter((row["seq"], row["kind"]) for row in found)
    if not played.announcing:
        assert not told
        return
    expected: Counter[tuple[int, str]] = Counter()
    for row in played.conn.execute("SELECT * FROM deliveries").fetchall():
        for kind, happened in (
            ("delivered", row["report"] == "delivered"),
            ("opened", row["opened_at"] is not None),
            ("clicked", row["clicked_at"] is not None),
        ):
            expected[row["seq"], kind] = int(happened)
        if row["report"] == "undelivered" or row["status"] == "rejected":
            assert told[row["seq"], "bounced"] >= 1
    resent: Counter[int] = Counter()
    for row in played.conn.execute("SELECT seq, kind FROM delivery_history"):
        expected[row["seq"], "submitted"] += row["kind"] == "submitted"
        resent[row["seq"]] += row["kind"] == "resent"
    # What is sent again may fail once more.
    assert all(told[seq, "bounced"] <= 1 + resent[seq] for seq in range(TOTAL))
    assert +expected == Counter({key: n for key, n in told.items() if key[1] != "bounced"})


@pytest.mark.parametrize("seed", range(24))
def test_every_row_is_the_fold_of_its_events(conn: Connection, database: str, seed: int) -> None:
    played = Played(conn, database, seed)
    done: list[str] = []
    try:
        for _ in range(STEPS):
            done.append(played.step())
            judge(played)
    except AssertionError as error:
        error.add_note(f"after {', '.join(done)}")
        raise
    finally:
        played.finish()


def test_the_kinds_of_events_are_those_of_the_schema(conn: Connection) -> None:
    row = conn.execute(
        "SELECT pg_get_constraintdef(oid) AS text FROM pg_constraint "
        "WHERE conrelid = 'delivery_events'::regclass AND contype = 'c'"
    ).fetchone()
    assert sorted(row["text"].split("'")[1::2]) == sorted(KINDS)
