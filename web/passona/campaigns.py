"""Campaigns: create, edit, list, get, delete, send a test, pause and resume."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from campaigns.campaign import control, samples, service
from web import body
from web.body import JsonObject
from web.caller import Caller, Reader, Sender, Writer
from web.context import Context
from web.dialect import described
from web.failures import HttpRefused
from web.passona import answers, editing, examples, pages, requests
from web.passona.pages import PageNumber
from web.passona.shapes import CampaignBody, CampaignPage
from web.passona.wording import CONFLICT, LOCKED, MISSING, UNPROCESSABLE, Refusal, naming


def router(context: Context) -> APIRouter:
    """The operations on campaigns."""
    found = APIRouter(tags=["Campaigns"])
    _one(found, context)
    _all(found, context)
    return found


def _all(api: APIRouter, context: Context) -> None:
    @api.post(
        "/campaigns",
        status_code=201,
        response_model_exclude_unset=True,
        responses=described(Refusal, {**UNPROCESSABLE, **CONFLICT}),
        openapi_extra=requests.body(
            requests.CampaignRequest, campaign=examples.CREATE, throttled=examples.THROTTLED
        ),
    )
    def create_campaign(caller: Writer, sent: JsonObject) -> CampaignBody:
        """Create a campaign, throttled or not. One with `status: draft` waits to be activated."""
        if sent.get("status") != "draft":
            caller.require("send")
        with context.connection() as conn, naming("template_uuid"):
            campaign = service.submit(
                conn, caller.team.id, sent, providers=context.providers(), now=context.now()
            )
        return CampaignBody(data=answers.campaign(campaign))

    @api.get(
        "/campaigns",
        response_model_exclude_unset=True,
        responses=described(Refusal, UNPROCESSABLE),
    )
    def list_campaigns(
        request: Request,
        caller: Reader,
        page: PageNumber = 1,
        per_page: int = pages.per_page(service.DEFAULT_PAGE),
    ) -> CampaignPage:
        """The team's campaigns, newest first, without test sends."""
        with context.connection() as conn:
            campaigns, total = service.page(conn, caller.team.id, page, per_page)
        return CampaignPage(
            data=[answers.campaign(campaign) for campaign in campaigns],
            **_paged(request, page, per_page, len(campaigns), total),
        )


def _paged(request: Request, page: int, per_page: int, shown: int, total: int) -> Any:
    return pages.paged(
        request,
        page=page,
        per_page=per_page,
        usual=service.DEFAULT_PAGE,
        shown=shown,
        total=total,
    )


def _one(api: APIRouter, context: Context) -> None:
    def got(caller: Caller, campaign: UUID) -> CampaignBody:
        with context.connection() as conn:
            found = service.get(conn, caller.team.id, campaign)
        return CampaignBody(data=answers.campaign(found, with_throttled=True))

    @api.post(
        "/campaigns/send-test",
        status_code=201,
        response_model_exclude_unset=True,
        responses=described(Refusal, {**UNPROCESSABLE, **CONFLICT}),
        openapi_extra=requests.body(requests.TestRequest, test=examples.SEND_TEST),
    )
    def send_test(caller: Sender, sent: JsonObject) -> CampaignBody:
        """Send one message to one contact, at its date or, if that is past, at once."""
        reference = "campaign" if "campaign" in sent else "template_uuid"
        with context.connection() as conn, naming(reference):
            sample = samples.send_test(
                conn, caller.team.id, sent, providers=context.providers(), now=context.now()
            )
        return CampaignBody(data=answers.campaign(sample))

    @api.get(
        "/campaigns/{campaign}",
        response_model_exclude_unset=True,
        responses=described(Refusal, MISSING),
    )
    def get_campaign(caller: Reader, campaign: UUID) -> CampaignBody:
        """One campaign."""
        return got(caller, campaign)

    @api.post("/campaigns/{campaign}", include_in_schema=False, response_model_exclude_unset=True)
    def get_campaign_as_documented(
        caller: Reader, campaign: UUID, sent: Annotated[bytes, Depends(body.raw)]
    ) -> CampaignBody:
        """The document's own example, `curl --data ''`, is a POST without a body."""
        refuse_unless_empty(sent)
        return got(caller, campaign)

    @api.put(
        "/campaigns/{campaign}",
        response_model_exclude_unset=True,
        responses=described(Refusal, {**UNPROCESSABLE, **MISSING, **LOCKED}),
        openapi_extra=requests.body(
            requests.CampaignEdit,
            campaign=examples.EDIT,
            throttled=examples.THROTTLED,
            pause=examples.PAUSE,
        ),
    )
    def edit_campaign(caller: Sender, campaign: UUID, sent: JsonObject) -> CampaignBody:
        """Change a campaign that is still to come, or set `manually_paused` at any time."""
        with context.connection() as conn:
            edited = editing.edit(
                conn,
                caller.team.id,
                campaign,
                sent,
                providers=context.providers(),
                now=context.now(),
            )
        return CampaignBody(data=answers.campaign(edited))

    @api.delete(
        "/campaigns/{campaign}",
        status_code=204,
        responses=described(Refusal, {**MISSING, **LOCKED}),
    )
    def delete_campaign(caller: Sender, campaign: UUID) -> Response:
        """Delete a campaign that is not sending."""
        with context.connection() as conn:
            control.delete(conn, caller.team.id, campaign, now=context.now())
        return Response(status_code=204)

    @api.put(
        "/campaigns/{campaign}/toggle-paused-status",
        response_model_exclude_unset=True,
        responses=described(Refusal, {**MISSING, **LOCKED}),
    )
    def toggle_paused_status(caller: Sender, campaign: UUID) -> CampaignBody:
        """Pause a campaign by hand, at once, or let a paused one go on."""
        with context.connection() as conn:
            turned = control.toggle_pause(conn, caller.team.id, campaign, now=context.now())
        return CampaignBody(data=answers.campaign(turned))


def refuse_unless_empty(sent: bytes) -> None:
    """For a POST that stands in the documents where a GET is meant."""
    if sent.strip():
        raise HttpRefused(405, "method_not_allowed", "Use GET or PUT here.", {"Allow": "GET, PUT"})
