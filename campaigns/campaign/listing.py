"""Pages of a team's campaigns, by number, filtered and sorted.

Counting and sorting look at nothing but the index ``campaigns_team``. A page that is found by
counting costs as much as lies before it, so it is counted from the nearer end, and one that lies
deeper than :data:`DEEPEST` from both ends is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from campaigns import queries
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid

SQL = queries.load("campaigns.campaign", "listing.sql")

#: Campaigns on one page, at most.
LARGEST_PAGE = 100

#: How many campaigns may be counted off on the way to a page.
DEEPEST = 100_000

#: More page numbers than any list has.
LAST_PAGE = 2**31 - 1

#: What :func:`campaigns.states.horisen_status` says.
_SHOWN = """CASE WHEN c.status IN ('scheduled', 'sending')
     THEN CASE WHEN c.manually_paused THEN 'stopped' ELSE 'active' END
     WHEN c.status = 'failed' THEN 'stopped'
     ELSE c.status END COLLATE "C\""""

#: What a list may be sorted by, and how the index has it.
COLUMNS = MappingProxyType(
    {
        "created_at": "c.created_at",
        "updated_at": "c.updated_at",
        "next_dt": "c.next_dt",
        "name": 'c.name COLLATE "C"',
        "sending_type": "c.sending_type",
        "schedule_type": "c.schedule_type",
        "status": _SHOWN,
    }
)


#: The order in the statement, for another one to take its place.
_ORDER = "c.created_at DESC, c.id DESC"


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which campaigns are listed; ``None``: any."""

    sending_type: str | None = None
    #: Statuses, of campaigns that are not paused by hand.
    going: Sequence[str] | None = None
    #: Statuses, of campaigns that are.
    held: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A column of :data:`COLUMNS` to sort by. Without a value comes last, in either direction."""

    column: str
    descending: bool = False


NEWEST_FIRST = (Order("created_at", descending=True),)


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """The campaigns of a page, and how many there are on all pages."""

    campaigns: tuple[Campaign, ...]
    total: int


def page(
    conn: Connection,
    team_id: UUID,
    criteria: Criteria,
    order: Sequence[Order] = NEWEST_FIRST,
    *,
    number: int = 1,
    size: int = 10,
) -> NumberedPage:
    """Page ``number``, counted from 1; behind the last one there is nothing.

    Deleted ones and test sends are left out. Campaigns that are equal by ``order`` come newest
    first.

    Raises:
        Invalid: ``page_number`` or ``page_size`` is out of bounds, or the page lies too deep.
    """
    if not 1 <= size <= LARGEST_PAGE:
        raise Invalid("page_size", size, f"must lie between 1 and {LARGEST_PAGE}")
    if not 1 <= number <= LAST_PAGE:
        raise Invalid("page_number", number, f"must lie between 1 and {LAST_PAGE}")
    wanted = {
        "team_id": team_id,
        "sending_type": criteria.sending_type,
        "any_status": criteria.going is None and criteria.held is None,
        "going": list(criteria.going or ()),
        "held": list(criteria.held or ()),
    }
    total = int((conn.execute(SQL["count_page"], wanted).fetchone() or {})["n"])
    before = (number - 1) * size
    limit = min(size, total - before)
    if limit <= 0:
        return NumberedPage((), total)
    after = total - before - limit
    if min(before, after) > DEEPEST:
        raise Invalid(
            "page_number",
            number,
            f"lies deeper than {DEEPEST:,} campaigns from either end of the list; filter it",
        )
    backwards = after < before
    # A connection keeps one plan for a statement that it has run a few times, whatever is bound by
    # then: it would read the whole index for a page at its beginning.
    rows = conn.execute(
        SQL["numbered_page"].replace(_ORDER, _order_by(order, backwards=backwards)),
        {**wanted, "offset": after if backwards else before, "limit": limit},
        prepare=False,
    ).fetchall()
    ids = [row["id"] for row in (reversed(rows) if backwards else rows)]
    found = {one.id: one for one in store.get_many(conn, team_id, ids)}
    # One may have been deleted between the two statements.
    return NumberedPage(tuple(found[one] for one in ids if one in found), total)


def _order_by(order: Sequence[Order], *, backwards: bool) -> str:
    """The list of an ORDER BY, put together from constants in here."""
    named = {one.column: one for one in reversed(order)}
    last = named.get("created_at", NEWEST_FIRST[0])
    keys = [_key(one, backwards=backwards) for one in dict.fromkeys(named[o.column] for o in order)]
    if "created_at" not in named:
        keys.append(_key(last, backwards=backwards))
    return ", ".join([*keys, f"c.id {_direction(last.descending is not backwards)}"])


def _key(order: Order, *, backwards: bool) -> str:
    key = f"{COLUMNS[order.column]} {_direction(order.descending is not backwards)}"
    if order.column != "next_dt":
        # Never null, and so in the order of the index.
        return key
    return key + (" NULLS FIRST" if backwards else " NULLS LAST")


def _direction(descending: bool) -> str:
    return "DESC" if descending else "ASC"
