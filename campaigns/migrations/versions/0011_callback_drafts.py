"""Campaigns that are being drawn up, contacts that come with a campaign, pages of campaigns."""

from campaigns.migrations.scripts import run_sql

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    run_sql("0011_callback_drafts.sql")
