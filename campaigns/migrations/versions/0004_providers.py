"""What vendors say beyond one message: refused accounts, dead addresses, recipients to wait for."""

from campaigns.migrations.scripts import run_sql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run_sql("0004_providers.sql")
