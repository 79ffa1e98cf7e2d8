"""Addresses and message texts reach the carrier and nobody else: no log, no event, no page."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
from celery import Celery

from campaigns.campaign.times import render
from tests.support.waiting import eventually

#: Words that only contacts and messages hold in this test.
SECRETS = ("447911123456", "447911123457", "grace@private.example", "Gracia", "Winterwindow")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_contact_data_from_any_client_reaches_no_log_no_event_and_no_page(stack):
    running = stack()
    running.env |= {
        "SLUICE_FLOWER_AUTH": "user:secret",
        "SLUICE_FLOWER_BIND": f"127.0.0.1:{free_port()}",
    }
    base = f"http://{running.env['SLUICE_FLOWER_BIND']}"
    flower = running.processes.python("-m", "cli.flower", name="flower", env=running.env)
    running.start()
    flower.wait_for(r"Connected to", timeout=60)
    with httpx.Client(base_url=base, auth=("user", "secret"), trust_env=False) as web:
        # What happened before it listened, it never hears of.
        eventually(
            lambda: web.get("/workers", params={"json": "1"}).json()["data"],
            message="Flower hears the workers",
        )
    client = Celery("anybody", broker=running.env["SLUICE_BROKER_URL"])
    queue = {"queue": "sluice.control", "ignore_result": True}
    group, campaign = str(uuid4()), str(uuid4())

    def publish(task: str, **arguments: object) -> str:
        return str(client.send_task(task, kwargs=arguments, **queue).id)

    contact = {
        "phone_number": SECRETS[0],
        "email": SECRETS[2],
        "custom_fields": {"first_name": SECRETS[3]},
    }
    made = publish("groups.create", name="People", uuid=group)
    eventually(
        lambda: (
            running.conn.execute("SELECT 1 FROM contact_groups WHERE id = %s", (group,)).rowcount
        ),
        message="the group exists",
    )
    publish("contacts.add", group=group, contacts=[contact])
    publish("contacts.opt_out", address=SECRETS[1])
    eventually(
        lambda: running.conn.execute("SELECT 1 FROM contacts").rowcount == 2,
        message="the contacts exist",
    )
    refused = publish("contacts.add", group=group, contacts=[{"phone_number": SECRETS[1] + "x"}])
    publish("contacts.addd", group=group, contacts=[contact])
    publish("campaigns.submit", body={"name": "Broken", "template": SECRETS[4], "sender": "x"})
    expiry = render(datetime.now(UTC) + timedelta(hours=1))
    publish(
        "campaigns.submit",
        body={
            "uuid": campaign,
            "name": "Private",
            "sender": "Sluice",
            "template": f"{SECRETS[4]} @first_name",
            "expiry_date": expiry,
            "included_contact_groups": [group],
        },
    )
    eventually(
        lambda: running.conn.execute("SELECT 1 FROM campaigns WHERE id = %s", (campaign,)).rowcount,
        message="the campaign is submitted",
    )
    running.finished(campaign)
    assert [(a.to, a.text) for a in running.carrier.log()] == [
        (SECRETS[0], f"{SECRETS[4]} {SECRETS[3]}")
    ]

    with httpx.Client(base_url=base, trust_env=False) as web:
        assert web.get("/tasks").status_code == 401
        web.auth = ("user", "secret")
        tasks = eventually(
            lambda: (found := web.get("/api/tasks").json()) and refused in found and found,
            message="Flower has heard of the tasks",
        )
        assert made in tasks
        pages = ["/", "/tasks", "/workers", f"/task/{refused}", f"/task/{made}", "/api/tasks"]
        seen = "".join(web.get(page).text for page in pages)
        worker = next(iter(web.get("/api/workers").json() or {"": {}}), "")
        seen += web.get(f"/worker/{worker}").text + web.get("/metrics").text
        assert web.post(f"/api/task/revoke/{made}").status_code in (401, 403, 405)
    logs = "".join(process.output() for process in (*running.processes._started, flower))
    assert refused in logs, "the refusal was logged"
    for secret in SECRETS:
        assert secret not in seen
        assert secret not in logs
