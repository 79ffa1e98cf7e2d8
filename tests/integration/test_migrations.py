"""Migrating a real PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command

from campaigns import migrations
from campaigns.database import Connection, connect, opened
from campaigns.errors import ConfigurationError, Unavailable
from campaigns.migrations import runner
from tests.support.processes import Processes
from tests.support.waiting import eventually

MIGRATE = "import sys; from campaigns import migrations; print(migrations.migrate(sys.argv[1]))"


def test_an_empty_database_reaches_the_newest_revision(empty_database: str) -> None:
    assert migrations.current(empty_database) is None
    assert migrations.migrate(empty_database) == migrations.head()
    assert migrations.current(empty_database) == migrations.head()


def test_a_repetition_changes_nothing(database: str) -> None:
    with opened(database) as conn:
        conn.execute("INSERT INTO teams (id, name) VALUES (gen_random_uuid(), 'mine')")
        assert migrations.migrate(database) == migrations.head()
        assert conn.execute("SELECT count(*) AS n FROM teams").fetchone() == {"n": 2}


def test_processes_that_migrate_at_once_all_succeed(
    empty_database: str, processes: Processes
) -> None:
    several = [processes.python("-c", MIGRATE, empty_database) for _ in range(3)]
    assert [process.succeed().strip() for process in several] == [migrations.head()] * 3
    assert migrations.current(empty_database) == migrations.head()


def test_the_second_waits_while_the_first_holds_the_lock(
    empty_database: str, processes: Processes
) -> None:
    with opened(empty_database) as first:
        first.execute("SELECT pg_advisory_lock(%s)", [0x736C75696365])
        second = processes.python(
            "-c", "import logging; logging.basicConfig(level='INFO')\n" + MIGRATE, empty_database
        )
        second.wait_for("another process is migrating")
        assert migrations.current(empty_database) is None
    second.succeed()
    assert migrations.current(empty_database) == migrations.head()


def test_the_default_team_has_its_optouts(conn: Connection) -> None:
    rows = conn.execute(
        "SELECT t.name AS team, g.name, g.kind, g.is_default_optouts, g.deletable"
        " FROM teams t JOIN contact_groups g ON g.team_id = t.id"
    ).fetchall()
    assert rows == [
        {
            "team": "default",
            "name": "default_optouts",
            "kind": "optout",
            "is_default_optouts": True,
            "deletable": False,
        }
    ]


def test_contacts_that_are_written_meanwhile_are_counted(empty_database: str) -> None:
    with runner._connected(empty_database) as connection:
        command.upgrade(runner._config(connection), "0009")
        connection.commit()
    with (
        connect(empty_database) as conn,
        connect(empty_database) as writer,
        ThreadPoolExecutor(1) as thread,
    ):
        with writer.transaction():
            writer.execute(
                "INSERT INTO contacts (group_id, phone)"
                " SELECT id, '447785856985' FROM contact_groups"
            )
            migrating = thread.submit(migrations.migrate, empty_database)
            eventually(
                lambda: (
                    conn.execute(
                        "SELECT FROM pg_locks WHERE NOT granted AND relation = 'contacts'::regclass"
                    ).fetchone()
                    is not None
                ),
                timeout=20,
                message="the migration waits",
            )
        migrating.result(60)
        assert conn.execute("SELECT sum(contacts) AS n FROM group_tallies").fetchone() == {"n": 1}


def test_a_failing_migration_leaves_nothing_behind(
    empty_database: str, processes: Processes
) -> None:
    with opened(empty_database) as conn:
        conn.execute("CREATE TABLE deliveries (id int)")  # in the way of the first revision
    process = processes.python("-c", MIGRATE, empty_database)
    assert process.wait() != 0
    with opened(empty_database) as conn:
        assert conn.execute("SELECT to_regclass('teams') AS found").fetchone() == {"found": None}
    assert migrations.current(empty_database) is None


def test_a_database_of_a_newer_version_is_left_alone(database: str) -> None:
    with opened(database) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match="revision 9999, which this version"):
        migrations.migrate(database)
    assert migrations.current(database) == "9999"


@pytest.mark.parametrize("url", ["mysql://me@localhost/x", "sluice", "host=localhost"])
def test_a_url_of_something_else_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SLUICE_DATABASE_URL: it must look like"):
        migrations.migrate(url)


def test_a_database_that_never_comes_up_is_named(database: str) -> None:
    nowhere = database.rsplit("@", 1)[0] + "@127.0.0.1:1/none"
    with pytest.raises(Unavailable, match="SLUICE_DATABASE_URL: PostgreSQL cannot be reached"):
        migrations.migrate(nowhere, wait_seconds=0)


def test_statement_timeouts_of_the_role_do_not_reach_a_migration(
    empty_database: str,
) -> None:
    with connect(empty_database) as conn:
        name = conn.info.dbname
        conn.execute(f'ALTER DATABASE "{name}" SET statement_timeout = 1')
    assert migrations.migrate(empty_database) == migrations.head()
