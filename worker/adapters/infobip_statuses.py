"""What Infobip says of a message, in its answers and in its reports alike.

https://www.infobip.com/docs/essentials/api-essentials/response-status-and-error-codes
"""

from __future__ import annotations

from typing import Any, NamedTuple

from worker.adapters.reply import at_path, short_code

REJECTED = 5
_DUPLICATE = 23


class Status(NamedTuple):
    """The status of one message."""

    group: int
    id: int | None
    name: str

    @property
    def is_repetition(self) -> bool:
        """It is of a message whose id Infobip had seen, and not of the one that had it first."""
        return self.group == REJECTED and self.id == _DUPLICATE


def status_of(entry: Any) -> Status | None:
    """The status in an entry; ``None`` if it has none that is of a group."""
    group, number = at_path(entry, "status.groupId"), at_path(entry, "status.id")
    if not _is_number(group):
        return None
    name = short_code(at_path(entry, "status.name")) or "status_without_name"
    return Status(group, number if _is_number(number) else None, name)


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
