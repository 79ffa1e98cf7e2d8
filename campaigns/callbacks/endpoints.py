"""Webhook endpoints: where a team has its events told to it, signed.

A secret is shown when it is made and never again. For a day after it was rotated messages carry a
signature by the old one too. Call what changes an endpoint outside of a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from psycopg.errors import LockNotAvailable
from pydantic import TypeAdapter, ValidationError

from campaigns import queries
from campaigns.callbacks import KINDS, signature
from campaigns.callbacks.health import Health, health
from campaigns.campaign.field_types import Url
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked, NotFound
from campaigns.names import checked_uuid

SQL = queries.load("campaigns.callbacks", "endpoints.sql")

#: For how long the secret before the present one signs as well.
OVERLAP = timedelta(hours=24)

#: Every event is told to each of them.
MOST = 20

#: Runs that one transaction changes.
_PORTION = 500

_URL: TypeAdapter[str] = TypeAdapter(Url)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it is stored, without its secret, and how it goes with it."""

    id: UUID
    team_id: UUID
    #: May hold a secret of its own: shown without its query.
    url: str = field(repr=False)
    events: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    #: Until when the secret before the present one signs too.
    previous_until: datetime | None
    health: Health


@dataclass(frozen=True, slots=True)
class CampaignUrl:
    """Where a campaign has its events told to, and how it goes with that."""

    campaign_id: UUID
    url: str | None = field(repr=False)
    health: Health


@dataclass(frozen=True, slots=True)
class NewSecret:
    """An endpoint at the only moment at which its secret is known."""

    endpoint: Endpoint
    secret: str = field(repr=False)


def create(
    conn: Connection, team_id: UUID, url: str, events: Iterable[str] = KINDS, *, now: datetime
) -> NewSecret:
    """Create an endpoint, which hears of everything from now on, of runs under way too.

    Raises:
        Invalid: the URL is none, a kind of events is unknown, or there is none.
        Locked: the team has as many as it may have.
    """
    secret = signature.new_secret()
    endpoint_id = uuid4()
    made = {"url": _url(url), "events": _kinds(events), "secret": secret, "now": now}
    with conn.transaction():
        row = conn.execute(SQL.count_endpoints, {"team_id": team_id}).fetchone()
        if row is not None and row["n"] >= MOST:
            raise Locked(f"A team has at most {MOST} webhook endpoints.")
        conn.execute(SQL.insert_endpoint, {"id": endpoint_id, "team_id": team_id, **made})
    _announce(conn, team_id, now)
    return NewSecret(show(conn, team_id, endpoint_id), signature.written(secret))


def list_all(conn: Connection, team_id: UUID) -> list[Endpoint]:
    """All endpoints of a team, oldest first."""
    return _found(conn, team_id, None)


def show(conn: Connection, team_id: UUID, endpoint_id: str | UUID) -> Endpoint:
    """One endpoint.

    Raises:
        Invalid: ``endpoint_id`` is not a uuid.
        NotFound: the team has no such endpoint.
    """
    found = _found(conn, team_id, checked_uuid("webhook", endpoint_id))
    if not found:
        raise NotFound("webhook", endpoint_id)
    return found[0]


def show_campaign(conn: Connection, team_id: UUID, campaign_id: str | UUID) -> CampaignUrl:
    """The URL that a campaign names, and how it goes with it.

    Raises:
        Invalid: ``campaign_id`` is not a uuid.
        NotFound: the team has no such campaign.
    """
    found = checked_uuid("campaign", campaign_id)
    row = conn.execute(SQL.campaign_receiver, {"team_id": team_id, "id": found}).fetchone()
    if row is None:
        raise NotFound("campaign", campaign_id)
    return CampaignUrl(row["id"], row["url"], health(row))


def rotate(conn: Connection, team_id: UUID, endpoint_id: str | UUID, *, now: datetime) -> NewSecret:
    """Give an endpoint a new secret; raises like :func:`show`."""
    endpoint = show(conn, team_id, endpoint_id)
    secret = signature.new_secret()
    _do(conn, "rotate_secret", endpoint, secret=secret, previous_until=now + OVERLAP, now=now)
    return NewSecret(show(conn, team_id, endpoint.id), signature.written(secret))


def enable(conn: Connection, team_id: UUID, endpoint_id: str | UUID, *, now: datetime) -> Endpoint:
    """Tell an endpoint things again, what waited meanwhile first; raises like :func:`show`."""
    return _switch(conn, "enable", team_id, endpoint_id, now)


def disable(conn: Connection, team_id: UUID, endpoint_id: str | UUID, *, now: datetime) -> Endpoint:
    """Tell an endpoint nothing more; raises like :func:`show`.

    It does not hear later of what happens meanwhile.
    """
    return _switch(conn, "disable", team_id, endpoint_id, now)


def delete(conn: Connection, team_id: UUID, endpoint_id: str | UUID, *, now: datetime) -> Endpoint:
    """Forget an endpoint and all that waits for it; raises like :func:`show`."""
    endpoint = show(conn, team_id, endpoint_id)
    _do(conn, "delete_endpoint", endpoint)
    _announce(conn, team_id, now)
    return endpoint


def _switch(
    conn: Connection, query: str, team_id: UUID, endpoint_id: str | UUID, now: datetime
) -> Endpoint:
    endpoint = show(conn, team_id, endpoint_id)
    _do(conn, query, endpoint, now=now)
    _announce(conn, team_id, now)
    return show(conn, team_id, endpoint.id)


def _do(conn: Connection, query: str, endpoint: Endpoint, **values: Any) -> None:
    conn.execute(SQL[query], {"team_id": endpoint.team_id, "id": endpoint.id, **values})


def _announce(conn: Connection, team_id: UUID, now: datetime) -> None:
    """A few runs at a time, each portion a transaction of its own: the tick waits for them.

    A tick that is under way may be making runs that are not seen yet, by what was before.
    """
    with suppress(LockNotAvailable):
        conn.execute(SQL.await_tick)
    after = 0
    wanted = {"team_id": team_id, "now": now, "amount": _PORTION}
    while row := conn.execute(SQL.announce, {**wanted, "after": after}).fetchone():
        after = row["last"]


def _found(conn: Connection, team_id: UUID, endpoint_id: UUID | None) -> list[Endpoint]:
    rows = conn.execute(SQL.list_endpoints, {"team_id": team_id, "id": endpoint_id})
    return [
        Endpoint(
            row["id"],
            row["team_id"],
            row["url"],
            tuple(row["events"]),
            row["created_at"],
            row["updated_at"],
            row["previous_until"],
            health(row),
        )
        for row in rows
    ]


def _url(url: str) -> str:
    try:
        return _URL.validate_python(url)
    except ValidationError:
        # Without the value, which may hold a secret, and without the chain, which repeats it.
        raise Invalid(
            "url", None, "must be an http or https URL of at most 2000 characters"
        ) from None


def _kinds(events: Iterable[str]) -> list[str]:
    found = sorted(set(events), key=_order)
    if not found:
        raise Invalid("events", None, f"must be one or more of {', '.join(KINDS)}")
    return found


def _order(kind: str) -> int:
    if kind not in KINDS:
        raise Invalid("events", kind, f"must be one or more of {', '.join(KINDS)}")
    return KINDS.index(kind)
