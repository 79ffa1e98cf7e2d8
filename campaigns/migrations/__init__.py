"""The database's history: one script and one SQL file per revision."""

from campaigns.migrations.runner import current, head, migrate

__all__ = ["current", "head", "migrate"]
