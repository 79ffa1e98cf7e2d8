"""Used databases made as good as new.

Taking out what a test left costs a tenth of copying the template, which writes a thousand files.
"""

from __future__ import annotations

from psycopg import sql

from campaigns.database import Connection

#: A larger table is not worth emptying row by row, in bytes.
_LARGEST_TABLE = 256 * 1024

_TABLES = """
SELECT oid::regclass::text AS name FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY oid
"""

_SEQUENCES = """
SELECT format('%I.%I', schemaname, sequencename) AS name,
       coalesce(last_value, start_value) AS value, last_value IS NOT NULL AS called
FROM pg_sequences
"""

#: Changes with every definition that is added, changed or taken away, and with what the planner
#: knows of the tables. Rows of catalogs are written anew when they change, so their xmin does too;
#: only what VACUUM finds out is written in place. 16384 is the first oid that initdb did not use.
_SHAPE = """
SELECT array[
    (SELECT max(xmin::text::bigint) FROM pg_attribute), (SELECT count(*) FROM pg_attribute),
    (SELECT max(xmin::text::bigint) FROM pg_class), (SELECT count(*) FROM pg_class),
    (SELECT max(xmin::text::bigint) FROM pg_constraint), (SELECT count(*) FROM pg_constraint),
    (SELECT max(xmin::text::bigint) FROM pg_attrdef), (SELECT count(*) FROM pg_attrdef),
    (SELECT max(xmin::text::bigint) FROM pg_proc), (SELECT count(*) FROM pg_proc),
    (SELECT max(xmin::text::bigint) FROM pg_trigger), (SELECT count(*) FROM pg_trigger),
    (SELECT max(xmin::text::bigint) FROM pg_namespace), (SELECT count(*) FROM pg_namespace),
    (SELECT count(*) FROM pg_statistic WHERE starelid >= 16384),
    (SELECT sum(relpages + reltuples)::bigint FROM pg_class WHERE oid >= 16384 AND relkind = 'r'),
    (SELECT count(*) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE datname = current_database())
] AS shape
"""

_LARGEST = """
SELECT max(pg_relation_size(oid)) AS bytes FROM pg_class WHERE oid >= 16384 AND relkind = 'r'
"""

_ALONE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class Original:
    """A database as it is before its first use; ``conn`` is connected to one."""

    def __init__(self, conn: Connection) -> None:
        self._shape = _shape(conn)
        self._sequences = conn.execute(_SEQUENCES).fetchall()
        self._tables = [sql.SQL(row["name"]) for row in conn.execute(_TABLES)]
        self._rows: list[tuple[sql.SQL, list[bytes]]] = []
        for table in self._tables:
            with conn.cursor().copy(sql.SQL("COPY {} TO STDOUT").format(table)) as copy:
                if rows := [bytes(block) for block in copy]:
                    self._rows.append((table, rows))

    def restore(self, conn: Connection) -> bool:
        """Make a used copy the same again, or say that it is not worth it.

        Whoever else is connected is cut off.
        """
        conn.execute(_ALONE)
        largest = conn.execute(_LARGEST).fetchone()
        if _shape(conn) != self._shape or largest is None or largest["bytes"] > _LARGEST_TABLE:
            return False
        with conn.transaction():
            # Neither triggers nor foreign keys: what is left at the end is consistent.
            conn.execute("SET LOCAL session_replication_role = replica")
            deletions = [sql.SQL("DELETE FROM {}").format(table) for table in self._tables]
            conn.execute(sql.SQL("; ").join(deletions))
            for table, rows in self._rows:
                with conn.cursor().copy(sql.SQL("COPY {} FROM STDIN").format(table)) as copy:
                    for block in rows:
                        copy.write(block)
            for sequence in self._sequences:
                conn.execute("SELECT setval(%(name)s, %(value)s, %(called)s)", sequence)
        return True


def _shape(conn: Connection) -> list[int]:
    row = conn.execute(_SHAPE).fetchone()
    assert row is not None
    shape: list[int] = row["shape"]
    return shape
