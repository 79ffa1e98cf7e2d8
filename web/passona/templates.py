"""Templates, to which the documents only refer: create, list, show, edit, delete, preview."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from campaigns.campaign.preview import Preview, preview
from campaigns.template import templates as store
from web.body import JsonObject
from web.caller import Reader, Writer
from web.context import Context
from web.dialect import described
from web.passona import answers, examples, pages, requests
from web.passona.pages import PageNumber
from web.passona.shapes import PreviewAnswer, PreviewBody, TemplateBody, TemplatePage
from web.passona.wording import CONFLICT, MISSING, UNPROCESSABLE, Refusal

#: As many as campaigns.
USUAL = 15


def router(context: Context) -> APIRouter:
    """The operations on templates."""
    found = APIRouter(tags=["Templates"])
    _all(found, context)
    _one(found, context)
    return found


def _all(api: APIRouter, context: Context) -> None:
    @api.get("/templates", responses=described(Refusal, UNPROCESSABLE))
    def list_templates(
        request: Request,
        caller: Reader,
        page: PageNumber = 1,
        per_page: int = pages.per_page(USUAL),
    ) -> TemplatePage:
        """The team's templates, newest first."""
        with context.connection() as conn:
            found, total = store.page(conn, caller.team.id, page, per_page)
        beside: Any = pages.paged(
            request, page=page, per_page=per_page, usual=USUAL, shown=len(found), total=total
        )
        return TemplatePage(data=[answers.template(one) for one in found], **beside)

    @api.post(
        "/templates",
        status_code=201,
        responses=described(Refusal, {**UNPROCESSABLE, **CONFLICT}),
        openapi_extra=requests.body(requests.TemplateRequest, template=examples.TEMPLATE),
    )
    def create_template(caller: Writer, sent: JsonObject) -> TemplateBody:
        """Create a template."""
        with context.connection() as conn:
            found = store.create(conn, caller.team.id, sent, now=context.now())
        return TemplateBody(data=answers.template(found))

    @api.post(
        "/templates/preview",
        responses=described(Refusal, UNPROCESSABLE),
        openapi_extra=requests.body(
            requests.PreviewRequest, text={**examples.PREVIEW, "body": examples.TEMPLATE["body"]}
        ),
    )
    def preview_text(caller: Reader, sent: JsonObject) -> PreviewBody:
        """How a text that is not stored would look for one contact, and what it comes to."""
        return _previewed(preview(sent))


def _one(api: APIRouter, context: Context) -> None:
    @api.get("/templates/{template}", responses=described(Refusal, MISSING))
    def show_template(caller: Reader, template: UUID) -> TemplateBody:
        """One template."""
        with context.connection() as conn:
            found = store.get(conn, caller.team.id, template)
        return TemplateBody(data=answers.template(found))

    @api.put(
        "/templates/{template}",
        responses=described(Refusal, {**UNPROCESSABLE, **MISSING}),
        openapi_extra=requests.body(requests.TemplateEdit, template=examples.TEMPLATE),
    )
    def edit_template(caller: Writer, template: UUID, sent: JsonObject) -> TemplateBody:
        """Change a template. Campaigns that were saved with it keep their text."""
        with context.connection() as conn:
            found = store.edit(conn, caller.team.id, template, sent, now=context.now())
        return TemplateBody(data=answers.template(found))

    @api.delete("/templates/{template}", status_code=204, responses=described(Refusal, MISSING))
    def delete_template(caller: Writer, template: UUID) -> Response:
        """Delete a template. Campaigns that were saved with it keep their text."""
        with context.connection() as conn:
            store.delete(conn, caller.team.id, template)
        return Response(status_code=204)

    @api.post(
        "/templates/{template}/preview",
        responses=described(Refusal, {**UNPROCESSABLE, **MISSING}),
        openapi_extra=requests.body(requests.PreviewRequest, contact=examples.PREVIEW),
    )
    def preview_template(caller: Reader, template: UUID, sent: JsonObject) -> PreviewBody:
        """How the template looks for one contact, and what it comes to."""
        with context.connection() as conn:
            found = store.get(conn, caller.team.id, template)
        return _previewed(preview(sent, found.body))


def _previewed(found: Preview) -> PreviewBody:
    return PreviewBody(data=PreviewAnswer.model_validate(asdict(found)))
