"""Creating, moving, changing and deleting campaigns by their numbers, step by step.

Each function does all it was asked for in one transaction, or raises a
:class:`campaigns.errors.Refused` and leaves everything as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from campaigns import queries
from campaigns.campaign import control, service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.providers import Providers
from campaigns.staged import drafts, reading, states
from campaigns.staged.drafts import Draft, DraftSpec
from campaigns.staged.reading import Staged
from campaigns.staged.states import State
from campaigns.validation import parse

SQL = queries.load("campaigns.staged", "staged.sql")


@dataclass(frozen=True, slots=True)
class ActionContext:
    """What every action needs: for whom, with which accounts and when it is done."""

    conn: Connection
    team_id: UUID
    providers: Providers
    now: datetime


def create(action: ActionContext, body: Mapping[str, Any], state: str) -> Staged:
    """Store a campaign with the fields of :class:`DraftSpec`, in ``state``.

    Raises:
        Invalid: a field breaks a rule, or ``state`` needs one that is missing.
        NotFound: the domain or the template is not in this team.
    """
    beginning = states.checked_beginning(state)
    spec = parse(DraftSpec, body)
    conn = action.conn
    with conn.transaction():
        if beginning == "DRAFT" and spec.lacks:
            number = drafts.insert(conn, action.team_id, spec, action.now)
        else:
            number = reading.number_of(conn, _submitted(action, spec, beginning).id)
        return reading.get(conn, action.team_id, number, now=action.now)


def edit(
    action: ActionContext, number: int, body: Mapping[str, Any], state: str | None = None
) -> Staged:
    """Change what ``body`` names of ``reading.EDITABLE_FIELDS``, and move to ``state``.

    What already is as it is asked to be is no change.

    Raises:
        Invalid: a field breaks a rule, or ``state`` needs one that is missing.
        NotFound: the team has no such campaign, domain or template.
        Locked: the state forbids the move or the change; the sentence says which moves it allows.
    """
    with action.conn.transaction():
        current = _locked(action, number)
        wanted = current.state if state is None else state
        after = states.checked_move(current.state, wanted, is_prepared=current.is_prepared)
        changes = {name: value for name, value in body.items() if value != current.fields.get(name)}
        if changes:
            states.check_editable(current.state, after)
        if isinstance(current.source, Draft):
            _edit_draft(action, current.source, changes, after)
        else:
            _edit_campaign(action, current, current.source, changes, after)
        return reading.get(action.conn, action.team_id, number, now=action.now)


def delete(action: ActionContext, number: int) -> Staged:
    """Remove the campaign, and return it as it was.

    Raises:
        NotFound: the team has no such campaign.
        Locked: it is sending, or its run is not settled yet.
    """
    with action.conn.transaction():
        current = _locked(action, number)
        if isinstance(current.source, Draft):
            drafts.delete(action.conn, current.source)
        else:
            control.delete(action.conn, action.team_id, current.source.id, now=action.now)
        return current


def _edit_draft(
    action: ActionContext, draft: Draft, changes: Mapping[str, Any], after: State
) -> None:
    spec = parse(DraftSpec, {**draft.spec.model_dump(), **_without_rivals(changes)})
    if after == "DRAFT" and spec.lacks:
        drafts.replace(action.conn, action.team_id, draft, spec, action.now)
        return
    campaign = _submitted(action, spec, after, draft.id)
    action.conn.execute(SQL["set_number"], {"id": campaign.id, "number": draft.number})
    drafts.delete(action.conn, draft)


def _submitted(
    action: ActionContext, spec: DraftSpec, state: State, campaign_id: UUID | None = None
) -> Campaign:
    """The campaign of the engine that ``spec`` becomes."""
    if state != "DRAFT":
        _require(spec.lacks, spec.scheduled_send_date, state)
    drafts.check_domain(action.conn, action.team_id, spec.domain)
    campaign = service.submit(
        action.conn,
        action.team_id,
        {**spec.request(), "status": "draft" if state == "DRAFT" else "active"},
        providers=action.providers,
        now=action.now,
        default_uuid=campaign_id,
    )
    _set_ready(action, campaign, state)
    return campaign


def _edit_campaign(
    action: ActionContext,
    current: Staged,
    campaign: Campaign,
    changes: Mapping[str, Any],
    after: State,
) -> None:
    body = dict(changes)
    when = body.get("scheduled_send_date", current.fields["scheduled_send_date"])
    if after != "DRAFT" and (changes or after != current.state):
        _require(None, when, after)
    drafts.check_domain(action.conn, action.team_id, body.get("domain"))
    if after == "DRAFT":
        control.withdraw(action.conn, action.team_id, campaign.id, now=action.now)
    if "scheduled_send_date" in body and when is None:
        # What the engine calls a draft without a date.
        del body["scheduled_send_date"]
        body["schedule_type"] = "now"
    if current.state == "DRAFT" and after != "DRAFT":
        body["status"] = "active"
    if body:
        service.edit(
            action.conn,
            action.team_id,
            campaign.id,
            body,
            providers=action.providers,
            now=action.now,
        )
    if not current.is_prepared:
        _set_ready(action, campaign, after)


def _set_ready(action: ActionContext, campaign: Campaign, state: State) -> None:
    action.conn.execute(SQL["set_ready"], {"id": campaign.id, "is_ready": state == "READY"})


def _require(lacking: str | None, when: datetime | None, state: State) -> None:
    missing = lacking or ("scheduled_send_date" if when is None else None)
    if missing is not None:
        raise Invalid(missing, None, f"is required before the campaign can be {state}")


def _without_rivals(changes: Mapping[str, Any]) -> dict[str, Any]:
    """``changes``, and what they put an end to: there is one template only."""
    found = dict(changes)
    for name, other in (("template", "template_uuid"), ("template_uuid", "template")):
        if found.get(name) is not None:
            found.setdefault(other, None)
    return found


def _locked(action: ActionContext, number: int) -> Staged:
    """The campaign, which nobody else moves or changes until the transaction ends."""
    # The draft first: whoever waits while it becomes a campaign finds the campaign then.
    for query in ("lock_draft", "lock_number"):
        action.conn.execute(SQL[query], {"team_id": action.team_id, "number": number})
    return reading.get(action.conn, action.team_id, number, now=action.now)
