"""Submitting, editing and reading campaigns; what every door calls.

Each function takes an open connection, and either does all it was asked for in one transaction or
raises a :class:`campaigns.errors.Refused` and leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from campaigns import paging, queries
from campaigns.campaign import (
    building,
    control,
    creating,
    live,
    rules,
    state,
    store,
    submission,
    window_rules,
)
from campaigns.campaign.creating import check_references, check_selection
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.patch import merged
from campaigns.campaign.planning import TOLERANCE, Plan, plan
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked
from campaigns.links import placing
from campaigns.providers import Providers
from campaigns.states import CAMPAIGN
from campaigns.validation import parse

SQL = queries.load("campaigns.campaign", "campaigns.sql")

#: Passona: 15 per page unless asked otherwise.
DEFAULT_PAGE = 15
LARGEST_PAGE = 1000


def submit(
    conn: Connection,
    team_id: UUID,
    body: Mapping[str, Any],
    *,
    providers: Providers,
    now: datetime,
    default_uuid: UUID | None = None,
) -> Campaign:
    """Store a campaign, to be sent at its time or to stay a draft.

    ``default_uuid`` names it if the body has no ``uuid``. The same body under the same uuid may
    come again at any time and gives the campaign as it is by then.

    Raises:
        Invalid: a field breaks a rule.
        NotFound: a group or the template is not in this team.
        Conflict: the uuid is used for something else.
    """
    spec = parse(CampaignSpec, body)
    return creating.create(
        conn,
        team_id,
        spec,
        campaign_id=spec.uuid or default_uuid or uuid4(),
        fingerprint=submission.fingerprint(spec),
        providers=providers,
        now=now,
    )


def edit(
    conn: Connection,
    team_id: UUID,
    campaign_id: UUID,
    body: Mapping[str, Any],
    *,
    providers: Providers,
    now: datetime,
) -> Campaign:
    """Change the fields that ``body`` names and keep the others; the whole is checked again.

    ``status: active`` lets a draft go. A body that names nothing but :data:`live.LIVE` fields is
    possible while the campaign is sending too, and its runs follow. One that sets nothing but
    ``manually_paused`` is a pause or a resume.

    Raises:
        Invalid: a field breaks a rule, alone or with those that stay.
        NotFound: the campaign, a group or the template is not in this team.
        Locked: the campaign is sending, has ended, or its send time has passed, and ``body`` names
            a field that cannot be changed any more.
    """
    if isinstance(body, Mapping) and set(body) == {"manually_paused"}:
        return _edit_pause(conn, team_id, campaign_id, body["manually_paused"], now)
    is_live = isinstance(body, Mapping) and set(body) <= set(live.LIVE)
    with conn.transaction():
        runs = live.hold(conn, team_id, campaign_id) if is_live else []
        campaign = store.lock(conn, team_id, campaign_id)
        under_way = _is_under_way(conn, campaign, now)
        if under_way and not is_live:
            raise _locked(campaign, body, now)
        spec = merged(campaign, body)
        rules.check_shape(spec)
        when = _changed_plan(conn, campaign, spec, now, under_way=under_way)
        dates = (campaign.scheduled_finish_date, campaign.expiry_date)
        window_rules.check_times(spec, when, now, dates if under_way else ())
        if under_way:
            changed = building.edited_live(campaign, spec, now)
            live.follow(conn, campaign, changed, runs, now)
        else:
            kept = campaign.template if spec.template_uuid and "template_uuid" not in body else None
            message = check_references(conn, team_id, campaign_id, spec, providers, kept_text=kept)
            segments = check_selection(conn, team_id, spec)
            changed = building.edited(campaign, spec, message, when, now, contact_segments=segments)
            placing.save(conn, campaign_id, message.links)
        store.replace(conn, changed)
        if campaign.status == "draft" and spec.status == "active":
            state.move(conn, campaign_id, "activate", now)
        return store.get(conn, team_id, campaign_id)


def activate(
    conn: Connection, team_id: UUID, campaign_id: UUID, *, providers: Providers, now: datetime
) -> Campaign:
    """Let a draft go, to be sent at its time; raises like :func:`edit`."""
    return edit(conn, team_id, campaign_id, {"status": "active"}, providers=providers, now=now)


def get(conn: Connection, team_id: UUID, campaign_id: UUID) -> Campaign:
    """The team's campaign of that id; raises ``NotFound``."""
    return store.get(conn, team_id, campaign_id)


@dataclass(frozen=True, slots=True)
class Page:
    """Some campaigns, newest first; ``next`` is what ``after`` must be for those that follow."""

    campaigns: tuple[Campaign, ...]
    next: UUID | None


def list_campaigns(
    conn: Connection,
    team_id: UUID,
    *,
    status: str | None = None,
    after: UUID | None = None,
    per_page: int = DEFAULT_PAGE,
) -> Page:
    """A page of the team's campaigns, without deleted ones and test sends.

    Raises:
        Invalid: ``status`` is no status, or ``per_page`` is out of bounds.
        NotFound: ``after`` is not a campaign of this team.
    """
    visible = [name for name in CAMPAIGN.states if name != "deleted"]
    if status is not None and status not in visible:
        raise Invalid("status", status, f"must be one of {', '.join(visible)}")
    if not 1 <= per_page <= LARGEST_PAGE:
        raise Invalid("per_page", per_page, f"must lie between 1 and {LARGEST_PAGE}")
    if after is not None:
        store.get(conn, team_id, after)
    rows = conn.execute(
        SQL["page_ids"],
        {"team_id": team_id, "status": status, "after": after, "amount": per_page + 1},
    ).fetchall()
    found = store.get_many(conn, team_id, [row["id"] for row in rows[:per_page]])
    return Page(tuple(found), found[-1].id if len(rows) > per_page else None)


def page(
    conn: Connection, team_id: UUID, number: int, per_page: int = DEFAULT_PAGE
) -> tuple[list[Campaign], int]:
    """A page of the same campaigns by its number, and how many there are.

    Raises:
        Invalid: there is no such page, or it is too large or too deep (:mod:`campaigns.paging`).
    """
    team = {"team_id": team_id}
    total = (conn.execute(SQL["count_shown"], team).fetchone() or {})["campaigns"]
    part = paging.part(number, per_page, total)
    query = SQL["oldest_ids" if part.from_end else "newest_ids"]
    rows = conn.execute(query, {**team, "offset": part.offset, "limit": part.limit}).fetchall()
    return store.get_many(conn, team_id, [row["id"] for row in rows]), total


def _is_under_way(conn: Connection, campaign: Campaign, now: datetime) -> bool:
    if campaign.status == "draft":
        return False
    if campaign.status not in ("scheduled", "sending"):
        raise Locked(f"campaign: {campaign.id} is {campaign.status} and cannot be edited.")
    return live.is_under_way(conn, campaign, now)


def _locked(campaign: Campaign, body: object, now: datetime) -> Locked:
    if campaign.status == "sending":
        reason = "it is sending"
    elif campaign.next_dt and campaign.next_dt > now:
        reason = "its last run is not settled yet"
    else:
        reason = "its send time has passed"
    names = body if isinstance(body, Mapping) else ()
    refused = next((name for name in names if name not in live.LIVE), "campaign")
    return Locked(
        f"{refused}: cannot be changed in campaign {campaign.id}, because {reason}; "
        f"only {', '.join(live.LIVE[:-1])} and {live.LIVE[-1]} can."
    )


def _changed_plan(
    conn: Connection, campaign: Campaign, spec: CampaignSpec, now: datetime, *, under_way: bool
) -> Plan:
    start = campaign.scheduled_send_date
    if under_way:
        # Neither the start nor the rule is among what may be changed.
        return plan(spec, now, settled=start, since=campaign.next_dt or start)
    if not campaign.is_recurring or spec.schedule_rrule is None:
        return plan(spec, now)
    since = now - TOLERANCE if campaign.status == "draft" else now
    # A run may begin before its time, and be over by then.
    last = store.last_occurrence(conn, campaign.id)
    if last is not None:
        since = max(since, last + timedelta(seconds=1))
    return plan(spec, now, settled=start, since=since)


def _edit_pause(
    conn: Connection, team_id: UUID, campaign_id: UUID, paused: object, now: datetime
) -> Campaign:
    if paused is not None and not isinstance(paused, bool):
        raise Invalid("manually_paused", paused, "must be true or false")
    return control.set_paused(conn, team_id, campaign_id, bool(paused), now=now)
