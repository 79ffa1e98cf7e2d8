"""Editing a campaign as Passona documents it: nothing while it is sending, but for the pause."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns.campaign import control, live, patch, service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid, Locked
from campaigns.providers import Providers
from web.passona.shapes import CampaignAnswer
from web.passona.wording import naming

_PAUSE = "manually_paused"

#: Fields that other doors may change while a campaign is sending, and this one may not: "In case
#: the campaign is in the process of sending, modifications will not be possible".
_LOCKED_HERE = frozenset(live.LIVE) & CampaignAnswer.model_fields.keys() - {_PAUSE}


def edit(
    conn: Connection,
    team_id: UUID,
    campaign_id: UUID,
    body: Mapping[str, Any],
    *,
    providers: Providers,
    now: datetime,
) -> Campaign:
    """Like :func:`service.edit`, with two differences while the campaign is under way.

    The fields of the documents are locked, all of them. A body that says nothing new but
    ``manually_paused`` is a pause or a resume, whatever else it repeats: the documents let it be
    set by editing, and clients send a campaign as a whole.

    Raises:
        Invalid: a field breaks a rule, or names nothing that the team has.
        NotFound: the team has no such campaign.
        Locked: it is under way, or over.
    """
    campaign = service.get(conn, team_id, campaign_id)
    if _under_way(conn, campaign, now):
        if _news(campaign, body) == {_PAUSE}:
            return control.set_paused(conn, team_id, campaign_id, bool(body[_PAUSE]), now=now)
        if locked := sorted(_LOCKED_HERE & body.keys()):
            raise Locked(f"{locked[0]}: cannot be changed in campaign {campaign_id} any more.")
    with naming("template_uuid"):
        return service.edit(conn, team_id, campaign_id, body, providers=providers, now=now)


def _under_way(conn: Connection, campaign: Campaign, now: datetime) -> bool:
    return campaign.status in ("scheduled", "sending") and live.is_under_way(conn, campaign, now)


def _news(campaign: Campaign, body: Mapping[str, Any]) -> set[str]:
    """The fields of ``body`` that are not as they are already; those that break a rule are none."""
    try:
        before, after = patch.merged(campaign, {}), patch.merged(campaign, body)
    except Invalid:
        return set(body)
    return {
        name for name in body if getattr(before, name, None) != getattr(after, name, None)
    }  # fmt: skip
