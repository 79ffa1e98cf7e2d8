"""Segments of groups, and campaigns for a part of their groups."""

from campaigns.migrations.scripts import run_sql

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run_sql("0007_segments.sql")
