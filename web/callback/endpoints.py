"""The endpoints of the Callback API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import Response

from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.staged import reading, service, states
from campaigns.staged.service import ActionContext
from campaigns.validation import parse
from web.callback import examples
from web.callback.content import Fields
from web.callback.shapes import (
    KINDS,
    NAMES,
    CampaignAnswer,
    ChangedCampaign,
    NewCampaign,
    Refusal,
    answer,
)
from web.caller import Caller, Reader, Writer
from web.context import Context, Shared
from web.naming import told_as

router = APIRouter(tags=["Campaign"])

_LARGEST = 2**63 - 1
#: What is no number is nothing that exists.
Number = Annotated[str, Path(alias="campaign", description="id of the campaign, a number")]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": text}
    for status, text in (
        (400, "the body is no form or JSON object"),
        (401, "no good token"),
        (403, "the token lacks a scope"),
        (404, "there is no such campaign"),
        (409, "the campaign's state does not allow it"),
        (413, "the body is larger than 16 MiB"),
        (415, "the body is of another kind"),
        (422, "a field breaks a rule"),
        (429, "too many requests"),
        (503, "the database cannot be reached; ask again"),
    )
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The refusals with these statuses, and those that every request may meet."""
    return {status: _REFUSALS[status] for status in (*statuses, 401, 403, 422, 429, 503)}


@router.get("/{campaign}", responses=refusals(404), openapi_extra=examples.answered(200))
def show_campaign(caller: Reader, context: Shared, name: Number) -> CampaignAnswer:
    """The campaign."""
    with context.connection() as conn:
        return answer(reading.get(conn, caller.team.id, _number(name), now=context.now()))


@router.post(
    "/",
    status_code=201,
    responses=refusals(400, 413, 415),
    openapi_extra=examples.CREATE,
)
def create_campaign(
    caller: Writer, context: Shared, sent: Fields, response: Response
) -> CampaignAnswer:
    """The new campaign. It begins as a DRAFT unless `state` says otherwise; to be SCHEDULED or
    READY it needs `when` and a message."""
    asked = parse(NewCampaign, sent)
    state = "DRAFT" if asked.state is None else asked.state
    states.checked_beginning(state)
    if state != "DRAFT":
        caller.require("send")
    with told_as(NAMES, KINDS), context.connection() as conn:
        group = reading.group_of(conn, caller.team.id, asked.group)
        body = {**asked.given(), "included_contact_groups": [group]}
        made = service.create(_action(conn, caller, context), body, state)
    response.headers["Location"] = f"/campaign/{made.number}"
    return answer(made)


@router.put("/{campaign}", responses=refusals(400, 404, 409, 413, 415), openapi_extra=examples.EDIT)
def edit_campaign(caller: Writer, context: Shared, name: Number, sent: Fields) -> CampaignAnswer:
    """The edited campaign. What is left out stays.

    `state` moves it one step between DRAFT, SCHEDULED and READY; its fields can be changed in DRAFT
    and SCHEDULED.
    """
    number = _number(name)
    asked = parse(ChangedCampaign, sent)
    with told_as(NAMES, KINDS), context.connection() as conn, conn.transaction():
        current = reading.get(conn, caller.team.id, number, now=context.now())
        _check_kept("id", asked.id, current.number)
        _check_kept("list", asked.group, current.group_number)
        action = _action(conn, caller, context)
        changed = service.edit(action, number, asked.given(), asked.state)
        # Afterwards, by what it has become: nothing of it counts if this refuses.
        _require_scope(caller, current.state, changed.state)
    return answer(changed)


@router.delete("/{campaign}", responses=refusals(404, 409), openapi_extra=examples.answered(200))
def delete_campaign(caller: Writer, context: Shared, name: Number) -> CampaignAnswer:
    """The deleted campaign, as it was. One that is SENDING cannot be deleted."""
    number = _number(name)
    with context.connection() as conn, conn.transaction():
        deleted = service.delete(_action(conn, caller, context), number)
        _require_scope(caller, deleted.state, deleted.state)
    return answer(deleted)


def _action(conn: Connection, caller: Caller, context: Context) -> ActionContext:
    return ActionContext(conn, caller.team.id, context.providers(), context.now())


def _number(name: str) -> int:
    if name.isascii() and name.isdigit() and len(name) < 20 and 0 < int(name) <= _LARGEST:
        return int(name)
    raise NotFound("campaign", name)


def _check_kept(field: str, given: int | None, kept: int | None) -> None:
    if given is not None and given != kept:
        raise Invalid(field, given, "cannot be changed")


def _require_scope(caller: Caller, before: str, after: str) -> None:
    """A draft sends nothing by itself; whatever else there is does, or would have."""
    if before != "DRAFT" or after != "DRAFT":
        caller.require("send")
