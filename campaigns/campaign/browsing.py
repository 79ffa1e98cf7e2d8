"""Pages of a team's campaigns by number, filtered and in an order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from campaigns import paging, queries
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection

SQL = queries.load("campaigns.campaign", "browsing.sql")

Order = Literal["start", "-start", "sender", "-sender"]
#: The query of each order, and the one that is the same from the other end.
_ORDERS: Mapping[Order, tuple[str, str]] = {
    "start": ("by_start", "by_start_down"),
    "-start": ("by_start_down", "by_start"),
    "sender": ("by_sender", "by_sender_down"),
    "-sender": ("by_sender_down", "by_sender"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which campaigns: those that fit all of it. What is ``None`` or empty says nothing."""

    #: Any of these.
    statuses: frozenset[str] | None = None
    #: Of the start: ``starts_from <= start < starts_until``.
    starts_from: datetime | None = None
    starts_until: datetime | None = None
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
    number: int = 1,
    per_page: int = 10,
) -> Found:
    """A page of the team's campaigns, without deleted ones and test sends.

    Raises:
        Invalid: there is no such page, or it is too large or too deep (:mod:`campaigns.paging`).
    """
    paging.checked(number, per_page)
    given = {"team_id": team_id, **_said(chosen)}
    counting = SQL["count_all" if chosen == EVERYTHING else "count_shown"]
    total = (conn.execute(counting, given).fetchone() or {})["campaigns"]
    part = paging.part(number, per_page, total)
    query = SQL[_ORDERS[order][part.from_end]]
    rows = conn.execute(query, {**given, "offset": part.offset, "limit": part.limit})
    ids = [row["id"] for row in rows]
    if part.from_end:
        ids.reverse()
    known = {campaign.id: campaign for campaign in store.get_many(conn, team_id, ids)}
    # One that was deleted meanwhile is gone.
    page = tuple(known[one] for one in ids if one in known)
    return Found(page, recipients(conn, ids), total)


def _said(chosen: Filter) -> dict[str, object]:
    """The filter as parameters: what says nothing has no value."""
    return {
        "statuses": None if chosen.statuses is None else sorted(chosen.statuses),
        "starts_from": chosen.starts_from,
        "starts_until": chosen.starts_until,
        "senders": list(chosen.senders) or None,
        "other_senders": list(chosen.other_senders) or None,
    }


def recipients(conn: Connection, campaign_ids: list[UUID]) -> dict[UUID, int]:
    """How many recipients campaigns have: those of the latest run, before it who came with it."""
    rows = conn.execute(SQL["recipients"], {"ids": campaign_ids})
    return {row["id"]: row["recipients"] for row in rows}


def link_numbers(conn: Connection, campaigns: Iterable[Campaign]) -> dict[UUID | None, int]:
    """The numbers of the opt-out links that campaigns have, by the links' uuids."""
    ids = [one.opt_out_link_id for one in campaigns if one.opt_out_link_id is not None]
    rows = conn.execute(SQL["link_numbers"], {"ids": ids}) if ids else ()
    return {row["id"]: row["number"] for row in rows}
