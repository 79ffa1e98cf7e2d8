"""What a person decides about messages is done to those, and said."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.support import ledger
from tests.support.command_line import CommandLine


def test_what_is_unknown_is_listed_and_decided(command: CommandLine, conn) -> None:
    run_id = ledger.run(conn, ledger.campaign(conn, datetime.now(UTC)), 3, datetime.now(UTC))
    assert "Nothing is held" in command.succeed("deliveries", "unknown", run_id)
    conn.execute(
        "UPDATE deliveries SET status = 'unknown', error_class = 'in_doubt', provider = 'carrier', "
        "error_code = CASE WHEN seq = 2 THEN 'read_timeout' ELSE 'worker_lost' END"
    )
    conn.execute("UPDATE runs SET unknown = 3")
    conn.execute("UPDATE lanes SET next_seq = 3")
    page = command.json("deliveries", "unknown", run_id, "--limit", "2")
    assert [d["seq"] for d in page["deliveries"]] == [0, 1]
    assert page["more"] is True
    table = command.succeed("deliveries", "unknown", run_id)
    for column in ("account", "class", "code", "claimed", "carrier", "in_doubt", "worker_lost"):
        assert column in table
    assert command.json("deliveries", "resolve", run_id, "--fail", "--seq", 1)["resolved"] == 1
    for code, count in (("read_timeout", 1), ("nonsense", 0), ("worker_lost", 1)):
        shown = command.succeed("deliveries", "resolve", run_id, "--resend", "--code", code)
        assert shown == f"{count} deliveries will be sent again.\n"
    assert ledger.statuses(conn, run_id) == {"pending": 2, "failed": 1}


def test_what_failed_is_sent_again_by_class(command: CommandLine, conn) -> None:
    campaign_id = ledger.campaign(conn, datetime.now(UTC))
    run_id = ledger.run(conn, campaign_id, 3, datetime.now(UTC))
    conn.execute(
        "UPDATE deliveries SET status = 'failed', "
        "error_class = CASE WHEN seq = 2 THEN 'poisoned' ELSE 'transient' END"
    )
    conn.execute("UPDATE runs SET failed = 3")
    conn.execute("UPDATE lanes SET next_seq = 3")
    resume = ("campaigns", "resume", campaign_id)
    assert command.json(*resume, "--scope", "failed", "--class", "transient")["resent"] == 2
    assert ledger.statuses(conn, run_id) == {"pending": 2, "failed": 1}
    shown = command.succeed(*resume, "--scope", "failed")
    assert shown == f"Campaign {campaign_id} is sending.\n1 deliveries will be sent again.\n"
    assert ledger.statuses(conn, run_id) == {"pending": 3}
