"""Contact groups: list, create, edit, show, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, StrictBool
from starlette.responses import Response

from campaigns.audience import group_edit, group_pages
from campaigns.audience import groups as store
from campaigns.validation import REQUEST, Id, Text, parse
from web import body
from web.body import JsonObject
from web.caller import Caller, Reader, Writer
from web.context import Context
from web.dialect import described
from web.passona import answers, examples, pages, requests
from web.passona.pages import PageNumber
from web.passona.shapes import GroupBody, GroupPage
from web.passona.wording import (
    CONFLICT,
    LOCKED,
    MISSING,
    UNPROCESSABLE,
    Refusal,
    unique_name,
)

#: Passona: 50 groups on a page unless asked otherwise.
USUAL = 50


class _Create(BaseModel):
    model_config = REQUEST

    uuid: Id | None = None
    name: Text
    description: Text | None = None
    deletable: StrictBool = True
    kind: Text = "optin"


class _Edit(BaseModel):
    model_config = REQUEST

    name: Text | None = None
    description: Text | None = None
    deletable: StrictBool | None = None


def router(context: Context) -> APIRouter:
    """The operations on groups as such."""
    found = APIRouter(tags=["Contact Groups"])
    _all(found, context)
    _one(found, context)
    return found


def _all(api: APIRouter, context: Context) -> None:
    def listed(request: Request, caller: Caller, page: int, per_page: int) -> GroupPage:
        with context.connection() as conn:
            groups, total = group_pages.read(conn, caller.team.id, page, per_page)
        base = pages.base_of(request)
        beside: Any = pages.paged(
            request, page=page, per_page=per_page, usual=USUAL, shown=len(groups), total=total
        )
        data = [answers.group(group, base, with_centralised=True) for group in groups]
        return GroupPage(data=data, **beside)

    @api.get(
        "/contact-groups",
        response_model_exclude_unset=True,
        responses=described(Refusal, UNPROCESSABLE),
    )
    def list_contact_groups(
        request: Request,
        caller: Reader,
        page: PageNumber = 1,
        per_page: int = pages.per_page(USUAL),
    ) -> GroupPage:
        """The team's groups, newest first."""
        return listed(request, caller, page, per_page)

    @api.post(
        "/contact-groups",
        status_code=201,
        response_model=GroupBody,
        response_model_exclude_unset=True,
        responses=described(Refusal, {**UNPROCESSABLE, **CONFLICT}),
        openapi_extra=requests.body(requests.GroupRequest, group=examples.CREATE_GROUP),
    )
    def create_contact_group(
        request: Request,
        caller: Reader,
        sent: Annotated[bytes, Depends(body.raw)],
    ) -> Any:
        """Create a group."""
        if not sent.strip():
            # The document's own example of a list, `curl --data ''`, is a POST without a body.
            found = listed(request, caller, 1, USUAL)
            return Response(
                found.model_dump_json(by_alias=True, exclude_unset=True),
                media_type="application/json",
            )
        caller.require("write")
        group = _created(context, caller, body.json_object(body.parse_json(sent)))
        return GroupBody(data=answers.group(group, pages.base_of(request)))


def _created(context: Context, caller: Caller, sent: Mapping[str, Any]) -> store.GroupSummary:
    asked = parse(_Create, sent)
    with context.connection() as conn, unique_name():
        group = store.create(
            conn,
            caller.team.id,
            asked.name,
            asked.kind,
            asked.description or "",
            asked.deletable,
            uuid=asked.uuid,
        )
        return store.summary(conn, group)


def _one(api: APIRouter, context: Context) -> None:
    @api.get(
        "/contact-groups/{group}",
        response_model_exclude_unset=True,
        responses=described(Refusal, MISSING),
    )
    def show_contact_group(request: Request, caller: Reader, group: UUID) -> GroupBody:
        """One group."""
        with context.connection() as conn:
            found = store.summary(conn, store.find(conn, caller.team.id, group))
        return GroupBody(data=answers.group(found, pages.base_of(request)))

    @api.put(
        "/contact-groups/{group}",
        response_model_exclude_unset=True,
        responses=described(Refusal, {**UNPROCESSABLE, **MISSING, **LOCKED}),
        openapi_extra=requests.body(requests.GroupEdit, group=examples.EDIT_GROUP),
    )
    def edit_contact_group(
        request: Request, caller: Writer, group: UUID, sent: JsonObject
    ) -> GroupBody:
        """Change a group that no campaign is sending with."""
        asked = parse(_Edit, sent)
        with context.connection() as conn, unique_name():
            edited = group_edit.edit(
                conn,
                caller.team.id,
                group,
                name=asked.name,
                description=asked.description,
                deletable=asked.deletable,
            )
            found = store.summary(conn, edited)
        return GroupBody(data=answers.group(found, pages.base_of(request)))

    @api.delete(
        "/contact-groups/{group}",
        status_code=204,
        responses=described(Refusal, {**MISSING, **LOCKED, **CONFLICT}),
    )
    def delete_contact_group(caller: Writer, group: UUID) -> Response:
        """Delete a group with its contacts, unless a campaign or a keyword needs it."""
        with context.connection() as conn:
            store.delete(conn, caller.team.id, group)
        return Response(status_code=204)
