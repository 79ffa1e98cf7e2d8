"""The database's history: one script and one SQL file per revision."""

from campaigns.migrations.runner import WAIT_SECONDS, current, head, migrate

__all__ = ["WAIT_SECONDS", "current", "head", "migrate"]
