"""Groups that change in jobs and are kept for a limited time."""

from campaigns.migrations.scripts import run_sql

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    run_sql("0010_groups.sql")
