"""The reference that goes to a provider with each message and comes back in its reports."""

from __future__ import annotations

import re

_FORM = re.compile(r"([0-9]{1,18})-([0-9]{1,9})")


def reference(run_id: int, seq: int) -> str:
    """``run-seq``: enough to find the row without a lookup table."""
    return f"{run_id}-{seq}"


def parse(text: str) -> tuple[int, int] | None:
    """Run id and sequence of a reference, or ``None`` if it is not one of ours."""
    match = _FORM.fullmatch(text)
    return (int(match.group(1)), int(match.group(2))) if match else None
