"""Delivery reports by HTTP: proven, stored before they are answered, folded."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.base import Profile
from tests.support import door as doors
from tests.support import ledger as rows
from tests.support.batches import Bench
from web import accounts
from worker.adapters.base import HttpRequest
from worker.adapters.sandbox import SandboxAdapter

PROVIDERS = """
[providers.carrier]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"
reports = true

[providers.silent]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"

[providers.signed]
adapter = "http"
channel = "sms"
url = "https://api.example.com/messages"
report_status_path = "status"
report_id_path = "id"
report_signature = { header = "x-signature", secret = "s3cret", algorithm = "token" }
"""


@pytest.fixture
def door(database, conn, tmp_path):
    with doors.opened(database, conn, tmp_path, providers=PROVIDERS) as opened:
        yield opened


@pytest.fixture
def bench(conn, database) -> Bench:
    found = Bench(conn, database)
    found.send(found.cut(0, 10))
    return found


def said(bench: Bench, state: str = "delivered", count: int = 10, **more: Any) -> dict[str, Any]:
    return {
        "reports": [
            {"reference": message.reference, "state": state, "at": "2026-11-21T12:00:00Z", **more}
            for message in bench.adapter.sent[:count]
        ]
    }


def counts(bench: Bench) -> tuple[int, int]:
    row = bench.conn.execute("SELECT delivered, undelivered FROM runs").fetchone()
    return row["delivered"], row["undelivered"]


def test_reports_are_in_the_ledger_when_they_are_answered(door, bench):
    answer = door.client.post("/reports/carrier", json=said(bench))
    assert (answer.status_code, answer.text) == (200, "ok")
    assert counts(bench) == (10, 0)
    report = bench.conn.execute("SELECT DISTINCT provider, kind FROM delivery_events").fetchone()
    assert (report["provider"], report["kind"]) == ("carrier", "delivered")


def test_a_repeated_call_says_nothing_new(door, bench):
    for _ in range(3):
        assert door.client.post("/reports/carrier", json=said(bench)).status_code == 200
    assert counts(bench) == (10, 0)
    assert door.client.post("/reports/carrier", json=said(bench, "undelivered")).status_code == 200
    assert counts(bench) == (10, 0)


def test_a_reference_that_nobody_made_here_is_dropped_and_stops_no_other(door, bench):
    body = said(bench)
    forged = body["reports"][0]["reference"]
    body["reports"][0]["reference"] = forged[:-1] + ("b" if forged.endswith("a") else "a")
    assert door.client.post("/reports/carrier", json=body).status_code == 200
    assert counts(bench) == (9, 0)
    assert rows.field(bench.conn, "runs", bench.run_id, "delivered") == 9


def test_an_id_that_nobody_knows_yet_is_kept(door, conn):
    body = {"status": "delivered", "id": "m1"}
    answer = door.client.post("/reports/signed", json=body, headers={"x-signature": "s3cret"})
    assert answer.status_code == 200
    stray = conn.execute("SELECT provider, message_id FROM stray_reports").fetchall()
    assert stray == [{"provider": "signed", "message_id": "m1"}]


@pytest.mark.parametrize("account", ["nobody", "silent", "", "a/b", "..", "docs", "openapi.json"])
def test_who_has_no_reports_is_not_there(door, account):
    answer = door.client.post(f"/reports/{account}", json={"reports": []})
    assert answer.status_code in (404, 405)


def test_a_forged_call_is_refused_without_a_hint(door, conn):
    body = {"status": "delivered", "id": "m1"}
    for headers in ({}, {"x-signature": "s3cre"}, {"x-signature": ""}):
        answer = door.client.post("/reports/signed", json=body, headers=headers)
        assert answer.status_code == 403
        assert "s3cret" not in answer.text
    assert conn.execute("SELECT FROM stray_reports").fetchall() == []


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"null", b"[" * 10_000, b'{"reports": 1}'])
def test_what_is_no_report_is_refused_whole(door, content):
    assert door.client.post("/reports/carrier", content=content).status_code == 400


def test_a_call_is_bounded(door):
    answer = door.client.post("/reports/carrier", content=b" " * (2 * 1024 * 1024 + 1))
    assert answer.status_code == 413


def test_other_methods_mean_nothing(door):
    for method in ("PUT", "DELETE", "PATCH"):
        assert door.client.request(method, "/reports/carrier").status_code == 405


def test_what_cannot_be_stored_is_answered_so_that_it_comes_again(door, bench, monkeypatch):
    """Nothing is lost while PostgreSQL is away: the provider repeats its call."""
    body = said(bench)
    bench.conn.execute("ALTER TABLE delivery_events RENAME TO away")
    answer = door.client.post("/reports/carrier", json=body)
    assert answer.status_code == 500
    bench.conn.execute("ALTER TABLE away RENAME TO delivery_events")
    assert door.client.post("/reports/carrier", json=body).status_code == 200
    assert counts(bench) == (10, 0)
    door.context.pool.close()
    answer = door.client.post("/reports/carrier", json=body)
    assert answer.status_code in (500, 503)


def quoting(adapter: SandboxAdapter, request: HttpRequest) -> Any:
    return int("no number: 447700000001")


def test_neither_addresses_nor_references_reach_the_log(door, bench, caplog, monkeypatch):
    caplog.set_level("DEBUG")
    body = said(bench)
    door.client.post("/reports/carrier", json=body)
    door.client.post("/reports/carrier", content=b"447700000001")
    door.client.get("/reports/carrier?msisdn=447700000001")
    # Whoever reads a number says what it could not read.
    monkeypatch.setattr(SandboxAdapter, "parse_report", quoting)
    assert door.client.post("/reports/carrier", json=body).status_code == 400
    for secret in ("447700000001", body["reports"][0]["reference"]):
        assert secret not in doors.logged(caplog)


def profiles() -> list[Any]:
    found = []
    for file in sorted(Path(__file__).parents[2].joinpath("fakes").glob("*.py")):
        profile = getattr(import_module(f"tests.fakes.{file.stem}"), "PROFILE", None)
        if isinstance(profile, Profile) and profile.reports and profile.name != "smpp":
            found.append(pytest.param(profile, id=profile.name))
    return found


@pytest.mark.parametrize("profile", profiles())
def test_every_vendor_calls_in_its_own_way(profile, door, conn, monkeypatch):
    """As their own fakes sign and write it: what is good is 200, what is forged is 403."""
    monkeypatch.setattr(accounts.registry, "build", lambda _: profile.adapter())

    def call(request: HttpRequest) -> int:
        path = "/reports/carrier"
        query = request.url.partition("?")[2]
        return door.client.request(
            request.method,
            f"{path}?{query}" if query else path,
            content=request.body,
            headers=[
                (name.encode(), value.encode("latin-1", "replace"))
                for name, value in request.headers.items()
            ],
        ).status_code

    for name, case in profile.reports.items():
        assert call(case.request) == 200, name
    assert [call(request) for request in profile.forged] == [403] * len(profile.forged)
    kept = conn.execute("SELECT count(*) AS n FROM stray_reports").fetchone()["n"]
    assert bool(kept) == any(
        report.reference is None for case in profile.reports.values() for report in case.reports
    )


def test_what_has_a_connection_of_its_own_is_not_taken_from_this_one(door, monkeypatch):
    """A receipt of SMPP proves nothing by itself: anybody could write one."""
    profile = import_module("tests.fakes.smpp").PROFILE
    monkeypatch.setattr(accounts.registry, "build", lambda _: profile.adapter())
    for case in profile.reports.values():
        answer = door.client.post("/reports/carrier", content=case.request.body)
        assert answer.status_code == 404


def test_many_reports_may_come_in_one_call(door, bench):
    body = said(bench)
    body["reports"] *= 300
    content = json.dumps(body).encode()
    assert door.client.post("/reports/carrier", content=content).status_code == 200
    assert counts(bench) == (10, 0)


@pytest.mark.parametrize(("token", "status"), [("s3cret-word", 200), ("guessed", 403)])
def test_meta_hears_its_challenge_again_from_whoever_it_was_told_of(
    door, monkeypatch, token, status
):
    profile = import_module("tests.fakes.whatsapp").PROFILE
    adapter = profile.adapter(verify_token="s3cret-word")
    monkeypatch.setattr(accounts.registry, "build", lambda _: adapter)
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": token}
    answer = door.client.get("/reports/carrier", params=asked)
    assert answer.status_code == status
    assert (answer.text == "1158201444") == (status == 200)
