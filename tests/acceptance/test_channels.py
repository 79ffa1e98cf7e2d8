"""A campaign through every vendor's adapter with real processes: sent, reported on, expired.

One set of processes serves all accounts, each of which has its vendor's fake on a port of its own
and a campaign of its own. All of them send at the same time, before the first test looks.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from celery import Celery
from psycopg.types.json import Jsonb
from redis import Redis

from campaigns import messaging
from campaigns.audience.push_keys import KEY_FIELDS
from campaigns.channels import ADDRESS_COLUMN
from campaigns.clock import Clock, SystemClock
from campaigns.database import Connection, connect
from cli import embedded
from tests.fakes.base import Profile, Vendor
from tests.support import ledger, toml
from tests.support.command_line import CommandLine
from tests.support.fake_vendor import FakeVendor, serving
from tests.support.fault_server import unused_port
from tests.support.forge import Forge
from tests.support.processes import Processes
from tests.support.servers import Databases, redis_database
from tests.support.stack import Stack
from tests.support.waiting import eventually
from worker.adapters.base import Report
from worker.adapters.registry import ADAPTERS

FAKES = Path(__file__).parents[1] / "fakes"

#: After the moment that most fakes live in.
EXPIRY = "2031-01-01 00:00:00"

#: Of each campaign, at most: enough for requests of several.
RECIPIENTS = 12

FLOWER = ("user", "password")

TEMPLATE = "Dear @first_name, it is ready"
TEXT = "Dear Ada, it is ready"

#: On channels whose messages are more than a text.
TEMPLATES = {
    "email": json.dumps({"subject": TEMPLATE, "text": TEMPLATE}),
    "webpush": json.dumps({"title": TEMPLATE, "body": TEMPLATE}),
}


@dataclass
class Account:
    """An account, what its vendor has got, and its campaign."""

    profile: Profile
    vendor: FakeVendor
    stack: Stack
    campaign: UUID

    def __post_init__(self) -> None:
        self.adapter = self.profile.adapter(**clock_of(self.profile.name))

    def status(self, *columns: str) -> tuple[Any, ...]:
        run_id = self.stack.run_id(self.campaign)
        return tuple(ledger.field(self.stack.conn, "runs", run_id, name) for name in columns)

    def said(self) -> list[Report]:
        """What the vendor reports now, once it is proven to come from it."""
        found: list[Report] = []
        for call in self.vendor.reports():
            self.adapter.verify_report(call)
            found += self.adapter.parse_report(call)
        return found

    def forward(self, reports: Sequence[Report]) -> None:
        """Onto the queue, as the door for reports would."""
        body = [
            {
                "reference": report.reference,
                "provider": None if report.reference else self.profile.name,
                "message_id": report.message_id,
                "part": report.part,
                "state": report.kind,
                "code": report.code,
                "event_id": report.event_id,
            }
            for report in reports
        ]
        body = [{name: value for name, value in one.items() if value is not None} for one in body]
        broker = self.stack.env["SLUICE_BROKER_URL"]
        with Celery(broker=broker, set_as_current=False) as client:
            client.send_task("deliveries.report", args=[body], queue=messaging.QUEUE_CONTROL)


def profiles() -> dict[str, Profile]:
    """Of all adapters that have a fake, but for SMPP: its receipts come back on its own connection,
    and it has a test of its own."""
    found = {}
    for name in sorted(ADAPTERS):
        if (FAKES / f"{name}.py").exists():
            profile: Profile = import_module(f"tests.fakes.{name}").PROFILE
            if profile.adapter().capabilities.protocol != "smpp":
                found[name] = profile
    return found


PROFILES = profiles()


@pytest.fixture(scope="module")
def accounts(
    servers: embedded.Servers,
    databases: Databases,
    forge: Forge,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Account]]:
    """One process set, and a campaign on each account; all of them are under way."""
    folder = tmp_path_factory.mktemp("channels")
    with ExitStack() as opened:
        vendors = {name: opened.enter_context(serving(fake(name))) for name in PROFILES}
        url = opened.enter_context(databases.fresh())
        stack = Stack(
            Processes(folder, forge),
            opened.enter_context(connect(url)),
            None,
            {
                "SLUICE_DATABASE_URL": url,
                "SLUICE_REDIS_URL": _emptied(servers, 1),
                "SLUICE_BROKER_URL": _emptied(servers, 2),
                "SLUICE_PROVIDERS": str(folder / "providers.toml"),
                "SLUICE_HOME": str(folder / "home"),
                "SLUICE_FLOWER_AUTH": ":".join(FLOWER),
                "SLUICE_FLOWER_BIND": f"127.0.0.1:{unused_port()}",
            },
        )
        opened.callback(stack.processes.clean_up)
        tables = {name: vendors[name].table(profile) for name, profile in PROFILES.items()}
        (folder / "providers.toml").write_text(toml.dumps(tables, "providers."), "utf-8")
        stack.processes.python("-m", "cli.flower", name="flower", env=stack.env)
        stack.start()
        yield {
            name: Account(profile, vendors[name], stack, submitted(stack, name, profile))
            for name, profile in PROFILES.items()
        }


def fake(name: str) -> Vendor:
    made: Vendor = import_module(f"tests.fakes.{name}").Fake(**clock_of(name))
    return made


def clock_of(name: str) -> dict[str, Clock]:
    """The machine's clock for those fakes that judge moments; the others live in one."""
    takes = inspect.signature(import_module(f"tests.fakes.{name}").Fake).parameters
    return {"clock": SystemClock()} if "clock" in takes else {}


def submitted(stack: Stack, name: str, profile: Profile) -> UUID:
    return stack.submit(
        name=name,
        sender=profile.sender,
        sending_type=profile.channel,
        provider=name,
        template=TEMPLATES.get(profile.channel, TEMPLATE),
        expiry_date=EXPIRY,
        included_contact_groups=[str(recipients(stack.conn, name, profile))],
    )


def recipients(conn: Connection, name: str, profile: Profile) -> UUID:
    """A group of the addresses that the profile names."""
    row = conn.execute(
        "INSERT INTO contact_groups (id, team_id, name, kind, headers) "
        "VALUES (gen_random_uuid(), %s, %s, 'optin', ARRAY['first_name']) RETURNING id",
        (ledger.team_id(conn), name),
    ).fetchone()
    assert row is not None
    keys = {KEY_FIELDS[name]: value for name, value in profile.address_keys.items()}
    for address in profile.addresses[:RECIPIENTS]:
        conn.execute(
            f"INSERT INTO contacts (group_id, {ADDRESS_COLUMN[profile.channel]}, fields) "
            "VALUES (%s, %s, %s)",
            (row["id"], address, Jsonb({"first_name": "Ada", **keys})),
        )
    return row["id"]


@pytest.mark.parametrize("name", PROFILES)
def test_everybody_gets_one_message_and_reports_and_their_absence_count(
    accounts: dict[str, Account], name: str
) -> None:
    account = accounts[name]
    everybody = len(account.profile.addresses[:RECIPIENTS])
    run_id = account.stack.finished(account.campaign)
    assert ledger.counters(account.stack.conn, run_id) == {"accepted": everybody}, codes(account)
    assert len(account.vendor.taken) == everybody
    assert all(TEXT in text for _, text in account.vendor.taken)
    assert len({address for address, _ in account.vendor.taken}) == everybody

    said = account.said()
    if not account.adapter.capabilities.reports:
        assert said == []
        expire(account, run_id)
        account.stack.finished(account.campaign)
        assert account.status("accepted", "unreported") == (everybody, 0)
        return
    assert said
    forgotten = whose(said[0])
    account.forward([one for one in said if whose(one) != forgotten])
    eventually(
        lambda: sum(account.status("delivered", "undelivered")) == everybody - 1,
        message=f"{everybody - 1} of {everybody} are reported on: {account.status('delivered')}",
    )
    expire(account, run_id)
    eventually(
        lambda: account.status("failed", "unreported") == (1, 1),
        message="the expiry settles who was never reported on",
    )
    account.forward([one for one in said if whose(one) == forgotten])
    eventually(
        lambda: account.status("failed", "unreported", "late") == (0, 0, 1),
        message="a late report still counts",
    )


def codes(account: Account) -> list[tuple[str, str | None]]:
    """What became of the messages of an account, and why."""
    found = account.stack.conn.execute(
        "SELECT DISTINCT status, error_code FROM deliveries WHERE run_id = %s",
        (account.stack.run_id(account.campaign),),
    )
    return [(row["status"], row["error_code"]) for row in found]


def whose(report: Report) -> str:
    """What tells the message that a report speaks of."""
    found = report.reference or report.message_id
    assert found is not None
    return found


def expire(account: Account, run_id: int) -> None:
    """Let the expiry and the grace for late reports have passed."""
    account.stack.conn.execute(
        "UPDATE runs SET expires_at = now() - interval '1 hour' WHERE id = %s", (run_id,)
    )


def test_no_secret_is_in_a_log_on_a_page_of_flower_or_in_what_commands_print(
    accounts: dict[str, Account], tmp_path: Path
) -> None:
    """Nor any address."""
    stack = next(iter(accounts.values())).stack
    seen = "".join(process.output() for process in stack.processes._started)
    assert "ready." in seen
    seen += pages(stack)
    command = CommandLine(stack.env, tmp_path)
    seen += command.run("providers", "list", "--json").output
    seen += command.run("providers", "check", "--json").output
    seen += command.run("doctor", "--json").output
    for account in accounts.values():
        seen += command.succeed("status", stack.run_id(account.campaign), "--json")
    for account in accounts.values():
        assert account.profile.secret not in seen
        assert not any(address in seen for address in account.profile.addresses[:RECIPIENTS])


def pages(stack: Stack) -> str:
    """Everything that Flower shows."""
    base = f"http://{stack.env['SLUICE_FLOWER_BIND']}"
    with httpx.Client(base_url=base, auth=FLOWER, trust_env=False) as web:
        tasks = eventually(
            lambda: web.get("/api/tasks").json(), message="Flower has heard of the tasks"
        )
        paths = ["/", "/tasks", "/workers", "/api/tasks", "/metrics"]
        paths += [f"/task/{task}" for task in tasks]
        paths += [f"/worker/{worker}" for worker in web.get("/api/workers").json()]
        return "".join(web.get(path).text for path in paths)


def _emptied(servers: embedded.Servers, number: int) -> str:
    url = redis_database(servers.redis_url, number)
    with Redis.from_url(url) as client:
        client.flushdb()
    return url
