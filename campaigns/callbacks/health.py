"""How it goes with a receiver."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a receiver from the attempts to tell it things."""

    #: ``gone``: it said so itself; ``operator``; ``None``: it is enabled.
    disabled_reason: str | None
    #: Attempts in a row that failed, since when, and how the last one did.
    failures: int
    failing_since: datetime | None
    last_code: str | None
    last_attempt_at: datetime | None
    last_success_at: datetime | None
    #: Messages that wait, and of those that are kept: that were delivered, that were given up.
    waiting: int
    delivered: int
    dead: int

    @property
    def state(self) -> str:
        """In a word or two."""
        if self.disabled_reason:
            return f"disabled ({self.disabled_reason})"
        return "failing" if self.failures else "enabled"


def health(row: Mapping[str, Any]) -> Health:
    """The health in a row with the columns of ``health`` in endpoints.sql."""
    return Health(
        row["disabled_reason"],
        row["failures"] or 0,
        row["failing_since"],
        row["last_code"],
        row["last_attempt_at"],
        row["last_success_at"],
        **row["counts"],
    )
