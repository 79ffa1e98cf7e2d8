"""Stopping, resuming and deleting campaigns."""

from __future__ import annotations

from uuid import UUID

import pytest

from campaigns.campaign import store
from tests.support import horisen
from tests.support.horisen import (
    Service,
    error_of,
)


def stored(service: Service, uuid: str) -> store.Campaign:
    return store.get(service.conn, service.team.id, UUID(uuid))


def test_stopped_can_go_on_while_something_can_be_sent(service: Service) -> None:
    uuid = service.made()["uuid"]
    service.begin(uuid)
    assert service.patch(uuid, "stopped").json()["status"] == "stopped"
    assert stored(service, uuid).manually_paused
    assert service.patch(uuid, "stopped").status_code == 200, "it is so already"
    assert service.patch(uuid, "active").json()["status"] == "active"
    assert service.patch(uuid, "active").status_code == 200
    assert not stored(service, uuid).manually_paused


def test_stopped_for_good_stays_so(service: Service) -> None:
    uuid = service.made()["uuid"]
    service.conn.execute("UPDATE campaigns SET status = 'stopped'")
    assert error_of(service.patch(uuid, "active"))[0] == 400
    assert service.patch(uuid, "stopped").status_code == 200


def test_draft_becomes_active_and_cannot_be_stopped(service: Service) -> None:
    uuid = service.made(status="draft")["uuid"]
    assert error_of(service.patch(uuid, "stopped")) == (
        400,
        "status: a draft sends nothing and cannot be stopped.",
    )
    assert service.patch(uuid, "active").json()["status"] == "active"
    assert stored(service, uuid).status == "scheduled"


def test_draft_whose_time_has_passed_needs_another_one(service: Service) -> None:
    uuid = service.made(status="draft")["uuid"]
    service.conn.execute("UPDATE campaigns SET scheduled_send_date = now() - interval '1 day'")
    answer = service.patch(uuid, "active")
    assert error_of(answer)[0] == 400
    assert answer.json()["items"][0]["name"] == "schedule_rrule"


def test_finished_is_neither_stopped_nor_resumed(service: Service) -> None:
    uuid = service.made()["uuid"]
    service.conn.execute("UPDATE campaigns SET status = 'finished'")
    for status in ("active", "stopped"):
        answer = service.patch(uuid, status)
        assert (answer.status_code, answer.json()["code"]) == (400, "locked")


@pytest.mark.parametrize("status", ["draft", "scheduled", "sending", "finished", "stopped"])
def test_campaign_can_be_deleted_whatever_it_is_doing(service: Service, status: str) -> None:
    """The document knows 204 and 404 only, and no other way to end a campaign for good."""
    uuid = service.made()["uuid"]
    service.conn.execute("UPDATE campaigns SET status = %s", [status])
    horisen.add_run(service, uuid, "2026-05-01 10:00Z", status="sending", reason=None)
    assert service.delete(uuid).status_code == 204
    row = service.conn.execute("SELECT status FROM campaigns").fetchone()
    assert row == {"status": "deleted"}
    assert service.get().json()["data"] == []
    for press in (service.delete, service.get):
        assert press(uuid).status_code == 404
    assert service.patch(uuid, "active").status_code == 404
    assert service.put(uuid).status_code == 404
