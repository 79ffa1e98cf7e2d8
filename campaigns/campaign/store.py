"""Campaigns as PostgreSQL keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.campaign.model import Pacing, Priority, QueryType
from campaigns.database import Connection
from campaigns.errors import NotFound
from campaigns.schedule.calendars import Calendar, parse_hours
from campaigns.schedule.occurrences import CatchUp, Overlap
from campaigns.schedule.windows import Interval, Leftover, Window

SQL = queries.load("campaigns.campaign", "campaigns.sql")


@dataclass(frozen=True, slots=True)
class Pause:
    """A planned pause, ``start_at <= t < end_at``."""

    id: UUID
    start_at: datetime
    end_at: datetime
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Campaign:
    """A stored campaign. What may carry personal data or content is left out of its ``repr``."""

    id: UUID
    team_id: UUID
    name: str
    sender: str
    sending_type: str
    provider: str
    template_uuid: UUID | None
    #: The text as it stood when the campaign was saved.
    template: str = field(repr=False)
    template_vars: dict[str, str] = field(repr=False)
    schedule_type: str
    #: When it starts; of a recurring one the first time that its rule names.
    scheduled_send_date: datetime
    scheduled_finish_date: datetime | None
    expiry_date: datetime | None
    throttled: bool
    leftover: Leftover
    manually_paused: bool
    status: str
    error: str | None
    is_test: bool
    event_callback: str | None
    #: Fingerprint of the submission (:func:`campaigns.campaign.submission.fingerprint`).
    submission: str
    created_at: datetime
    updated_at: datetime
    #: IANA name of the zone that rule, hours and holidays are read in.
    timezone: str = "UTC"
    #: The recurrence rule (RFC 5545), and its exceptions as instants.
    schedule_rrule: str | None = None
    schedule_exdates: tuple[datetime, ...] = ()
    schedule_rdates: tuple[datetime, ...] = ()
    #: The next occurrence that has no run yet; ``None``: there is none.
    next_dt: datetime | None = None
    #: The last occurrence of all; ``None``: the series is endless.
    last_dt: datetime | None = None
    overlap: Overlap = "skip"
    #: In seconds, as is ``jitter``.
    start_deadline: int | None = None
    catch_up: CatchUp = "one"
    catch_up_cap: int = 10
    jitter: int = 0
    #: The campaign's own ceiling, such as ``"200/min"``.
    rate: str | None = None
    pacing: Pacing = "evenly"
    #: ``{"first_day": 100, "factor": 2.0}``
    warm_up: dict[str, Any] | None = None
    #: In the form of :func:`campaigns.schedule.calendars.hours_as_json`.
    sending_hours: list[dict[str, Any]] | None = None
    quiet_hours: list[dict[str, Any]] | None = None
    holidays: tuple[date, ...] = ()
    recipient_local: bool = False
    priority: Priority = "normal"
    weight: int = 1
    #: SMS segments of one message, as far as its text tells.
    segments: int = 1
    #: Of a text message: written in the GSM alphabet where that makes it shorter, and not sent
    #: where it has more parts than this.
    transliterate: bool = False
    max_parts: int | None = None
    #: Whether ``query`` selects the contacts it is for.
    query_type: QueryType = "all"
    #: As it was sent, a text or an object; and in the normal form of those that count, any of which
    #: selects a contact. They may hold addresses.
    query: str | dict[str, Any] | None = field(default=None, repr=False)
    segmentation: list[dict[str, Any]] | None = field(default=None, repr=False)
    #: See :class:`campaigns.campaign.model.MessageSpec`. What links the messages have stands in
    #: campaign_links.
    domain_id: UUID | None = None
    opt_out_link_id: UUID | None = None
    track_link_url: str | None = field(default=None, repr=False)
    track_links: bool = False
    track_opens: bool = False
    started_sending_at: datetime | None = None
    finished_sending_at: datetime | None = None
    #: In the order of precedence for custom fields.
    included: tuple[UUID, ...] = ()
    excluded: tuple[UUID, ...] = ()
    #: Segments of the included groups; the campaign is for their contacts only.
    contact_segments: tuple[UUID, ...] = ()
    #: By start.
    pauses: tuple[Pause, ...] = ()

    @property
    def window(self) -> Window:
        """When it may send."""
        return Window(
            start=self.scheduled_send_date,
            finish=self.scheduled_finish_date,
            expiry=self.expiry_date,
            pauses=tuple(Interval(pause.start_at, pause.end_at) for pause in self.pauses),
            leftover=self.leftover,
        )

    @property
    def calendar(self) -> Calendar:
        """When it must not send, whatever its window is."""
        return Calendar(
            zone=self.timezone,
            sending=parse_hours(self.sending_hours, "sending_hours"),
            quiet=parse_hours(self.quiet_hours, "quiet_hours"),
            holidays=frozenset(self.holidays),
        )

    @property
    def is_recurring(self) -> bool:
        """Whether it has more than one occurrence, or might have."""
        return self.schedule_rrule is not None


#: Kept in tables of their own.
_LISTS = ("included", "excluded", "contact_segments", "pauses")
_JSON = ("template_vars", "query", "segmentation", "warm_up", "sending_hours", "quiet_hours")
_ARRAYS = ("schedule_exdates", "schedule_rdates", "holidays")
_COLUMNS = tuple(f.name for f in fields(Campaign) if f.name not in _LISTS)


def insert(conn: Connection, campaign: Campaign) -> bool:
    """Store a new campaign; ``False`` if its uuid is taken."""
    if conn.execute(SQL["insert_campaign"], _parameters(campaign)).fetchone() is None:
        return False
    _insert_lists(conn, campaign)
    return True


def replace(conn: Connection, campaign: Campaign) -> None:
    """Store all that an edit may change of a campaign that the caller has locked."""
    conn.execute(SQL["update_campaign"], _parameters(campaign))
    conn.execute(SQL["delete_groups"], {"campaign_id": campaign.id})
    conn.execute(SQL["delete_segments"], {"campaign_id": campaign.id})
    conn.execute(SQL["delete_pauses"], {"campaign_id": campaign.id})
    _insert_lists(conn, campaign)


def get(conn: Connection, team_id: UUID, campaign_id: UUID) -> Campaign:
    """The team's campaign of that id; a deleted one is gone.

    Raises:
        NotFound: the team has none.
    """
    found = get_many(conn, team_id, [campaign_id])
    if not found:
        raise NotFound("campaign", campaign_id)
    return found[0]


def get_many(conn: Connection, team_id: UUID, campaign_ids: Sequence[UUID]) -> list[Campaign]:
    """Those of the campaigns that the team has, newest first."""
    rows = conn.execute(SQL["campaigns_by_id"], {"ids": list(campaign_ids), "team_id": team_id})
    return [_campaign(row) for row in rows]


def lock(conn: Connection, team_id: UUID, campaign_id: UUID) -> Campaign:
    """Like :func:`get`, and nobody changes the campaign until the transaction ends.

    Raises:
        NotFound: the team has none.
    """
    # Two statements, so that the second one sees what the lock was waiting for.
    conn.execute(SQL["lock_campaign"], {"id": campaign_id, "team_id": team_id})
    return get(conn, team_id, campaign_id)


def fold_tallies(conn: Connection, amount: int) -> None:
    """Add up what some connections counted of teams' campaigns."""
    conn.execute(SQL["fold_tallies"], {"amount": amount})


def has_open_run(conn: Connection, campaign_id: UUID) -> bool:
    """Whether a run of the campaign is not finished yet."""
    row = conn.execute(SQL["has_open_run"], {"id": campaign_id}).fetchone()
    return row is not None and bool(row["open"])


def last_occurrence(conn: Connection, campaign_id: UUID) -> datetime | None:
    """The latest occurrence that has a run, whatever became of it."""
    row = conn.execute(SQL["last_occurrence"], {"id": campaign_id}).fetchone()
    return row["occurrence"] if row else None


def _parameters(campaign: Campaign) -> dict[str, Any]:
    row = {column: getattr(campaign, column) for column in _COLUMNS}
    # A tuple would be written as a composite, and None as the JSON value null.
    arrays = {column: list(row[column]) for column in _ARRAYS}
    json = {column: Jsonb(row[column]) for column in _JSON if row[column] is not None}
    return {**row, **arrays, **json}


def _insert_lists(conn: Connection, campaign: Campaign) -> None:
    for role, group_ids in (("include", campaign.included), ("exclude", campaign.excluded)):
        if group_ids:
            conn.execute(
                SQL["insert_groups"],
                {"campaign_id": campaign.id, "role": role, "group_ids": list(group_ids)},
            )
    if campaign.contact_segments:
        named = {"campaign_id": campaign.id, "segment_ids": list(campaign.contact_segments)}
        conn.execute(SQL["insert_segments"], named)
    if campaign.pauses:
        conn.execute(
            SQL["insert_pauses"],
            {
                "campaign_id": campaign.id,
                "ids": [pause.id for pause in campaign.pauses],
                "starts": [pause.start_at for pause in campaign.pauses],
                "ends": [pause.end_at for pause in campaign.pauses],
                "created": [pause.created_at for pause in campaign.pauses],
            },
        )


def _campaign(row: dict[str, Any]) -> Campaign:
    pauses = zip(
        row["pause_ids"], row["pause_starts"], row["pause_ends"], row["pause_created"], strict=True
    )
    arrays = {column: tuple(row[column]) for column in _ARRAYS}
    return Campaign(
        **{column: arrays.get(column, row[column]) for column in _COLUMNS},
        included=tuple(row["included"]),
        excluded=tuple(row["excluded"]),
        contact_segments=tuple(row["contact_segments"]),
        pauses=tuple(Pause(*pause) for pause in pauses),
    )
