"""Pages of a team's campaigns, by number, filtered and sorted.

How many campaigns there are of each kind is known without counting (the table
``campaign_tallies``). So a list that is sorted by a column of few values, such as its status, is
taken apart into the stretches of one value each, and only those that the page lies in are read.
Within a stretch an index has the order, and what lies before the page is counted off in it, from
the nearer end (:mod:`campaigns.paging`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from campaigns import paging, queries
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.states import horisen_status

SQL = queries.load("campaigns.campaign", "listing.sql")

#: Campaigns on one page, at most.
LARGEST_PAGE = 100

#: Of so few campaigns all are read and sorted.
FEW = 2_000

#: What has an index of its own, and how that has it.
_INDEXED = MappingProxyType(
    {
        "created_at": "created_at",
        "updated_at": "updated_at",
        "next_dt": "next_dt",
        "name": 'name COLLATE "C"',
    }
)

#: What :meth:`Kind.shown` says.
_SHOWN = """CASE WHEN status IN ('scheduled', 'sending')
     THEN CASE WHEN manually_paused THEN 'stopped' ELSE 'active' END
     WHEN status = 'failed' THEN 'stopped' ELSE status END"""

#: What has few values, where it stands behind what has many.
_OTHERS = MappingProxyType(
    {
        "status": f'({_SHOWN}) COLLATE "C"',
        "sending_type": 'sending_type COLLATE "C"',
        "schedule_type": 'schedule_type COLLATE "C"',
    }
)

#: The order in the statements, for another one to take its place.
_ORDER = "created_at DESC, id DESC"


class Kind(NamedTuple):
    """What campaigns are filtered by."""

    sending_type: str
    schedule_type: str
    status: str
    manually_paused: bool

    @property
    def shown(self) -> str:
        """HORISEN's word for the status."""
        return horisen_status(self.status, manually_paused=self.manually_paused)


#: What has few values.
_KINDS: dict[str, Callable[[Kind], str]] = {
    "status": lambda kind: kind.shown,
    "sending_type": lambda kind: kind.sending_type,
    "schedule_type": lambda kind: kind.schedule_type,
}

COLUMNS = (*_INDEXED, *_KINDS)


@dataclass(frozen=True, slots=True)
class Criteria:
    """Which campaigns are listed; ``None``: any."""

    sending_type: str | None = None
    #: HORISEN's word (:func:`campaigns.states.horisen_status`).
    status: str | None = None

    def fit(self, kind: Kind) -> bool:
        """Whether campaigns of this kind are listed."""
        return self.sending_type in (None, kind.sending_type) and self.status in (None, kind.shown)


@dataclass(frozen=True, slots=True)
class Order:
    """One of :data:`COLUMNS` to sort by. Without a next time counts as later than all."""

    column: str
    descending: bool = False


NEWEST_FIRST = (Order("created_at", descending=True),)


@dataclass(frozen=True, slots=True)
class NumberedPage:
    """The campaigns of a page, and how many there are on all pages."""

    campaigns: tuple[Campaign, ...]
    total: int


class _Stretch(NamedTuple):
    """Campaigns that are equal in all columns of few values that the list is sorted by first."""

    kinds: Sequence[Kind]
    size: int


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

    Deleted ones and test sends are left out. Campaigns that are equal by ``order`` come in that of
    their creation, newest first unless the last column ascends.

    Raises:
        Invalid: there is no such page, or it is too large or too deep (:mod:`campaigns.paging`).
    """
    paging.checked(number, size, largest=LARGEST_PAGE)
    with conn.transaction():
        # Of one moment: what was counted is what is read.
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        counted = conn.execute(SQL["tallies"], {"team_id": team_id}).fetchall()
        sizes = {Kind(**row): n for row in counted if (n := int(row.pop("campaigns"))) > 0}
        listed = {kind: n for kind, n in sizes.items() if criteria.fit(kind)}
        total = sum(listed.values())
        paging.part(number, size, total, largest=LARGEST_PAGE)
        first = (number - 1) * size
        ids: list[UUID] = []
        rest = _rest(order)
        for stretch in _stretches(listed, order):
            if first < stretch.size and len(ids) < size:
                ids += _ids(conn, team_id, stretch, rest, first, size - len(ids))
            first = max(first - stretch.size, 0)
        found = {one.id: one for one in store.get_many(conn, team_id, ids)}
    return NumberedPage(tuple(found[one] for one in ids), total)


def _stretches(listed: dict[Kind, int], order: Sequence[Order]) -> Iterator[_Stretch]:
    leading = order[: len(order) - len(_rest_of(order))]
    kinds = sorted(listed)
    # By the last column first: sorting keeps the order of what is equal.
    for one in reversed(leading):
        kinds.sort(key=_KINDS[one.column], reverse=one.descending)

    def values(kind: Kind) -> tuple[str, ...]:
        return tuple(_KINDS[one.column](kind) for one in leading)

    for _, equal in groupby(kinds, values):
        found = list(equal)
        yield _Stretch(found, sum(listed[kind] for kind in found))


def _rest_of(order: Sequence[Order]) -> Sequence[Order]:
    """``order`` without the columns of few values that it begins with."""
    lead = next((i for i, one in enumerate(order) if one.column in _INDEXED), len(order))
    return order[lead:]


def _rest(order: Sequence[Order]) -> Sequence[Order]:
    """The order within a stretch, which is never undecided."""
    rest = _rest_of(order)
    first = {one.column: one for one in reversed(rest)}
    kept = [first[name] for name in dict.fromkeys(one.column for one in rest)]
    if not kept:
        return NEWEST_FIRST
    return kept if "created_at" in first else [*kept, Order("created_at", kept[-1].descending)]


def _ids(
    conn: Connection,
    team_id: UUID,
    stretch: _Stretch,
    order: Sequence[Order],
    offset: int,
    limit: int,
) -> list[UUID]:
    """The ids of the campaigns of ``stretch`` from the one at ``offset`` on."""
    limit = min(limit, stretch.size - offset)
    after = stretch.size - offset - limit
    backwards = after < offset
    text = SQL["few_in_order" if stretch.size <= FEW else "many_in_order"]
    # A connection keeps one plan for a statement that it has run a few times, whatever is bound by
    # then: it would read the whole index for a page at its beginning.
    rows = conn.execute(
        text.replace(_ORDER, _order_by(order, backwards=backwards)),
        {
            "team_id": team_id,
            **_bound(stretch.kinds),
            "offset": after if backwards else offset,
            "limit": limit,
        },
        prepare=False,
    ).fetchall()
    ids = [row["id"] for row in rows]
    return ids[::-1] if backwards else ids


def _bound(kinds: Sequence[Kind]) -> dict[str, Any]:
    """The kinds of a stretch: each status that is among them is so with all the other values."""
    return {
        "sending_types": sorted({kind.sending_type for kind in kinds}),
        "schedule_types": sorted({kind.schedule_type for kind in kinds}),
        "going": sorted({kind.status for kind in kinds if not kind.manually_paused}),
        "held": sorted({kind.status for kind in kinds if kind.manually_paused}),
        "statuses": sorted({kind.status for kind in kinds}),
    }


def _order_by(order: Sequence[Order], *, backwards: bool) -> str:
    """The list of an ORDER BY, put together from constants in here."""
    columns = {**_INDEXED, **_OTHERS}
    keys = [f"{columns[one.column]} {_direction(one, backwards=backwards)}" for one in order]
    created = next(one for one in order if one.column == "created_at")
    return ", ".join([*keys, f"id {_direction(created, backwards=backwards)}"])


def _direction(order: Order, *, backwards: bool) -> str:
    return "DESC" if order.descending is not backwards else "ASC"
