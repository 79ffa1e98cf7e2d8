"""``/news/v1``: the endpoints of the document's section 3."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import FastAPI, Path, Request, Response

from campaigns.campaign import cloning, control, listing, service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.names import as_uuid
from campaigns.run import executions
from campaigns.validation import parse
from web import context as contexts
from web import dialect
from web.body import JsonObject
from web.caller import Caller, Reader, Sender, Writer
from web.context import Context
from web.horisen import description, models, translation
from web.horisen import listing as queries
from web.horisen.models import (
    CampaignCollection,
    CampaignCreate,
    CampaignResponse,
    CampaignStatus,
    CampaignUpdate,
    Error,
)
from web.horisen.wording import wording

_CAMPAIGNS = "/services/{serviceUuid}/campaigns"
_ONE = _CAMPAIGNS + "/{campaignUuid}"

_ABOUT = """\
HORISEN Business Messenger Campaign API v1.0.0, served by Sluice. A service is a team; access tokens
come from `/oauth2/access-token`, or from `sluice tokens create`."""

Service = Annotated[str, Path(alias="serviceUuid", description="Uuid of the team.")]
CampaignId = Annotated[str, Path(alias="campaignUuid", description="Uuid of the campaign.")]

_NOT_FOUND = dialect.described(Error, {404: "There is no such campaign in this service."})


def create(context: Context) -> FastAPI:
    """The application that is mounted at ``/news/v1``."""
    app = dialect.application(
        context,
        title="Campaign API",
        version="1.0.0",
        description=_ABOUT,
        wording=wording,
        statuses={Invalid: 400, Locked: 400, Conflict: 400},
        error=Error,
    )
    # Also keeps out FastAPI's own form of errors, which nothing here answers.
    app.router.responses = {
        **app.router.responses,
        **_NOT_FOUND,
        "default": {"model": Error, "description": "Unexpected error."},
    }
    _add_collection(app)
    _add_one(app)
    description.complete(app)
    return app


def _add_collection(app: FastAPI) -> None:
    @app.post(
        _CAMPAIGNS,
        status_code=201,
        summary="Create or clone a campaign",
        response_model=CampaignResponse,
        response_model_exclude_unset=True,
        openapi_extra=description.body(
            CampaignCreate,
            create=description.NEW,
            clone=description.CLONE,
            scheduled=description.SERIES,
            card=description.CARD,
        ),
    )
    def create_campaign(
        request: Request, caller: Writer, service_uuid: Service, sent: JsonObject
    ) -> CampaignResponse:
        _check_service(caller, service_uuid)
        given = parse(CampaignCreate, sent)
        with contexts.of(request).connection() as conn:
            made = _created(contexts.of(request), conn, caller, given)
            return _answer(conn, made)

    @app.get(
        _CAMPAIGNS,
        summary="Get a list of campaigns",
        response_model=CampaignCollection,
        response_model_exclude_unset=True,
        openapi_extra={"parameters": queries.parameters()},
    )
    def list_campaigns(
        request: Request, caller: Reader, service_uuid: Service
    ) -> CampaignCollection:
        _check_service(caller, service_uuid)
        query = queries.read(request)
        with contexts.of(request).connection() as conn:
            page = listing.page(
                conn,
                caller.team.id,
                query.criteria,
                query.order,
                number=query.number,
                size=query.size,
            )
            ids = [campaign.id for campaign in page.campaigns]
            found = executions.find(conn, ids, query.fields)
        data = [translation.as_answer(campaign, found) for campaign in page.campaigns]
        return CampaignCollection(
            data=data, meta=queries.meta(request, query, page.total, len(data))
        )


def _add_one(app: FastAPI) -> None:
    @app.get(
        _ONE,
        summary="Get a campaign by UUID",
        response_model=CampaignResponse,
        response_model_exclude_unset=True,
        openapi_extra={"parameters": queries.field_parameters()},
    )
    def get_campaign(
        request: Request, caller: Reader, service_uuid: Service, campaign_uuid: CampaignId
    ) -> CampaignResponse:
        _check_service(caller, service_uuid)
        fields = queries.read_fields(request)
        with contexts.of(request).connection() as conn:
            return _answer(conn, _found(conn, caller, campaign_uuid), fields)

    @app.put(
        _ONE,
        summary="Update a campaign",
        response_model=CampaignResponse,
        response_model_exclude_unset=True,
        openapi_extra=description.body(CampaignUpdate, update=description.NEW),
    )
    def update_campaign(
        request: Request,
        caller: Writer,
        service_uuid: Service,
        campaign_uuid: CampaignId,
        sent: JsonObject,
    ) -> CampaignResponse:
        _check_service(caller, service_uuid)
        context = contexts.of(request)
        with context.connection() as conn:
            stored = _found(conn, caller, campaign_uuid)
            given = parse(CampaignUpdate, sent)
            if stored.status != "draft" or given.status != "draft":
                caller.require("send")
            body = translation.updated(given, stored)
            if body:
                stored = service.edit(
                    conn,
                    caller.team.id,
                    stored.id,
                    body,
                    providers=context.providers(),
                    now=context.now(),
                )
            return _answer(conn, stored)

    @app.patch(
        _ONE,
        summary="Stop or resume a campaign",
        response_model=CampaignResponse,
        response_model_exclude_unset=True,
        openapi_extra=description.body(CampaignStatus, stop={"status": "stopped"}),
    )
    def change_status(
        request: Request,
        caller: Sender,
        service_uuid: Service,
        campaign_uuid: CampaignId,
        sent: JsonObject,
    ) -> CampaignResponse:
        _check_service(caller, service_uuid)
        context = contexts.of(request)
        with context.connection() as conn:
            stored = _found(conn, caller, campaign_uuid)
            wanted = parse(CampaignStatus, sent).status
            return _answer(conn, _steered(context, conn, stored, wanted))

    @app.delete(_ONE, status_code=204, summary="Delete a campaign", response_class=Response)
    def delete_campaign(
        request: Request, caller: Writer, service_uuid: Service, campaign_uuid: CampaignId
    ) -> Response:
        _check_service(caller, service_uuid)
        context = contexts.of(request)
        with context.connection() as conn:
            stored = _found(conn, caller, campaign_uuid)
            if stored.status in ("scheduled", "sending"):
                caller.require("send")
            control.discard(conn, caller.team.id, stored.id, now=context.now())
        return Response(status_code=204)


def _created(context: Context, conn: Connection, caller: Caller, given: CampaignCreate) -> Campaign:
    if given.status != "draft":
        caller.require("send")
    team_id, providers, now = caller.team.id, context.providers(), context.now()
    if given.clone_uuid is None:
        whole = translation.created(_whole(given))
        return service.submit(conn, team_id, whole, providers=providers, now=now)
    try:
        source = service.get(conn, team_id, given.clone_uuid)
        body = translation.cloned(given, source)
        return cloning.clone(conn, team_id, source.id, body, providers=providers, now=now)
    except NotFound:
        # The address is right: it is the field that is not.
        raise Invalid(
            "clone_uuid", str(given.clone_uuid), "is no campaign of this service"
        ) from None


def _whole(given: CampaignCreate) -> CampaignCreate:
    """That what is no clone has all that a campaign needs."""
    for name, field in models.Campaign.model_fields.items():
        if field.is_required() and getattr(given, name) is None:
            raise Invalid(name, None, "is required, unless clone_uuid is given")
    return given


def _steered(context: Context, conn: Connection, stored: Campaign, wanted: str) -> Campaign:
    """Stop or resume; what is so already stays so."""
    if translation.status_of(stored) == wanted:
        return stored
    if stored.status == "draft":
        if wanted == "stopped":
            raise Locked("status: a draft sends nothing and cannot be stopped.")
        change: dict[str, Any] = {"status": "active", "manually_paused": False}
        return service.edit(
            conn,
            stored.team_id,
            stored.id,
            change,
            providers=context.providers(),
            now=context.now(),
        )
    return control.set_paused(
        conn, stored.team_id, stored.id, wanted == "stopped", now=context.now()
    )


def _check_service(caller: Caller, service_uuid: str) -> None:
    """Raises ``NotFound`` unless it is the caller's: another team's does not exist either."""
    if service_uuid.lower() != str(caller.team.id):
        raise NotFound("service", service_uuid, where="here")


def _found(conn: Connection, caller: Caller, campaign_uuid: str) -> Campaign:
    found = as_uuid(campaign_uuid)
    if found is None:
        raise NotFound("campaign", campaign_uuid)
    return service.get(conn, caller.team.id, found)


def _answer(conn: Connection, campaign: Campaign, fields: Any = ()) -> CampaignResponse:
    return translation.as_answer(campaign, executions.find(conn, [campaign.id], fields))
