"""The sign of life of a batch that is being sent."""

from __future__ import annotations

import asyncio
import logging

import psycopg
from psycopg_pool import PoolTimeout

from worker.ledger import LEASE_SECONDS, Lease, Ledger

log = logging.getLogger(__name__)


async def keep_lease(ledger: Ledger, lease: Lease) -> None:
    """Renew the lease, long before it would run out, until it is lost or this is cancelled."""
    while True:
        await asyncio.sleep(LEASE_SECONDS / 3)
        try:
            if not await ledger.renew(lease):
                return
        except (psycopg.Error, PoolTimeout) as error:
            log.warning(
                "batch %d: its lease could not be renewed (%s)",
                lease.batch_id,
                type(error).__name__,
            )
