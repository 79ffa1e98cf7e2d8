"""Links that are counted, and opt-outs by a click or a word."""

from campaigns.migrations.scripts import run_sql

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    run_sql("0009_links.sql")
