"""The ledger in full: events, reports by message id, signatures, what a crash leaves behind."""

from campaigns.migrations.scripts import run_sql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run_sql("0003_ledger.sql")
