"""Batches whose worker is gone are taken back.

What was claimed and has no outcome may have arrived, so it is held as unknown, or sent again by its
own account where that recognises a repetition; what was not claimed waits to be cut again. Of a
batch of which nothing was claimed the tick cannot know whether it killed its worker or the machine
went down: it goes back in halves, and only who finds the worker's journal may let one of them fail.
"""

from __future__ import annotations

import logging
from datetime import datetime

from campaigns import failpoints
from campaigns.database import Connection
from campaigns.providers import NO_PROVIDERS, Providers
from campaigns.run import doubt, handback

log = logging.getLogger(__name__)

#: Losses of a batch of which nothing was claimed, as far as the tick can tell: suspected, no more.
SUSPECTED = 1


def run_once(conn: Connection, now: datetime, providers: Providers = NO_PROVIDERS) -> int:
    """How many batches were taken back."""
    if given_up := doubt.give_up(conn, providers, now=now):
        log.warning("%d deliveries in doubt are not to be sent again any more", given_up)
    batch_ids = [row["id"] for row in conn.execute(handback.SQL.expired_batches, {"now": now})]
    if not batch_ids:
        return 0
    settled = doubt.settle_lost(conn, batch_ids, providers, now=now)
    conn.execute(
        handback.SQL.hand_back, handback.parameters(batch_ids, now=now, suspected=SUSPECTED)
    )
    log.warning(
        "took back %d batches whose worker is gone; %d deliveries are held as unknown, "
        "%d are sent again",
        len(batch_ids),
        settled.held,
        settled.again,
    )
    failpoints.hit("reclaim.before_commit")
    return len(batch_ids)
