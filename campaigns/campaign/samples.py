"""Test sends: one message to one person, to see how a campaign will look (Passona: send-test)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from campaigns import queries
from campaigns.audience import audience, push_keys
from campaigns.audience.addresses import AddressKind
from campaigns.audience.contact import addressed
from campaigns.audience.fields import checked_fields
from campaigns.campaign import rules, store, submission, window_rules
from campaigns.campaign.message import compose
from campaigns.campaign.model import CampaignSampleSpec, SampleSpec
from campaigns.campaign.store import Campaign
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid
from campaigns.links import placing
from campaigns.links.placing import CampaignLink
from campaigns.providers import Providers
from campaigns.template import contents
from campaigns.validation import parse

SQL = queries.load("campaigns.campaign", "samples.sql")


def send_test(
    conn: Connection,
    team_id: UUID,
    body: Mapping[str, Any],
    *,
    providers: Providers,
    now: datetime,
    default_uuid: UUID | None = None,
) -> Campaign:
    """Send one message to one address; ``body`` describes it, or names a stored campaign.

    The result is a campaign with ``is_test`` and without groups, in ``sending`` from the start,
    whose run begins at once or at its date; a date in the past means at once. It is paced, claimed
    and counted like any other, so a recipient who has opted out gets no test either. Fields that
    ``custom_fields`` lacks are empty text. May be repeated like a submission.

    Raises:
        Invalid: a field breaks a rule.
        NotFound: the template or the campaign is not in this team.
        Conflict: the uuid is used for something else.
    """
    of_campaign = isinstance(body, Mapping) and "campaign" in body
    spec = parse(CampaignSampleSpec, body) if of_campaign else parse(SampleSpec, body)
    fingerprint = submission.fingerprint(spec)
    campaign_id = spec.uuid or default_uuid or uuid4()
    with conn.transaction():
        if stored := submission.repeated(conn, team_id, campaign_id, fingerprint):
            return stored
        if isinstance(spec, CampaignSampleSpec):
            campaign = store.get(conn, team_id, spec.campaign)
            links = placing.stored(conn, spec.campaign)
            _check_variables(campaign, links)
            sample = _of_campaign(campaign, now)
        else:
            sample, links = _of_message(conn, team_id, spec, providers, now)
        address, fields = _recipient(conn, team_id, spec, sample.sending_type)
        sample = dataclasses.replace(sample, id=campaign_id, submission=fingerprint)
        if store.insert(conn, sample):
            placing.save(conn, campaign_id, links)
            _insert_run(conn, sample, address, fields, placing.opt_out_groups(links))
            return sample
        if stored := submission.repeated(conn, team_id, campaign_id, fingerprint):
            return stored
        raise Conflict(f"uuid: {campaign_id} cannot be used, choose another one.")


def _of_message(
    conn: Connection, team_id: UUID, spec: SampleSpec, providers: Providers, now: datetime
) -> tuple[Campaign, tuple[CampaignLink, ...]]:
    rules.check_message(spec)
    start = max(rules.start_of(spec, now), now.replace(microsecond=0))
    window_rules.check_expiry(spec.expiry_date, start, now)
    message = compose(conn, team_id, spec, providers)
    sample = Campaign(
        id=uuid4(),
        team_id=team_id,
        name=spec.name,
        sender=spec.sender,
        sending_type=spec.sending_type,
        provider=message.provider,
        template_uuid=spec.template_uuid,
        template=message.text,
        template_vars=spec.template_vars,
        schedule_type="once" if start > now else "now",
        scheduled_send_date=start,
        scheduled_finish_date=None,
        expiry_date=spec.expiry_date,
        throttled=False,
        leftover="continue",
        manually_paused=False,
        status="sending",
        error=None,
        is_test=True,
        event_callback=None,
        submission="",
        created_at=now,
        updated_at=now,
        last_dt=start,
        pacing="asap",
        priority="urgent",
        segments=message.segments,
        transliterate=spec.transliterate,
        max_parts=spec.max_parts,
        **message.link_columns,
        started_sending_at=None if start > now else now,
    )
    return sample, message.links


#: What a test does not take over from the campaign, because it is sent once and at once.
_AT_ONCE: dict[str, Any] = {
    "schedule_rrule": None,
    "schedule_exdates": (),
    "schedule_rdates": (),
    "next_dt": None,
    "start_deadline": None,
    "jitter": 0,
    "rate": None,
    "pacing": "asap",
    "warm_up": None,
    "sending_hours": None,
    "quiet_hours": None,
    "holidays": (),
    "recipient_local": False,
    "priority": "urgent",
    "weight": 1,
}


def _of_campaign(campaign: Campaign, now: datetime) -> Campaign:
    start = now.replace(microsecond=0)
    expiry = campaign.expiry_date
    return dataclasses.replace(
        campaign,
        schedule_type="now",
        scheduled_send_date=start,
        scheduled_finish_date=None,
        # A campaign that is over may still be looked at.
        expiry_date=expiry if expiry and expiry > now else None,
        throttled=False,
        leftover="continue",
        manually_paused=False,
        status="sending",
        error=None,
        is_test=True,
        event_callback=None,
        created_at=now,
        updated_at=now,
        started_sending_at=now,
        finished_sending_at=None,
        included=(),
        excluded=(),
        pauses=(),
        **_AT_ONCE,
        last_dt=start,
    )


def _check_variables(campaign: Campaign, links: Sequence[CampaignLink]) -> None:
    """A draft may lack values for its variables; raises ``Invalid`` then."""
    known = {link.source.strip("{}"): "" for link in links} | campaign.template_vars
    compiled = contents.compile(campaign.sending_type, campaign.template)
    if compiled.variables - known.keys():
        rules.bound(compiled, known)


def _recipient(
    conn: Connection, team_id: UUID, spec: SampleSpec | CampaignSampleSpec, sending_type: str
) -> tuple[str, Mapping[str, str]]:
    """The address and the fields, to which the keys of a push subscription belong."""
    kind = cast("AddressKind", ADDRESS_COLUMN[sending_type])
    if (spec.address is None) == (spec.contact_number is None):
        raise Invalid("address", None, "is required; give either address or contact_number")
    if spec.contact_number is not None and kind != "phone":
        raise Invalid("contact_number", None, f"is for phone numbers; {sending_type} needs address")
    field = "contact_number" if spec.address is None else "address"
    row = conn.execute(SQL["default_region"], {"team_id": team_id}).fetchone() or {}
    written = {kind: spec.address or spec.contact_number or ""}
    try:
        found, keys = addressed(written, row.get("default_region"))
    except Invalid as error:
        raise Invalid(field, None, error.rule) from None
    fields = push_keys.together(checked_fields(spec.custom_fields), keys)
    return found[kind], push_keys.checked(fields, with_endpoint=kind == "webpush")


def _insert_run(
    conn: Connection,
    sample: Campaign,
    address: str,
    fields: Mapping[str, str],
    opt_outs: Sequence[UUID],
) -> None:
    row = (
        conn.execute(
            SQL["insert_run"],
            {
                "campaign_id": sample.id,
                "provider": sample.provider,
                "starts_at": sample.scheduled_send_date,
                "expires_at": sample.expiry_date,
                "suppression_groups": audience.suppression_groups(conn, sample.team_id, opt_outs),
                "now": sample.created_at,
            },
        ).fetchone()
        or {}
    )
    conn.execute(
        SQL["insert_delivery"],
        {"run_id": row["id"], "address": address, "fields": Jsonb(dict(fields))},
    )
