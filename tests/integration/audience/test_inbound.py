"""What people answer: whose it is, and that a STOP counts at once."""

from __future__ import annotations

import pytest
from psycopg.errors import LockNotAvailable

from campaigns.audience import groups, inbound, jobs, keywords, pending
from campaigns.audience.inbound import InboundMessage
from campaigns.database import Connection, connect
from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.team import teams
from tests.support import ledger as rows
from tests.support.batches import Bench
from tests.support.campaigns import NOW

NUMBER = "447700900000"


def first(bench: Bench) -> str:
    """The number of the first recipient."""
    return "447700000000"


@pytest.fixture
def bench(conn: Connection, database: str) -> Bench:
    found = Bench(conn, database)
    conn.execute("UPDATE campaigns SET sender = %s", (f"+{NUMBER}",))
    return found


def say(bench: Bench, text: str, *, sender: str = "+447700000000", to: str = f"+{NUMBER}",
        provider: str = "carrier") -> int:  # fmt: skip
    return inbound.receive(bench.conn, [InboundMessage(provider, sender, (to,), text)])


def members(bench: Bench) -> list[tuple[str, str, str]]:
    found = bench.conn.execute(
        "SELECT t.name AS team, g.name, c.phone FROM contacts c JOIN contact_groups g "
        "ON g.id = c.group_id JOIN teams t ON t.id = g.team_id ORDER BY 1, 2, 3"
    )
    return [tuple(row.values()) for row in found]


OUT = ("default", "default_optouts", "447700000000")


@pytest.mark.parametrize("word", ["STOP", "StopAll", "unsubscribe.", "Cancel!", "END now", "quit"])
def test_a_stop_word_opts_out(bench, word):
    assert say(bench, word) == 1
    assert members(bench) == [OUT]
    assert say(bench, word) == 1
    assert members(bench) == [OUT]


@pytest.mark.parametrize("text", ["", "Please stop", "thanks", "stopping"])
def test_other_words_do_nothing(bench, text):
    assert say(bench, text) == 0
    assert members(bench) == []


def test_a_stop_holds_in_the_middle_of_a_run(bench):
    bench.send(bench.cut(0, 10))
    say(bench, "Stop", sender="+447700000020")
    bench.send(bench.cut(10, 40))
    assert "447700000020" not in bench.transport.carried
    assert rows.statuses(bench.conn, bench.run_id)["suppressed"] == 1


@pytest.mark.parametrize("kind", ["flush", "remove"])
def test_a_stop_survives_a_change_that_waited(bench, kind):
    optouts = groups.find_default_optouts(bench.conn, rows.team_id(bench.conn))
    say(bench, "STOP")
    job = pending.store(bench.conn, optouts.id, kind, [{"phone": OUT[2]}])
    say(bench, "STOP")
    jobs.work(bench.conn, job)
    assert members(bench) == [OUT]


def test_a_repeated_stop_holds_its_row_until_it_has_seen_what_waits(bench, database):
    say(bench, "STOP")
    with bench.conn.transaction():
        say(bench, "STOP")
        with connect(database) as other, pytest.raises(LockNotAvailable):
            other.execute("SELECT FROM contacts FOR UPDATE NOWAIT")
    assert members(bench) == [OUT]


def test_numbers_are_the_same_with_and_without_their_plus(bench):
    assert say(bench, "STOP", sender="447700000000", to=NUMBER) == 1
    assert members(bench) == [OUT]


@pytest.mark.parametrize("sender", ["", "Acme", "12345", "+0123456789", "\x00", "4" * 30])
def test_who_has_no_number_is_nobody(bench, sender):
    assert say(bench, "STOP", sender=sender) == 0
    assert members(bench) == []


def other_team(bench: Bench, name: str = "Other") -> None:
    """A team that writes from the same number."""
    team = teams.create(bench.conn, name)
    bench.conn.execute(
        "INSERT INTO campaigns (id, team_id, name, sender, sending_type, provider, template, "
        "schedule_type, scheduled_send_date, status, submission, created_at, updated_at) "
        "SELECT gen_random_uuid(), %s, 'Other', sender, sending_type, provider, template, "
        "'now', now(), 'finished', '', now(), now() FROM campaigns LIMIT 1",
        (team.id,),
    )


def test_an_answer_belongs_to_the_team_that_wrote_last(bench):
    bench.send(bench.cut(0, 10))
    other_team(bench)
    say(bench, "STOP")
    assert members(bench) == [OUT]


def test_where_nobody_wrote_a_stop_counts_for_all_who_write_from_that_number(bench):
    other_team(bench)
    say(bench, "STOP", sender="+447700999999")
    assert [row[0] for row in members(bench)] == ["Other", "default"]


def test_a_stop_counts_though_the_campaign_has_another_sender_by_now(bench):
    bench.send(bench.cut(0, 10))
    other_team(bench)
    bench.conn.execute("UPDATE campaigns SET sender = '+447700900009'")
    assert say(bench, "STOP", sender="+447700000020") == 0
    assert say(bench, "STOP", provider="second") == 0
    assert say(bench, "STOP") == 1
    assert members(bench) == [OUT]


def test_a_number_or_an_account_that_no_campaign_has_means_nothing(bench):
    assert say(bench, "STOP", to="+447700900001") == 0
    assert say(bench, "STOP", provider="second") == 0
    assert members(bench) == []


def test_a_teams_own_word_leads_into_its_group(bench):
    team = rows.team_id(bench.conn)
    groups.create(bench.conn, team, "VIP")
    groups.create(bench.conn, team, "No ads", "optout")
    keywords.create(bench.conn, team, "Café", "VIP", now=NOW)
    keywords.create(bench.conn, team, "NOADS", "No ads", now=NOW)
    assert say(bench, "cafe please") == 1
    assert say(bench, "NoAds") == 1
    assert members(bench) == [
        ("default", "No ads", "447700000000"), ("default", "VIP", "447700000000"),
    ]  # fmt: skip


def test_somebody_who_joins_is_no_longer_held_for_dead(bench):
    team = rows.team_id(bench.conn)
    groups.create(bench.conn, team, "VIP")
    keywords.create(bench.conn, team, "join", "VIP", now=NOW)
    bench.conn.execute(
        "INSERT INTO gone_addresses VALUES (%s, 'sms', '447700000000', 'carrier', 'x', now())",
        (team,),
    )
    say(bench, "Join")
    assert bench.conn.execute("SELECT FROM gone_addresses").fetchall() == []


def test_keywords_are_words_of_the_teams_own(conn):
    team, other = teams.create(conn, "Acme"), teams.create(conn, "Other")
    groups.create(conn, team.id, "VIP")
    groups.create(conn, team.id, "Second")
    first = keywords.create(conn, team.id, " VIP ", "VIP", now=NOW)
    assert keywords.create(conn, team.id, "vip", "VIP", now=NOW) == first
    assert keywords.list_all(conn, team.id) == [first]
    assert keywords.list_all(conn, other.id) == []
    with pytest.raises(Conflict, match="another group"):
        keywords.create(conn, team.id, "Vip", "Second", now=NOW)
    with pytest.raises(NotFound):
        keywords.create(conn, other.id, "vip", "VIP", now=NOW)
    with pytest.raises(NotFound):
        keywords.delete(conn, other.id, "vip")
    for word in ("", "two words", "a-b", "x" * 31, "👍", "a\x00"):
        with pytest.raises(Invalid, match="must be one word"):
            keywords.create(conn, team.id, word, "VIP", now=NOW)
    with pytest.raises(Invalid, match="always opts out"):
        keywords.create(conn, team.id, "Stóp", "VIP", now=NOW)
    keywords.delete(conn, team.id, "VIP")
    assert keywords.list_all(conn, team.id) == []
