"""Pages of a team's campaigns by number, filtered and in an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from campaigns import queries
from campaigns.campaign import store, times
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.states import CAMPAIGN

SQL = queries.load("campaigns.campaign", "browsing.sql")

Order = Literal["start", "-start", "sender", "-sender"]
_PAGES: Mapping[Order, str] = {
    "start": "by_start",
    "-start": "by_start_down",
    "sender": "by_sender",
    "-sender": "by_sender_down",
}

#: The latest start there can be is before it.
_AFTER_ALL = times.LATEST + timedelta(seconds=1)

VISIBLE = frozenset(CAMPAIGN.states) - {"deleted"}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which campaigns: those that fit all of it."""

    statuses: frozenset[str] = VISIBLE
    #: Of the start: ``starts_from <= start < starts_until``.
    starts_from: datetime = times.EARLIEST
    starts_until: datetime = _AFTER_ALL
    #: Patterns of LIKE.
    senders: tuple[str, ...] = ()
    other_senders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A page, how many recipients each of its campaigns has, and how many campaigns there are."""

    campaigns: tuple[Campaign, ...]
    recipients: Mapping[UUID, int]
    total: int


EVERYTHING = Filter()


def browse(
    conn: Connection,
    team_id: UUID,
    chosen: Filter = EVERYTHING,
    *,
    order: Order = "-start",
    offset: int = 0,
    limit: int = 10,
) -> Found:
    """A page of the team's campaigns, without deleted ones and test sends."""
    given = {
        "team_id": team_id,
        "statuses": sorted(chosen.statuses),
        "from": chosen.starts_from,
        "until": chosen.starts_until,
        "senders": list(chosen.senders),
        "other_senders": list(chosen.other_senders),
    }
    row = conn.execute(SQL["count_chosen"], given).fetchone() or {}
    rows = conn.execute(SQL[_PAGES[order]], {**given, "offset": offset, "limit": limit})
    ids = [row["id"] for row in rows]
    known = {campaign.id: campaign for campaign in store.get_many(conn, team_id, ids)}
    # One that was deleted meanwhile is gone.
    page = tuple(known[one] for one in ids if one in known)
    return Found(page, recipients(conn, ids), row["campaigns"])


def recipients(conn: Connection, campaign_ids: list[UUID]) -> dict[UUID, int]:
    """How many recipients campaigns have: those of the latest run, before it who came with it."""
    rows = conn.execute(SQL["recipients"], {"ids": campaign_ids})
    return {row["id"]: row["recipients"] for row in rows}


def link_numbers(conn: Connection, campaigns: Iterable[Campaign]) -> dict[UUID | None, int]:
    """The numbers of the opt-out links that campaigns have, by the links' uuids."""
    ids = [one.opt_out_link_id for one in campaigns if one.opt_out_link_id is not None]
    rows = conn.execute(SQL["link_numbers"], {"ids": ids}) if ids else ()
    return {row["id"]: row["number"] for row in rows}
