"""Submitting, editing and reading campaigns; what every door calls.

Each function takes an open connection, and either does all it was asked for in one transaction or
raises a :class:`campaigns.errors.Refused` and leaves everything as it was.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.audience import audience
from campaigns.campaign import control, rules, state, store, submission
from campaigns.campaign.message import Message, compose
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.patch import merged
from campaigns.campaign.store import Campaign, Pause
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked
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
    rules.check_shape(spec)
    campaign_id = spec.uuid or default_uuid or uuid4()
    fingerprint = submission.fingerprint(spec)
    with conn.transaction():
        if stored := submission.repeated(conn, team_id, campaign_id, fingerprint):
            return stored
        rules.check_times(spec, now)
        message = _check_references(conn, team_id, spec, providers)
        campaign = _built(spec, message, campaign_id, team_id, fingerprint, now)
        if store.insert(conn, campaign):
            return campaign
        # Somebody took the uuid since it was looked up: most likely this very submission.
        if stored := submission.repeated(conn, team_id, campaign_id, fingerprint):
            return stored
        raise Conflict(f"uuid: {campaign_id} cannot be used, choose another one.")


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

    ``status: active`` lets a draft go. A body that sets nothing but ``manually_paused`` is a pause
    or a resume, and as such possible while the campaign is sending.

    Raises:
        Invalid: a field breaks a rule, alone or with those that stay.
        NotFound: the campaign, a group or the template is not in this team.
        Locked: the campaign is sending, has ended, or its send time has passed.
    """
    if isinstance(body, Mapping) and set(body) == {"manually_paused"}:
        return _edit_pause(conn, team_id, campaign_id, body["manually_paused"], now)
    with conn.transaction():
        campaign = store.lock(conn, team_id, campaign_id)
        _check_editable(campaign, now)
        spec = merged(campaign, body)
        rules.check_shape(spec)
        rules.check_times(spec, now)
        kept = campaign.template if spec.template_uuid and "template_uuid" not in body else None
        message = _check_references(conn, team_id, spec, providers, kept_text=kept)
        store.replace(conn, _edited(campaign, spec, message, now))
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


def _check_references(
    conn: Connection,
    team_id: UUID,
    spec: CampaignSpec,
    providers: Providers,
    *,
    kept_text: str | None = None,
) -> Message:
    audience.check_groups(conn, team_id, spec.included_contact_groups, spec.excluded_contact_groups)
    message = compose(conn, team_id, spec, providers, kept_text=kept_text)
    # While the groups are still empty, nothing is known about their fields.
    groups = spec.included_contact_groups
    if message.compiled.fields and audience.has_contacts(conn, team_id, groups):
        known = audience.fields_known(conn, team_id, groups)
        rules.check_fields(message.compiled, frozenset(known))
    return message


def _check_editable(campaign: Campaign, now: datetime) -> None:
    if campaign.status == "draft":
        return
    if campaign.status != "scheduled":
        raise Locked(
            f"campaign: {campaign.id} is {campaign.status} and cannot be edited"
            + ("; only manually_paused can." if campaign.status == "sending" else ".")
        )
    if campaign.scheduled_send_date <= now:
        raise Locked(
            f"campaign: {campaign.id} cannot be edited, because its send time has passed; "
            "only manually_paused can."
        )


def _edit_pause(
    conn: Connection, team_id: UUID, campaign_id: UUID, paused: object, now: datetime
) -> Campaign:
    if paused is not None and not isinstance(paused, bool):
        raise Invalid("manually_paused", paused, "must be true or false")
    return control.set_paused(conn, team_id, campaign_id, bool(paused), now=now)


def _built(
    spec: CampaignSpec,
    message: Message,
    campaign_id: UUID,
    team_id: UUID,
    fingerprint: str,
    now: datetime,
) -> Campaign:
    return Campaign(
        id=campaign_id,
        team_id=team_id,
        status="draft" if spec.status == "draft" else "scheduled",
        error=None,
        is_test=False,
        submission=fingerprint,
        created_at=now,
        updated_at=now,
        pauses=_pauses(spec, (), now),
        **_content(spec, message, now),
    )


def _edited(campaign: Campaign, spec: CampaignSpec, message: Message, now: datetime) -> Campaign:
    return dataclasses.replace(
        campaign,
        updated_at=now,
        pauses=_pauses(spec, campaign.pauses, now),
        **_content(spec, message, now),
    )


def _pauses(spec: CampaignSpec, stored: Iterable[Pause], now: datetime) -> tuple[Pause, ...]:
    """The pauses by start; one that is stored already stays itself."""
    known = {(pause.start_at, pause.end_at): pause for pause in stored}
    wanted = sorted({(pause.start_at, pause.end_at) for pause in spec.pauses})
    return tuple(known.get(times) or Pause(uuid4(), *times, now) for times in wanted)


def _content(spec: CampaignSpec, message: Message, now: datetime) -> dict[str, Any]:
    """What a request decides about a campaign, under the names of :class:`Campaign`."""
    return {
        "name": spec.name,
        "sender": spec.sender,
        "sending_type": spec.sending_type,
        "provider": message.provider,
        "template_uuid": spec.template_uuid,
        "template": message.text,
        "template_vars": spec.template_vars,
        "schedule_type": rules.schedule_type_of(spec),
        "scheduled_send_date": rules.start_of(spec, now),
        "scheduled_finish_date": spec.scheduled_finish_date,
        "expiry_date": spec.expiry_date,
        "throttled": spec.throttled,
        "leftover": spec.leftover,
        "manually_paused": spec.manually_paused,
        "event_callback": spec.event_callback,
        "included": spec.included_contact_groups,
        "excluded": spec.excluded_contact_groups,
    }
