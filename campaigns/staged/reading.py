"""Campaigns by their numbers, as the caller sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.campaign import store
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.staged import drafts, states
from campaigns.staged.drafts import Draft
from campaigns.staged.states import State

SQL = queries.load("campaigns.staged", "staged.sql")

#: What the caller may say of a campaign, under the engine's names; the audience only once.
EDITABLE_FIELDS = (
    "name",
    "contact_segments",
    "domain",
    "scheduled_send_date",
    "event_callback",
    "sending_type",
    "sender",
    "template",
    "template_uuid",
)


@dataclass(frozen=True, slots=True)
class Staged:
    """A campaign with its number and its state."""

    number: int
    state: State
    #: The list it is for; ``None``: that one is gone.
    group_number: int | None
    #: Under the names of :data:`EDITABLE_FIELDS`, segments and domain by their numbers.
    fields: Mapping[str, Any] = field(repr=False)
    #: The engine's, or what there is instead as long as it has no message.
    source: Campaign | Draft
    #: The engine has begun: there is nothing to move any more.
    is_prepared: bool = False


def get(conn: Connection, team_id: UUID, number: int, *, now: datetime) -> Staged:
    """The team's campaign of that number; raises ``NotFound``."""
    # In this order, one that becomes a campaign meanwhile is found all the same.
    draft = drafts.find(conn, team_id, number)
    if draft is not None:
        return _drafted(conn, team_id, draft)
    found = conn.execute(SQL["find_number"], {"team_id": team_id, "number": number}).fetchone()
    if found is None:
        raise NotFound("campaign", number)
    return _staged(store.get(conn, team_id, found["id"]), found, now)


def group_of(conn: Connection, team_id: UUID, number: int) -> UUID:
    """The uuid of the team's list of that number.

    Raises:
        Invalid: the team has none, or it holds opt-outs.
    """
    row = conn.execute(SQL["group_by_number"], {"team_id": team_id, "number": number}).fetchone()
    if row is None:
        raise Invalid("list", number, "is not a list of this team")
    if row["kind"] == "optout":
        raise Invalid("list", number, "holds opt-outs, to whom nothing is sent")
    found: UUID = row["id"]
    return found


def number_of(conn: Connection, campaign_id: UUID) -> int:
    """The number of a campaign of the engine."""
    row = conn.execute(SQL["number_of"], {"id": campaign_id}).fetchone()
    return int((row or {})["number"])


def _staged(campaign: Campaign, found: Mapping[str, Any], now: datetime) -> Staged:
    starts_at = found["run_starts_at"]
    has_date = campaign.schedule_type != "now" or campaign.status != "draft"
    return Staged(
        number=found["number"],
        state=states.state_of(
            campaign.status, is_ready=found["is_ready"], run_starts_at=starts_at, now=now
        ),
        group_number=found["group_number"],
        fields={
            "name": campaign.name,
            "contact_segments": tuple(found["segment_numbers"]),
            "domain": found["domain_number"],
            "scheduled_send_date": campaign.scheduled_send_date if has_date else None,
            "event_callback": campaign.event_callback,
            "sending_type": campaign.sending_type,
            "sender": campaign.sender,
            # The text of a template is the template's as long as it is named.
            "template": None if campaign.template_uuid else campaign.template,
            "template_uuid": campaign.template_uuid,
        },
        source=campaign,
        is_prepared=starts_at is not None,
    )


def _drafted(conn: Connection, team_id: UUID, draft: Draft) -> Staged:
    group = {"team_id": team_id, "id": draft.spec.included_contact_groups[0]}
    row = conn.execute(SQL["number_of_group"], group).fetchone()
    return Staged(
        number=draft.number,
        state="DRAFT",
        group_number=None if row is None else row["number"],
        fields={name: getattr(draft.spec, name) for name in EDITABLE_FIELDS},
        source=draft,
    )
