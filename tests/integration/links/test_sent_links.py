"""Links from a message that was sent to what following them does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg.errors import LockNotAvailable

from campaigns.audience import groups, jobs, pending
from campaigns.database import Connection, connect
from campaigns.links import clicks, codes, domains, links, opt_outs
from campaigns.links.clicks import Visit
from campaigns.links.codes import Code
from campaigns.run import signing
from tests.support import ledger as rows
from tests.support.batches import Bench

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST = "go.example.com"
SALE = "https://shop.example/sale"


class Sent:
    """A run of forty, whose campaign has a tracked link, an opt-out link and a pixel."""

    def __init__(self, conn: Connection, url: str) -> None:
        self.bench = Bench(conn, url)
        self.conn = conn
        self.team = rows.team_id(conn)
        domains.create(conn, self.team, HOST, now=NOW)
        self.group = groups.create(conn, self.team, "No news", "optout").id
        links.create(conn, self.team, HOST, "plain", target=SALE, now=NOW)
        for number, source, kind, target, group in (
            (0, "{track_link}", "redirect", SALE, None),
            (1, "{opt_out_link}", "opt_out", None, None),
            (2, "{open}", "open", None, None),
            (3, "https://go.example.com/ads/out", "opt_out", None, self.group),
        ):
            conn.execute(
                "INSERT INTO campaign_links VALUES (%s, %s, %s, %s, %s, %s, NULL, %s, true)",
                (self.bench.campaign_id, number, source, kind, HOST, target, group),
            )
        self.keys = signing.Keyring().keys(conn)

    def send(self, count: int = 10, lo: int = 0) -> None:
        self.bench.send(self.bench.cut(lo, lo + count))

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.bench.adapter.sent]

    def code(self, seq: int, link: int) -> Code:
        return Code(self.bench.run_id, seq, link)

    def visit(self, seq: int, link: int, *, machine: bool = False, later: float = 60) -> None:
        at = datetime.now(UTC) + timedelta(seconds=later)
        clicks.record(self.conn, [Visit(self.code(seq, link), at, machine)])

    def clicked(self, seq: int) -> dict[str, Any]:
        row = self.conn.execute(
            "SELECT clicked_at IS NOT NULL AS clicked, opened_at IS NOT NULL AS opened, report, "
            "status FROM deliveries WHERE seq = %s",
            (seq,),
        ).fetchone()
        assert row is not None
        return row

    def counts(self, seq: int) -> list[tuple[int, int, int]]:
        found = self.conn.execute(
            "SELECT link, times, bot_times FROM link_clicks WHERE seq = %s ORDER BY link", (seq,)
        )
        return [tuple(row.values()) for row in found]

    def opt_out(self, seq: int, link: int) -> bool:
        code = self.code(seq, link)
        found = clicks.destination(self.conn, HOST, code)
        assert found is not None
        assert found.kind == "opt_out"
        return opt_outs.opt_out(self.conn, code, found)


@pytest.fixture
def sent(conn: Connection, database: str) -> Sent:
    return Sent(conn, database)


def test_each_recipient_gets_links_that_lead_back_to_the_row(sent):
    sent.send()
    assert len(sent.texts) == 10
    for message in sent.bench.adapter.sent:
        head, track, out = message.text.rsplit(" ", 2)
        assert head == "Hello Ada"
        for url, number in ((track, 0), (out, 1)):
            host, code = url.removeprefix("https://").split("/")
            found = codes.read(code, sent.keys)
            assert host == HOST
            assert found == (sent.bench.run_id, int(message.address) - 447700000000, number)
    assert len({word for text in sent.texts for word in text.split()[2:]}) == 20


def test_a_code_leads_where_the_campaign_was_saved_to_and_on_its_own_domain_only(sent):
    found = clicks.destination(sent.conn, HOST, sent.code(0, 0))
    assert (found.kind, found.target, found.sending_type) == ("redirect", SALE, "sms")
    assert clicks.destination(sent.conn, "other.example.com", sent.code(0, 0)) is None
    assert clicks.destination(sent.conn, HOST, sent.code(0, 99)) is None
    assert clicks.destination(sent.conn, HOST, Code(10**6, 0, 0)) is None
    assert clicks.plain_target(sent.conn, HOST, "plain") == SALE
    assert clicks.plain_target(sent.conn, HOST, "other") is None
    # Somebody else has the domain by now.
    sent.conn.execute("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'Other')")
    sent.conn.execute("UPDATE domains SET team_id = (SELECT id FROM teams WHERE name = 'Other')")
    assert clicks.destination(sent.conn, HOST, sent.code(0, 0)) is None


def test_the_first_click_of_a_person_is_an_event_and_all_are_counted(sent):
    sent.send()
    for _ in range(3):
        sent.visit(4, 0)
    sent.visit(4, 0, machine=True)
    assert sent.clicked(4) == {
        "clicked": True, "opened": False, "report": "delivered", "status": "accepted",
    }  # fmt: skip
    assert sent.counts(4) == [(0, 3, 1)]
    events = sent.conn.execute("SELECT key FROM delivery_events WHERE kind = 'clicked'").fetchall()
    assert [row["key"] for row in events] == ["r:@link 0"]
    assert rows.field(sent.conn, "runs", sent.bench.run_id, "clicked") == 1
    (sale, *_) = clicks.count_by_link(sent.conn, sent.bench.run_id)
    assert (sale.target, sale.recipients, sale.times, sale.bot_times) == (SALE, 1, 3, 1)


def test_what_machines_follow_is_no_click(sent):
    sent.send()
    sent.visit(4, 0, machine=True)
    assert sent.clicked(4)["clicked"] is False
    assert sent.counts(4) == [(0, 0, 1)]


def test_an_email_that_is_followed_before_anybody_can_read_it_was_followed_by_a_machine(sent):
    sent.send()
    sent.visit(4, 0, later=0)
    assert sent.clicked(4)["clicked"] is True
    sent.conn.execute("UPDATE campaigns SET sending_type = 'email'")
    sent.visit(5, 0, later=0)
    assert sent.clicked(5)["clicked"] is False
    sent.visit(5, 0, later=60)
    assert sent.clicked(5)["clicked"] is True
    assert sent.counts(5) == [(0, 1, 1)]


def test_a_pixel_is_an_opening_and_no_click(sent):
    sent.send()
    sent.visit(4, 2)
    found = sent.clicked(4)
    assert (found["opened"], found["clicked"]) == (True, False)


def test_looking_at_an_opt_out_link_is_no_click_and_opts_nobody_out(sent):
    sent.send()
    sent.visit(4, 1)
    found = sent.clicked(4)
    assert (found["opened"], found["clicked"]) == (False, False)
    assert sent.conn.execute("SELECT FROM contacts").fetchall() == []


def test_clicks_of_many_are_counted_together(sent):
    sent.send()
    later = datetime.now(UTC) + timedelta(minutes=1)
    visits = [Visit(sent.code(seq, 0), later, False) for seq in (3, 1, 2, 1)]
    clicks.record(sent.conn, [*visits, Visit(Code(10**6, 1, 0), later, False)])
    assert rows.field(sent.conn, "runs", sent.bench.run_id, "clicked") == 3
    assert sent.counts(1) == [(0, 2, 0)]


def test_an_opt_out_holds_in_the_middle_of_a_run_and_once_is_enough(sent):
    sent.send(10)
    assert sent.opt_out(15, 1) is True
    assert sent.opt_out(15, 1) is False
    sent.send(30, lo=10)
    assert "447700000015" not in sent.bench.transport.carried
    assert len(sent.texts) == 38  # Nor is number 13 of the scripted adapter.
    found = sent.conn.execute("SELECT status, error_code FROM deliveries WHERE seq = 15").fetchone()
    assert (found["status"], found["error_code"]) == ("suppressed", "opted_out")
    where = sent.conn.execute(
        "SELECT g.name, c.phone FROM contacts c JOIN contact_groups g ON g.id = c.group_id"
    ).fetchall()
    assert [tuple(row.values()) for row in where] == [("default_optouts", "447700000015")]


@pytest.mark.parametrize(("link", "name"), [(1, "default_optouts"), (3, "No news")])
def test_an_opt_out_survives_a_flush_that_waited(sent, link, name):
    optouts = groups.find(sent.conn, sent.team, name)
    sent.opt_out(15, link)
    flush = pending.store(sent.conn, optouts.id, "flush")
    sent.opt_out(16, link)
    # Known already, and said once more after the flush was asked for.
    assert sent.opt_out(15, link) is False
    jobs.work(sent.conn, flush)
    found = sent.conn.execute("SELECT phone FROM contacts WHERE group_id = %s ORDER BY 1",
                              (optouts.id,))  # fmt: skip
    assert [row["phone"] for row in found] == ["447700000015", "447700000016"]


def test_an_opt_out_goes_into_the_links_group_and_into_the_default_one_if_that_is_gone(sent):
    sent.opt_out(3, 3)
    names = "SELECT g.name FROM contacts c JOIN contact_groups g ON g.id = c.group_id ORDER BY c.id"
    assert [row["name"] for row in sent.conn.execute(names)] == ["No news"]
    groups.delete(sent.conn, sent.team, sent.group)
    sent.opt_out(4, 3)
    assert [row["name"] for row in sent.conn.execute(names)] == ["default_optouts"]


def test_a_repeated_opt_out_holds_its_row_until_it_has_seen_what_waits(sent, database):
    sent.opt_out(5, 3)
    with sent.conn.transaction():
        assert sent.opt_out(5, 3) is False
        with connect(database) as other, pytest.raises(LockNotAvailable):
            other.execute("SELECT FROM contacts FOR UPDATE NOWAIT")


def test_a_mail_has_its_one_click_url_and_its_pixel(sent):
    sent.bench.configs = [sent.bench.config.model_copy(update={"channel": "email"})]
    sent.conn.execute(
        "UPDATE campaigns SET sending_type = 'email', template = %s",
        (json.dumps({"subject": "S", "html": '<a href="{track_link}">x</a>'}),),
    )
    sent.send(1)
    (message,) = sent.bench.adapter.sent
    code = codes.sealer(sent.keys[0])
    run = sent.bench.run_id
    assert message.content.unsubscribe_url == f"https://{HOST}/{code.seal(run, 0, 1)}"
    assert message.content.html == (
        f'<a href="https://{HOST}/{code.seal(run, 0, 0)}">x</a>'
        f'<img src="https://{HOST}/{code.seal(run, 0, 2)}.gif" width="1" height="1" alt="">'
    )


def test_links_that_are_no_longer_in_use_are_not_in_new_messages_and_still_lead(sent):
    sent.conn.execute("UPDATE campaign_links SET in_use = false")
    sent.send(1)
    assert sent.texts == ["Hello Ada"]
    assert clicks.destination(sent.conn, HOST, sent.code(0, 0)).target == SALE


@pytest.mark.parametrize("purposes", [["links"], ["bounce"], ["links", "bounce"]], ids=str)
def test_bounces_come_back_to_a_domain_that_is_for_them(sent, purposes):
    sent.conn.execute("UPDATE domains SET purposes = %s", (purposes,))
    sent.conn.execute("UPDATE campaigns SET domain_id = (SELECT id FROM domains)")
    sent.send(1)
    (message,) = sent.bench.adapter.sent
    assert message.bounce_domain == (HOST if "bounce" in purposes else None)


def test_no_field_of_a_contact_can_take_the_place_of_a_link(sent):
    """Somebody may call a column of an import as links are called inside."""
    sent.conn.execute(
        "UPDATE deliveries SET fields = "
        """'{"link 0": "https://evil.example", "track_link": "https://evil.example"}'"""
    )
    sent.send(3)
    assert not any("evil" in text for text in sent.texts)
    assert all(text.count(f"https://{HOST}/") == 2 for text in sent.texts)
