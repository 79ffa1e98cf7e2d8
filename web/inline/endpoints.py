"""The endpoints of the Inline-contacts API."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from campaigns.audience import given
from campaigns.campaign import browsing, control, service, with_contacts
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import NotFound
from campaigns.names import as_uuid
from campaigns.validation import parse
from web import body as bodies
from web.body import JsonObject
from web.caller import Caller, Reader, Sender
from web.context import Context, Shared
from web.inline import examples, lists
from web.inline.asking import Asked, asked
from web.inline.shapes import (
    KINDS,
    NAMES,
    CampaignBody,
    CampaignItem,
    ContactItem,
    EditBody,
    Page,
    Refusal,
    campaign_item,
    contact_item,
)
from web.naming import told_as

router = APIRouter(tags=["Campaigns"])

CampaignId = Annotated[str, Path(alias="id", description="id of the campaign")]
AskedFor = Annotated[Asked, Depends(asked)]

_REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Refusal, "description": text}
    for status, text in (
        (400, "the body is no JSON object"),
        (401, "no good token"),
        (403, "the token lacks a scope"),
        (404, "there is no such campaign"),
        (413, "the body is larger than 16 MiB"),
        (422, "a field breaks a rule"),
        (423, "the campaign is sending, or over"),
        (429, "too many requests"),
        (503, "the database cannot be reached; ask again"),
    )
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented refusals with these statuses, and those that every request may meet."""
    return {status: _REFUSALS[status] for status in (*statuses, 401, 403, 422, 429, 503)}


@router.get("/Campaigns", responses=refusals(), openapi_extra=examples.PAGE)
def list_campaigns(caller: Reader, context: Shared, wanted: AskedFor) -> Page[CampaignItem]:
    """A page of the team's campaigns, the latest start first.

    `sorts` is startDateTime or sender, with - before it from the end. `filters` are terms with
    commas between them, all of which must hold: startDateTime (==, >, >=, <, <=), sender (==, !=,
    @= for contains, _= for begins with), status (==, !=). A backslash before a comma makes it part
    of a value.
    """
    order = wanted.order(lists.CAMPAIGN_ORDERS, "-startDateTime")
    chosen = lists.campaign_filter(wanted.terms(lists.CAMPAIGN_FIELDS))
    with told_as(NAMES, KINDS), context.connection() as conn:
        found = browsing.browse(
            conn, caller.team.id, chosen, order=order, number=wanted.index, per_page=wanted.size
        )
        links = browsing.link_numbers(conn, found.campaigns)
    items = [campaign_item(one, found.recipients, links) for one in found.campaigns]
    return Page(
        page_index=wanted.index,
        total_pages=wanted.pages(found.total),
        total_records=found.total,
        items=items,
    )


@router.get("/Campaigns/{id}", responses=refusals(404), openapi_extra=examples.ITEM)
def show_campaign(caller: Reader, context: Shared, name: CampaignId) -> CampaignItem:
    """A campaign."""
    with context.connection() as conn:
        campaign = _find(conn, caller, name)
        recipients = browsing.recipients(conn, [campaign.id])
        links = browsing.link_numbers(conn, [campaign])
    return campaign_item(campaign, recipients, links)


@router.get("/Campaigns/{id}/Contacts", responses=refusals(404), openapi_extra=examples.CONTACTS)
def list_contacts(
    caller: Reader, context: Shared, name: CampaignId, wanted: AskedFor
) -> Page[ContactItem]:
    """A page of the contacts that came with a campaign, in the order in which they were given.

    `sorts` is id or phoneNumber, with - before phoneNumber from the end. `filters` are about
    phoneNumber and name (==, @= for contains, _= for begins with).
    """
    order = wanted.order(lists.CONTACT_ORDERS, "id")
    chosen = lists.contact_filter(wanted.terms(lists.CONTACT_FIELDS))
    with told_as(NAMES, KINDS), context.connection() as conn:
        found, total = given.page(
            conn,
            caller.team.id,
            _find(conn, caller, name).id,
            chosen,
            order=order,
            number=wanted.index,
            per_page=wanted.size,
        )
    return Page(
        page_index=wanted.index,
        total_pages=wanted.pages(total),
        total_records=total,
        items=[contact_item(one) for one in found],
    )


@router.post(
    "/Campaigns",
    status_code=201,
    responses=refusals(400, 413, 423),
    openapi_extra=examples.CREATE,
)
def create_campaign(caller: Sender, context: Shared, sent: JsonObject, response: Response) -> str:
    """Send a message to the contacts in the request, each number once, and answer its id.

    Nothing is stored if any contact is not valid; each one is told then.
    """
    return _created(caller, context, sent, response, ignore_invalid=False)


@router.post(
    "/Campaigns/{id}",
    status_code=201,
    response_model=str,
    responses={**refusals(400, 404, 413, 423), 204: {"description": "edited, or deleted"}},
    openapi_extra=examples.CREATE_OR_EDIT,
)
def post_to_campaign(
    caller: Sender,
    context: Shared,
    name: CampaignId,
    content: Annotated[bytes, Depends(bodies.raw)],
    response: Response,
) -> Any:
    """`true` or `false` in the place of the id creates a campaign: with `true`, contacts that are
    not valid are left out.

    With a campaign's id this is PUT when there is a body, and DELETE when there is none: the
    document has POST in the lines of both.
    """
    if name.lower() in ("true", "false"):
        sent = bodies.json_object(bodies.parse_json(content))
        return _created(caller, context, sent, response, ignore_invalid=name.lower() == "true")
    if content:
        return _edited(caller, context, name, bodies.json_object(bodies.parse_json(content)))
    return _deleted(caller, context, name)


@router.put(
    "/Campaigns/{id}",
    status_code=204,
    response_class=Response,
    responses=refusals(400, 404, 413, 423),
    openapi_extra=examples.EDIT,
)
def edit_campaign(caller: Sender, context: Shared, name: CampaignId, sent: JsonObject) -> Response:
    """Change a campaign that has not begun. What is left out, or null, stays."""
    return _edited(caller, context, name, sent)


@router.delete(
    "/Campaigns/{id}",
    status_code=204,
    response_class=Response,
    responses=refusals(404, 423),
)
def delete_campaign(caller: Sender, context: Shared, name: CampaignId) -> Response:
    """Delete a campaign that is not sending, with the contacts that came with it."""
    return _deleted(caller, context, name)


def _created(
    caller: Caller, context: Context, sent: Any, response: Response, *, ignore_invalid: bool
) -> str:
    asked_for = parse(CampaignBody, sent)
    now = context.now()
    with told_as(NAMES, KINDS), context.connection() as conn:
        campaign = with_contacts.submit(
            conn,
            caller.team,
            asked_for.request(now),
            [contact.given() for contact in asked_for.contacts],
            ignore_invalid=ignore_invalid,
            providers=context.providers(),
            now=now,
        )
    response.headers["Location"] = f"/api/Campaigns/{campaign.id}"
    return str(campaign.id)


def _edited(caller: Caller, context: Context, name: str, sent: Any) -> Response:
    changes = parse(EditBody, sent).changes()
    with told_as(NAMES, KINDS), context.connection() as conn:
        campaign = _find(conn, caller, name)
        if changes:
            service.edit(
                conn,
                caller.team.id,
                campaign.id,
                changes,
                providers=context.providers(),
                now=context.now(),
            )
    return Response(status_code=204)


def _deleted(caller: Caller, context: Context, name: str) -> Response:
    with context.connection() as conn:
        campaign = _find(conn, caller, name)
        control.delete(conn, caller.team.id, campaign.id, now=context.now())
    return Response(status_code=204)


def _find(conn: Connection, caller: Caller, name: str) -> Campaign:
    found = as_uuid(name)
    if found is None:
        raise NotFound("campaign", name)
    return service.get(conn, caller.team.id, found)
