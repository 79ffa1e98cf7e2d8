"""What a campaign says about the parts of its text messages."""

from campaigns.migrations.scripts import run_sql

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    run_sql("0005_templates.sql")
