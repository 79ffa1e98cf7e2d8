"""Creating, moving and reading campaigns by their numbers, step by step.

Each function does all it was asked for in one transaction, or raises a
:class:`campaigns.errors.Refused` and leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.campaign import control, service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.links import domains
from campaigns.providers import Providers
from campaigns.staged import drafts, states
from campaigns.staged.drafts import Draft, DraftSpec
from campaigns.staged.states import State
from campaigns.validation import parse

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
    #: ``None``: it has no message yet.
    campaign: Campaign | None
    #: The engine has begun: there is nothing to move any more.
    is_prepared: bool = False


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


def get(conn: Connection, team_id: UUID, number: int, *, now: datetime) -> Staged:
    """The team's campaign of that number; raises ``NotFound``."""
    # In this order, one that becomes a campaign meanwhile is found all the same.
    draft = drafts.find(conn, team_id, number)
    if draft is not None:
        return _drafted(conn, team_id, draft)
    found = conn.execute(SQL["find_number"], {"team_id": team_id, "number": number}).fetchone()
    if found is None:
        raise NotFound("campaign", number)
    return _staged(service.get(conn, team_id, found["id"]), found, now)


def create(
    conn: Connection,
    team_id: UUID,
    body: Mapping[str, Any],
    state: str,
    *,
    providers: Providers,
    now: datetime,
) -> Staged:
    """Store a campaign with the fields of :class:`DraftSpec`, in ``state``.

    Raises:
        Invalid: a field breaks a rule, or ``state`` needs one that is missing.
        NotFound: the domain or the template is not in this team.
    """
    states.check_beginning(state)
    spec = parse(DraftSpec, body)
    with conn.transaction():
        if state == "DRAFT" and spec.lacks:
            number = drafts.insert(conn, team_id, spec, now)
        else:
            campaign = _submitted(conn, team_id, spec, state, None, providers, now)
            row = conn.execute(SQL["number_of"], {"id": campaign.id}).fetchone()
            number = int((row or {})["number"])
        return get(conn, team_id, number, now=now)


def edit(
    conn: Connection,
    team_id: UUID,
    number: int,
    body: Mapping[str, Any],
    state: str | None = None,
    *,
    providers: Providers,
    now: datetime,
) -> Staged:
    """Change what ``body`` names of :data:`EDITABLE_FIELDS`, and move to ``state``.

    What already is as it is asked to be is no change.

    Raises:
        Invalid: a field breaks a rule, or ``state`` needs one that is missing.
        NotFound: the team has no such campaign, domain or template.
        Locked: the state forbids the move or the change; the sentence says which moves it allows.
    """
    with conn.transaction():
        _lock(conn, team_id, number)
        current = get(conn, team_id, number, now=now)
        wanted = current.state if state is None else state
        states.check_move(current.state, wanted, is_prepared=current.is_prepared)
        after: State = next(one for one in states.MOVES if one == wanted)
        changes = {name: value for name, value in body.items() if value != current.fields.get(name)}
        if changes:
            states.check_editable(current.state, after)
        if current.campaign is None:
            _edit_draft(conn, team_id, number, changes, after, providers, now)
        else:
            _edit_campaign(conn, team_id, current, current.campaign, changes, after, providers, now)
        return get(conn, team_id, number, now=now)


def delete(conn: Connection, team_id: UUID, number: int, *, now: datetime) -> Staged:
    """Remove the campaign, and return it as it was.

    Raises:
        NotFound: the team has no such campaign.
        Locked: it is sending, or its run is not settled yet.
    """
    with conn.transaction():
        _lock(conn, team_id, number)
        current = get(conn, team_id, number, now=now)
        draft = drafts.find(conn, team_id, number)
        if draft is not None:
            drafts.delete(conn, draft)
        elif current.campaign is not None:
            control.delete(conn, team_id, current.campaign.id, now=now)
        return current


def _edit_draft(
    conn: Connection,
    team_id: UUID,
    number: int,
    changes: Mapping[str, Any],
    after: State,
    providers: Providers,
    now: datetime,
) -> None:
    draft = drafts.find(conn, team_id, number)
    assert draft is not None  # locked by the caller
    spec = parse(DraftSpec, {**draft.spec.model_dump(), **_without_rivals(changes)})
    if after == "DRAFT" and spec.lacks:
        drafts.replace(conn, team_id, draft, spec, now)
        return
    _submitted(conn, team_id, spec, after, draft, providers, now)
    drafts.delete(conn, draft)


def _submitted(
    conn: Connection,
    team_id: UUID,
    spec: DraftSpec,
    state: str,
    draft: Draft | None,
    providers: Providers,
    now: datetime,
) -> Campaign:
    """The campaign of the engine that ``spec`` becomes, with the number that its draft had."""
    if state != "DRAFT":
        _require(spec.lacks, spec.scheduled_send_date, state)
    _check_domain(conn, team_id, spec.domain)
    body = {**spec.request(), "status": "draft" if state == "DRAFT" else "active"}
    campaign = service.submit(
        conn,
        team_id,
        body,
        providers=providers,
        now=now,
        default_uuid=None if draft is None else draft.id,
    )
    if draft is not None:
        conn.execute(SQL["set_number"], {"id": campaign.id, "number": draft.number})
    conn.execute(SQL["set_ready"], {"id": campaign.id, "is_ready": state == "READY"})
    return campaign


def _edit_campaign(
    conn: Connection,
    team_id: UUID,
    current: Staged,
    campaign: Campaign,
    changes: Mapping[str, Any],
    after: State,
    providers: Providers,
    now: datetime,
) -> None:
    when = {**current.fields, **changes}["scheduled_send_date"]
    if after != "DRAFT" and (changes or current.state != after):
        _require(None, when, after)
    if changes.get("domain") is not None:
        _check_domain(conn, team_id, changes["domain"])
    if after == "DRAFT":
        control.withdraw(conn, team_id, campaign.id, now=now)
    body = dict(changes)
    if body.get("scheduled_send_date", when) is None and "scheduled_send_date" in body:
        # What the engine calls a campaign without a date.
        del body["scheduled_send_date"]
        body["schedule_type"] = "now"
    if current.state == "DRAFT" and after != "DRAFT":
        body["status"] = "active"
    if body:
        service.edit(conn, team_id, campaign.id, body, providers=providers, now=now)
    if not current.is_prepared:
        conn.execute(SQL["set_ready"], {"id": campaign.id, "is_ready": after == "READY"})


def _require(lacking: str | None, when: datetime | None, state: str) -> None:
    for name, is_missing in ((lacking, True), ("scheduled_send_date", when is None)):
        if name is not None and is_missing:
            raise Invalid(name, None, f"is required before the campaign can be {state}")


def _check_domain(conn: Connection, team_id: UUID, domain: int | None) -> None:
    if domain is not None:
        domains.find(conn, team_id, domain, purpose="bounce")


def _without_rivals(changes: Mapping[str, Any]) -> dict[str, Any]:
    """``changes``, and what they put an end to: there is one template only."""
    found = dict(changes)
    for name, other in (("template", "template_uuid"), ("template_uuid", "template")):
        if found.get(name) is not None:
            found.setdefault(other, None)
    return found


def _lock(conn: Connection, team_id: UUID, number: int) -> None:
    # The draft first: while it becomes a campaign, whoever comes meanwhile waits here, and finds
    # the campaign afterwards.
    for query in ("lock_draft", "lock_number"):
        conn.execute(SQL[query], {"team_id": team_id, "number": number})


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
        campaign=campaign,
        is_prepared=starts_at is not None,
    )


def _drafted(conn: Connection, team_id: UUID, draft: Draft) -> Staged:
    group = {"team_id": team_id, "id": draft.spec.included_contact_groups[0]}
    row = conn.execute(SQL["number_of_group"], group).fetchone()
    fields = {name: getattr(draft.spec, name) for name in EDITABLE_FIELDS}
    group_number = None if row is None else row["number"]
    return Staged(draft.number, "DRAFT", group_number, fields, None)
