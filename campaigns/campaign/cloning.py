"""Making a campaign like another one (HORISEN: "An existing campaign, e.g. draft one, can be cloned
and activated").

The clone is what its source is, with the fields that are given in the place of the source's:

- It is active, unless its status is given as draft, and not paused, whatever its source is.
- ``template_vars`` are laid over the source's, one by one. A draft is a good source, for it may
  name variables that it has no values for.
- A series goes on: it keeps its start, and comes at the times of its rule that are still to come.
- Where it starts at another time, its finish, its expiry and its pauses keep their distance to the
  start, unless one of them is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from campaigns.campaign import creating, store, submission
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.patch import overlaid
from campaigns.campaign.planning import plan
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.names import as_uuid
from campaigns.providers import Providers
from campaigns.schedule.shifting import shifted
from campaigns.validation import parse

_WINDOW = ("scheduled_finish_date", "expiry_date", "pauses")


def clone(
    conn: Connection,
    team_id: UUID,
    source_id: UUID,
    body: Mapping[str, Any],
    *,
    providers: Providers,
    now: datetime,
    default_uuid: UUID | None = None,
) -> Campaign:
    """Store a campaign like ``source_id``, with the fields that ``body`` names.

    ``default_uuid`` names it if the body has no ``uuid``. It may be repeated like a submission.

    Raises:
        Invalid: a field breaks a rule, alone or with those of the source.
        NotFound: the source, a group or the template is not in this team.
        Conflict: the uuid is used for something else.
    """
    if not isinstance(body, Mapping) or not all(isinstance(name, str) for name in body):
        raise Invalid("request", None, "must be an object of fields")
    named = body.get("uuid")
    campaign_id = (as_uuid(named) if isinstance(named, str | UUID) else None) or default_uuid
    fingerprint = submission.fingerprint_of_clone(source_id, body)
    with conn.transaction():
        if campaign_id and (stored := submission.repeated(conn, team_id, campaign_id, fingerprint)):
            return stored
        source = store.get(conn, team_id, source_id)
        spec = _spec(source, {"uuid": campaign_id or uuid4(), **body}, now)
        assert spec.uuid is not None
        return creating.create(
            conn,
            team_id,
            spec,
            campaign_id=spec.uuid,
            fingerprint=fingerprint,
            providers=providers,
            now=now,
            settled=_settled(source, spec),
            kept_text=source.template
            if spec.template_uuid and "template_uuid" not in body
            else None,
        )


def _spec(source: Campaign, body: Mapping[str, Any], now: datetime) -> CampaignSpec:
    wanted = {"status": "active", "manually_paused": False, **body}
    given = body.get("template_vars")
    if given is None or isinstance(given, Mapping):
        wanted["template_vars"] = {**source.template_vars, **(given or {})}
    whole = overlaid(source, wanted)
    spec = parse(CampaignSpec, whole)
    if any(name in body for name in _WINDOW):
        return spec
    start = plan(spec, now, settled=_settled(source, spec)).start
    if start == source.scheduled_send_date:
        return spec
    window = shifted(source.window, spec.timezone, start)
    pauses = [{"start_at": pause.start, "end_at": pause.end} for pause in window.pauses]
    moved = {
        "scheduled_finish_date": window.finish,
        "expiry_date": window.expiry,
        "pauses": pauses,
    }
    return parse(CampaignSpec, {**whole, **moved})


def _settled(source: Campaign, spec: CampaignSpec) -> datetime | None:
    """A series goes on from where it began; what is sent once must not begin in the past."""
    recurs = source.is_recurring and spec.schedule_rrule is not None
    return source.scheduled_send_date if recurs else None
