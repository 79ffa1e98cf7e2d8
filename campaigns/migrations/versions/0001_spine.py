"""The spine: teams, groups, contacts, campaigns, runs and the delivery ledger."""

from campaigns.migrations.scripts import run_sql

revision = "0001"
down_revision = None


def upgrade() -> None:
    run_sql("0001_spine.sql")
