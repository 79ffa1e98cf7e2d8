"""Tasks that any Celery client may publish, as documented in docs/queue.md.

Each is one call into the function that the command line calls too. They answer with ids and
counts; a refusal fails the task with one sentence.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID, uuid5

from celery import Celery, Task
from pydantic import StrictBool

from campaigns.audience import contacts as contact_store
from campaigns.audience import groups
from campaigns.audience.addresses import AddressKind
from campaigns.campaign import control, samples, service
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.errors import Invalid
from campaigns.names import checked_uuid
from campaigns.run import again
from campaigns.run import reports as report_store
from campaigns.team import teams
from campaigns.validation import Text
from worker.runtime import Runtime
from worker.tasks import reports
from worker.tasks.guard import arguments, perform
from worker.tasks.task import PublicTask, checked

DEFAULT_TEAM = "default"

#: Makes a uuid of a task id that is none, so that a redelivered message is still the same thing.
_TASK_IDS = UUID("5b1c6f0e-4f0a-5d0e-9d52-0c8a3f1d2b7a")


def task_uuid(task_id: str) -> UUID:
    """The uuid of whatever a task creates without naming one.

    The client chose the task's id, and a redelivery keeps it: what comes twice is created once.
    """
    try:
        return UUID(task_id)
    except ValueError:
        return uuid5(_TASK_IDS, task_id)


def register(app: Celery, runtime: Runtime) -> None:
    """Give ``app`` the public tasks, working on ``runtime``."""
    _register_campaigns(app, runtime)
    _register_audience(app, runtime)


def _task(app: Celery, name: str) -> Callable[[Callable[..., Any]], Task]:
    """Registers one public task."""
    register_checked = app.task(name=name, bind=True, shared=False, base=PublicTask)
    return lambda function: register_checked(checked(function))


def _now() -> datetime:
    return datetime.now(UTC)


def _register_campaigns(app: Celery, runtime: Runtime) -> None:
    def control_one(
        action: Callable[..., Any], uuid: str, team: str
    ) -> Callable[[Connection], str]:
        def work(conn: Connection) -> str:
            campaign_id = checked_uuid("uuid", uuid)
            action(conn, teams.find(conn, team).id, campaign_id, now=_now())
            return str(campaign_id)

        return work

    def created(
        action: Callable[..., Campaign], task: Task, body: Any, team: str
    ) -> Callable[[Connection], str]:
        def work(conn: Connection) -> str:
            campaign = action(
                conn,
                teams.find(conn, team).id,
                body,
                providers=runtime.providers(),
                now=_now(),
                default_uuid=task_uuid(task.request.id),
            )
            return str(campaign.id)

        return work

    @_task(app, "campaigns.submit")
    def submit(self: Task, body: Any, team: Text = DEFAULT_TEAM) -> str:
        return perform(runtime, created(service.submit, self, body, team))

    @_task(app, "campaigns.send_test")
    def send_test(self: Task, body: Any, team: Text = DEFAULT_TEAM) -> str:
        return perform(runtime, created(samples.send_test, self, body, team))

    @_task(app, "campaigns.edit")
    def edit(self: Task, uuid: Text, body: Any, team: Text = DEFAULT_TEAM) -> str:
        def work(conn: Connection) -> str:
            campaign_id = checked_uuid("uuid", uuid)
            service.edit(
                conn,
                teams.find(conn, team).id,
                campaign_id,
                body,
                providers=runtime.providers(),
                now=_now(),
            )
            return str(campaign_id)

        return perform(runtime, work)

    @_task(app, "campaigns.pause")
    def pause(self: Task, uuid: Text, team: Text = DEFAULT_TEAM) -> str:
        return perform(runtime, control_one(control.pause, uuid, team))

    @_task(app, "campaigns.resume")
    def resume(
        self: Task,
        uuid: Text,
        team: Text = DEFAULT_TEAM,
        scope: Literal["pending", "failed"] = "pending",
        error_class: Text | None = None,
    ) -> str | dict[str, str | int]:
        if error_class is not None and scope != "failed":
            raise Invalid("error_class", error_class, "needs the scope 'failed'")

        def again_too(conn: Connection) -> dict[str, str | int]:
            campaign_id = checked_uuid("uuid", uuid)
            count = again.resume_failed(
                conn, teams.find(conn, team).id, campaign_id, now=_now(), error_class=error_class
            )
            return {"uuid": str(campaign_id), "resent": count}

        if scope == "failed":
            return perform(runtime, again_too)
        return perform(runtime, control_one(control.resume, uuid, team))

    @_task(app, "campaigns.toggle_pause")
    def toggle_pause(self: Task, uuid: Text, team: Text = DEFAULT_TEAM) -> str:
        return perform(runtime, control_one(control.toggle_pause, uuid, team))

    @_task(app, "campaigns.stop")
    def stop(self: Task, uuid: Text, team: Text = DEFAULT_TEAM) -> str:
        return perform(runtime, control_one(control.stop, uuid, team))

    @_task(app, "campaigns.delete")
    def delete(self: Task, uuid: Text, team: Text = DEFAULT_TEAM) -> str:
        return perform(runtime, control_one(control.delete, uuid, team))

    @_task(app, "deliveries.report")
    def report(self: Task, body: Any) -> int:
        def work(conn: Connection) -> int:
            found = reports.read(body, runtime.keyring.keys(conn), _now())
            return report_store.record(conn, found)

        return perform(runtime, work)


def _register_audience(app: Celery, runtime: Runtime) -> None:
    @_task(app, "groups.create")
    def create_group(
        self: Task,
        name: Text,
        kind: Text | None = None,
        description: Text | None = None,
        deletable: StrictBool | None = None,
        uuid: Text | None = None,
        team: Text = DEFAULT_TEAM,
    ) -> str:
        options = arguments(kind=kind, description=description, deletable=deletable)

        def work(conn: Connection) -> str:
            chosen = task_uuid(self.request.id) if uuid is None else uuid
            owner = teams.find(conn, team).id
            return str(groups.create(conn, owner, name, uuid=chosen, **options).id)

        return perform(runtime, work)

    @_task(app, "groups.delete")
    def delete_group(self: Task, group: Text, team: Text = DEFAULT_TEAM) -> str:
        def work(conn: Connection) -> str:
            return str(groups.delete(conn, teams.find(conn, team).id, group).id)

        return perform(runtime, work)

    @_task(app, "contacts.add")
    def add(self: Task, group: Text, contacts: Any, team: Text = DEFAULT_TEAM) -> dict[str, int]:
        def work(conn: Connection) -> dict[str, int]:
            found = contact_store.add(conn, teams.find(conn, team), group, contacts)
            return {"added": found.added, "updated": found.updated, "unchanged": found.unchanged}

        return perform(runtime, work)

    @_task(app, "contacts.remove")
    def remove(self: Task, group: Text, contacts: Any, team: Text = DEFAULT_TEAM) -> int:
        return perform(
            runtime,
            lambda conn: contact_store.remove(conn, teams.find(conn, team), group, contacts),
        )

    @_task(app, "contacts.flush")
    def flush(self: Task, group: Text, team: Text = DEFAULT_TEAM) -> int:
        return perform(
            runtime,
            lambda conn: contact_store.flush(conn, teams.find(conn, team), group),
        )

    @_task(app, "contacts.opt_out")
    def opt_out(
        self: Task, address: Text, kind: AddressKind | None = None, team: Text = DEFAULT_TEAM
    ) -> bool:
        return perform(
            runtime,
            lambda conn: contact_store.opt_out(conn, teams.find(conn, team), address, kind),
        )
