"""Contacts of groups: add, remove, flush, in bulk with a new group; listed, and told apart.

Changes are stored and answered at once; they are made afterwards, in the order in which they came
(:mod:`campaigns.audience.changes`).
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, BackgroundTasks, Query, Request

from campaigns.audience import changes, contact_pages, groups, pending, unique
from campaigns.audience.changes import Change
from campaigns.campaign import times
from campaigns.database import Connection
from campaigns.messaging import TASK_CHANGE_GROUP
from web.body import JsonObject
from web.caller import Caller, Reader, Writer
from web.context import Context
from web.dialect import described
from web.passona import answers, examples, pages, requests
from web.passona.pages import PageNumber
from web.passona.shapes import ContactAnswer, ContactPage, GroupBody, JobAnswer, JobList
from web.passona.wording import (
    CONFLICT,
    LOCKED,
    MISSING,
    UNPROCESSABLE,
    Refusal,
    unique_name,
)
from web.publishing import Publisher

#: Passona: 50 contacts on a page unless asked otherwise.
USUAL = 50


def router(context: Context, publish: Publisher) -> APIRouter:
    """The operations on the contacts of groups."""
    found = APIRouter(tags=["Contacts"])
    _bulk(found, context, publish)
    _changes(found, context, publish)
    _lists(found, context)
    return found


def _answer(
    request: Request,
    tasks: BackgroundTasks,
    publish: Publisher,
    change: Change,
    *,
    with_centralised: bool = False,
) -> GroupBody:
    if change.job is not None:
        # After the answer: a broker that is away holds nobody up.
        tasks.add_task(publish, TASK_CHANGE_GROUP, change.job)
    base = pages.base_of(request)
    return GroupBody(data=answers.group(change.summary, base, with_centralised=with_centralised))


def _bulk(api: APIRouter, context: Context, publish: Publisher) -> None:
    @api.post(
        "/contact-groups/bulk-contacts",
        status_code=201,
        response_model_exclude_unset=True,
        responses=described(Refusal, {**UNPROCESSABLE, **CONFLICT}),
        openapi_extra=requests.body(requests.BulkContacts, bulk=examples.BULK_CONTACTS),
    )
    def add_bulk_contacts(
        request: Request, tasks: BackgroundTasks, caller: Writer, sent: JsonObject
    ) -> GroupBody:
        """Create a group together with its contacts, which have no custom fields."""
        with context.connection() as conn, unique_name():
            change = changes.create_with_contacts(conn, caller.team, sent)
        return _answer(request, tasks, publish, change)

    @api.post(
        "/contact-groups/unique-contacts",
        responses=described(Refusal, UNPROCESSABLE),
        openapi_extra=requests.body(requests.UniqueContacts, groups=examples.UNIQUE_CONTACTS),
    )
    def unique_contacts(
        request: Request,
        caller: Reader,
        sent: JsonObject,
        page: PageNumber = 1,
        per_page: int = pages.per_page(unique.LARGEST_PAGE, unique.LARGEST_PAGE),
    ) -> ContactPage:
        """Whom a campaign with these groups would be sent to, each number once; `meta.total` says
        how many they are."""
        with context.connection() as conn:
            found, total = unique.read(conn, caller.team.id, sent, page=page, per_page=per_page)
        beside: Any = pages.paged(
            request,
            page=page,
            per_page=per_page,
            usual=unique.LARGEST_PAGE,
            shown=len(found),
            total=total,
        )
        data = [
            ContactAnswer(phone_number=one.address, created_at=times.render(one.created_at))
            for one in found
        ]
        return ContactPage(data=data, **beside)


def _changes(api: APIRouter, context: Context, publish: Publisher) -> None:
    failing = described(Refusal, {**UNPROCESSABLE, **MISSING, **LOCKED})

    @api.put(
        "/contact-groups/{group}/add-contacts",
        response_model_exclude_unset=True,
        responses=failing,
        openapi_extra=requests.body(requests.AddContacts, contacts=examples.ADD_CONTACTS),
    )
    def add_contacts(
        request: Request, tasks: BackgroundTasks, caller: Writer, group: UUID, sent: JsonObject
    ) -> GroupBody:
        """Add contacts, or update those that are there. Into an opt-out group at once."""
        with context.connection() as conn:
            change = changes.add(conn, caller.team, group, sent)
        return _answer(request, tasks, publish, change)

    @api.put(
        "/contact-groups/{group}/remove-contacts",
        response_model_exclude_unset=True,
        responses=failing,
        openapi_extra=requests.body(requests.RemoveContacts, numbers=examples.REMOVE_CONTACTS),
    )
    def remove_contacts(
        request: Request, tasks: BackgroundTasks, caller: Writer, group: UUID, sent: JsonObject
    ) -> GroupBody:
        """Remove contacts by their numbers; from an opt-out group with the scope `send`."""
        with context.connection() as conn:
            _require_send_for_opt_outs(conn, caller, group)
            change = changes.remove(conn, caller.team, group, sent)
        return _answer(request, tasks, publish, change)

    @api.put(
        "/contact-groups/{group}/flush",
        response_model_exclude_unset=True,
        responses=described(Refusal, {**MISSING, **LOCKED}),
    )
    def flush_contacts(
        request: Request, tasks: BackgroundTasks, caller: Writer, group: UUID
    ) -> GroupBody:
        """Remove all contacts; of an opt-out group with the scope `send`."""
        with context.connection() as conn:
            _require_send_for_opt_outs(conn, caller, group)
            change = changes.flush(conn, caller.team, group)
        return _answer(request, tasks, publish, change, with_centralised=True)


def _require_send_for_opt_outs(conn: Connection, caller: Caller, group: UUID) -> None:
    if groups.find(conn, caller.team.id, group).kind == "optout":
        caller.require("send")


def _lists(api: APIRouter, context: Context) -> None:
    @api.get(
        "/contact-groups/{group}/list-contacts",
        responses=described(Refusal, {**UNPROCESSABLE, **MISSING}),
    )
    def list_contacts(
        request: Request,
        caller: Reader,
        group: UUID,
        page: PageNumber = 1,
        per_page: int = pages.per_page(USUAL),
        after: int | None = Query(None, ge=0, le=2**63 - 1, description="As links name it."),
        before: int | None = Query(None, ge=0, le=2**63 - 1, description="As links name it."),
    ) -> ContactPage:
        """The contacts of a group. Follow the links where they are many: each page then costs the
        same, while one that is named by its number alone is looked for only so deep."""
        with context.connection() as conn:
            found = contact_pages.read(
                conn,
                caller.team.id,
                group,
                page=page,
                per_page=per_page,
                after=after,
                before=before,
            )
        shown = found.contacts
        beside: Any = pages.paged(
            request,
            page=page,
            per_page=per_page,
            usual=USUAL,
            shown=len(shown),
            total=found.total,
            after=shown[-1].id if shown else None,
            before=shown[0].id if shown else None,
        )
        data = [
            ContactAnswer(phone_number=one.phone or "", created_at=times.render(one.created_at))
            for one in shown
        ]
        return ContactPage(data=data, **beside)

    @api.get("/contact-groups/{group}/jobs", responses=described(Refusal, MISSING))
    def list_jobs(caller: Reader, group: UUID) -> JobList:
        """The latest changes of a group, and which entries were left out of them."""
        with context.connection() as conn:
            found = pending.latest(conn, groups.find(conn, caller.team.id, group).id)
        return JobList(data=[_job(job) for job in found])


def _job(job: pending.Job) -> JobAnswer:
    return JobAnswer.model_validate(
        {
            "id": job.id,
            "kind": job.kind,
            "entries": job.entries,
            "done": job.done,
            "added": job.added,
            "updated": job.updated,
            "unchanged": job.unchanged,
            "removed": job.removed,
            "invalid": job.invalid,
            "faults": [
                {"entry": fault.entry, "field": fault.field, "rule": fault.rule}
                for fault in job.faults
            ],
            "error": job.error,
            "created_at": times.render(job.created_at),
            "finished_at": "" if job.finished_at is None else times.render(job.finished_at),
        }
    )
