"""A database that is used again shows nothing of the test that had it before."""

from __future__ import annotations

from campaigns.database import connect, opened
from campaigns.team import teams
from tests.support.servers import Databases

_CONTENT = "SELECT * FROM teams, contact_groups, signing_keys"


def test_what_was_written_is_taken_out_and_what_was_deleted_comes_back(
    databases: Databases,
) -> None:
    with databases.fresh() as first, opened(first) as conn:
        before = conn.execute(_CONTENT).fetchall()
        teams.create(conn, "acme", "GB")
        conn.execute("DELETE FROM signing_keys")
        conn.execute("INSERT INTO batches (provider, messages, status, spread_from, spread_until,"
                     " created_at) SELECT 'x', 1, 'ready', now(), now(), now()")  # fmt: skip
    with databases.fresh() as second, opened(second) as conn:
        assert second == first
        assert conn.execute(_CONTENT).fetchall() == before
        assert conn.execute("SELECT FROM batches").fetchall() == []
        row = conn.execute("SELECT nextval(pg_get_serial_sequence('batches', 'id')) AS id")
        assert row.fetchone() == {"id": 1}


def test_whoever_is_still_connected_is_cut_off(databases: Databases) -> None:
    with databases.fresh() as first:
        left = connect(first)
        left.execute("BEGIN; DELETE FROM signing_keys")
    with databases.fresh() as second, opened(second) as conn:
        assert second == first
        assert len(conn.execute("SELECT FROM signing_keys").fetchall()) == 1
    left.close()


def test_a_database_whose_definitions_or_statistics_changed_is_not_used_again(
    databases: Databases,
) -> None:
    for change in (
        "CREATE TABLE more (id int)",
        "CREATE INDEX ON teams (name)",
        "ALTER TABLE deliveries ALTER attempts SET DEFAULT 7",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ANALYZE teams",
        "INSERT INTO teams (id, name) SELECT gen_random_uuid(), n::text"
        " FROM generate_series(1, 9000) n",
    ):
        with databases.fresh() as first, opened(first) as conn:
            conn.execute(change)
        with databases.fresh() as second:
            assert second != first, change
