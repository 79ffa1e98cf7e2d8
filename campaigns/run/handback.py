"""How a batch that ends goes back to the scheduler, said once for the worker and the tick."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from campaigns import queries

SQL = queries.load("campaigns.run", "handback.sql")

#: First wait after a transient failure, in seconds; it doubles with each attempt.
BACKOFF_BASE = 2.0

#: The longest wait between two attempts, in seconds.
BACKOFF_CAP = 300.0


def parameters(
    batch_ids: Sequence[int],
    *,
    now: datetime,
    not_before: datetime | None = None,
    apart: Sequence[tuple[int, int]] = (),
    suspected: int = 0,
) -> dict[str, Any]:
    """Parameters of ``hand_back`` in handback.sql.

    ``not_before``: the moment from which on the untried rest may be cut again (default: at once).
    ``apart``: rows (run id, seq) that the caller makes slices of.
    ``suspected``: how often the rows of a batch of which nothing was claimed are lost from now on,
    at least; 0: nobody died with it.
    """
    return {
        "batch_ids": list(batch_ids),
        "now": now,
        "not_before": not_before or now,
        "apart_run_ids": [run_id for run_id, _ in apart],
        "apart_seqs": [seq for _, seq in apart],
        "suspected": suspected,
        "backoff_base": BACKOFF_BASE,
        "backoff_cap": BACKOFF_CAP,
    }
