"""What the broker does not take is published again by the very next tick."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from campaigns import settings
from campaigns.database import Connection
from campaigns.messaging import TASK_SEND
from scheduler.beat import Ticker
from tests.support import ledger


def test_a_broker_that_is_away_makes_no_message_wait_for_its_repetition(
    conn: Connection, database: str, tmp_path: Path
) -> None:
    """However long it was away: nothing that it did not take counts as lost on the way."""
    providers = tmp_path / "providers.toml"
    providers.write_text(
        '[providers.carrier]\nadapter = "sandbox"\nchannel = "sms"\nurl = "http://127.0.0.1:1/"\n'
    )
    now = datetime.now(UTC)
    ledger.run(conn, ledger.campaign(conn, now), 10, now)
    published: list[tuple[str, int]] = []
    away = True

    def publish(task: str, row_id: int) -> None:
        if away:
            raise ConnectionError
        published.append((task, row_id))

    ticker = Ticker(
        settings.load({"SLUICE_DATABASE_URL": database, "SLUICE_PROVIDERS": str(providers)}),
        publish,
    )
    try:
        for _ in range(3):
            ticker.step()
        away = False
        ticker.step()
        batch = conn.execute("SELECT id, publications FROM batches").fetchall()
    finally:
        ticker.drop_connection()
    assert published == [(TASK_SEND, row["id"]) for row in batch]
    assert [row["publications"] for row in batch] == [1]
