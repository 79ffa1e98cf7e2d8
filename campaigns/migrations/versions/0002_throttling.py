"""Throttling: calendars, recurrence, lanes, shares, adaptive accounts, frequency caps."""

from campaigns.migrations.scripts import run_sql

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run_sql("0002_throttling.sql")
