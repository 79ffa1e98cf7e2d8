"""What the HTTP door needs: tokens with scopes and an end, clients, numbers."""

from campaigns.migrations.scripts import run_sql

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run_sql("0006_door.sql")
