"""Storing a new campaign, whichever way its request was put together."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from campaigns import failpoints
from campaigns.audience import audience
from campaigns.campaign import building, rules, store, submission, window_rules
from campaigns.campaign.message import Message, compose
from campaigns.campaign.model import CampaignSpec
from campaigns.campaign.planning import plan
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Conflict
from campaigns.links import placing
from campaigns.providers import Providers
from campaigns.segmentation import parsing, references


def create(
    conn: Connection,
    team_id: UUID,
    spec: CampaignSpec,
    *,
    campaign_id: UUID,
    fingerprint: str,
    providers: Providers,
    now: datetime,
    settled: datetime | None = None,
    kept_text: str | None = None,
) -> Campaign:
    """The campaign of a request whose fields were read, or the one that it made before.

    ``settled`` is a start that may lie in the past, ``kept_text`` the copy of a stored template
    that is meant.

    Raises:
        Invalid: the fields break a rule together, or at this moment.
        NotFound: a group or the template is not in this team.
        Conflict: the uuid is used for something else.
    """
    rules.check_shape(spec)
    with conn.transaction():
        if stored := submission.repeated(conn, team_id, campaign_id, fingerprint):
            return stored
        when = plan(spec, now, settled=settled)
        window_rules.check_times(spec, when, now)
        message = check_references(conn, team_id, campaign_id, spec, providers, kept_text=kept_text)
        segments = check_selection(conn, team_id, spec)
        campaign = building.built(
            spec,
            message,
            when,
            campaign_id=campaign_id,
            team_id=team_id,
            fingerprint=fingerprint,
            now=now,
            contact_segments=segments,
        )
        if not store.insert(conn, campaign):
            # Somebody took the uuid since it was looked up: most likely this very submission.
            if stored := submission.repeated(conn, team_id, campaign_id, fingerprint):
                return stored
            raise Conflict(f"uuid: {campaign_id} cannot be used, choose another one.")
        placing.save(conn, campaign_id, message.links)
        failpoints.hit("submit.before_commit")
    failpoints.hit("submit.committed")
    return campaign


def check_references(
    conn: Connection,
    team_id: UUID,
    campaign_id: UUID,
    spec: CampaignSpec,
    providers: Providers,
    *,
    kept_text: str | None = None,
) -> Message:
    """The message of ``spec``, for groups that were found; raises like :func:`create`."""
    audience.check_groups(
        conn,
        team_id,
        spec.included_contact_groups,
        spec.excluded_contact_groups,
        campaign_id=campaign_id,
    )
    message = compose(
        conn, team_id, spec, providers, kept_text=kept_text, is_draft=spec.status == "draft"
    )
    # While the groups are still empty, nothing is known about their fields.
    groups = spec.included_contact_groups
    if message.compiled.fields and audience.has_contacts(conn, team_id, groups):
        known = audience.fields_known(conn, team_id, groups)
        rules.check_fields(message.compiled, frozenset(known))
    return message


def check_selection(conn: Connection, team_id: UUID, spec: CampaignSpec) -> tuple[UUID, ...]:
    """The segments that it names; raises ``Invalid`` for what is not in this team."""
    if spec.query is not None:
        references.check_groups(conn, team_id, parsing.parse(spec.query))
    return references.chosen(conn, team_id, spec.contact_segments, spec.included_contact_groups)
