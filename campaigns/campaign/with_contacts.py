"""Submitting a campaign together with the people it is for, in one request and one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import uuid4

from campaigns.audience import given
from campaigns.audience.given import Given
from campaigns.campaign import service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.providers import Providers
from campaigns.team.teams import Team


def submit(
    conn: Connection,
    team: Team,
    body: Mapping[str, Any],
    contacts: Sequence[Given],
    *,
    ignore_invalid: bool,
    providers: Providers,
    now: datetime,
) -> Campaign:
    """Store a campaign for ``contacts``, who are its only audience, each number once.

    ``ignore_invalid`` leaves out those whose number or fields break a rule; without it, nothing is
    stored where there are any. A contact that names a group of the team is filed there as well.

    Raises:
        InvalidEntries: contacts break a rule.
        Invalid: no contact is left, one names a wrong group, or the campaign breaks a rule.
        Locked: a campaign is sending with a group that a contact names.
    """
    if len(contacts) > given.MOST_GIVEN:
        raise Invalid("contacts", None, f"must have at most {given.MOST_GIVEN} entries")
    reading = given.read(contacts, team.default_region)
    if not ignore_invalid:
        reading.require_no_fault()
    if not reading.contacts:
        raise Invalid("contacts", None, "must have at least one contact with a valid number")
    campaign_id = uuid4()
    with conn.transaction():
        given.check_filing(conn, team, contacts)
        group_id = given.store(conn, team, campaign_id, reading.contacts)
        campaign = service.submit(
            conn,
            team.id,
            {**body, "uuid": str(campaign_id), "included_contact_groups": [str(group_id)]},
            providers=providers,
            now=now,
        )
        given.note_number(conn, campaign_id, len(reading.contacts))
        given.file(conn, team, reading.contacts)
    return campaign
