"""What migration scripts call."""

from __future__ import annotations

from importlib import resources
from typing import cast

import psycopg
from alembic import op


def run_sql(file: str) -> None:
    """Run the SQL file ``file`` that stands beside the migration scripts.

    It goes to the driver as it is, inside the migration's transaction: neither colons nor percent
    signs have a meaning, and without parameters PostgreSQL takes several statements at once.
    """
    text = resources.files("campaigns.migrations.versions").joinpath(file).read_text("utf-8")
    connection = cast("psycopg.Connection", op.get_bind().connection.driver_connection)
    with connection.cursor() as cursor:
        cursor.execute(text.encode())
