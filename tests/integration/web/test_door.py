"""What every dialect has from the door: callers, bounds, ids, answers for every failure."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import psycopg
import pytest
from fastapi import FastAPI, Query

from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.team import teams, tokens
from campaigns.team.teams import Team
from tests.support import door as doors
from tests.support.door import Door, error_of
from web import body, dialect
from web.body import JsonObject
from web.caller import Reader, Sender
from web.context import Context

SECRET = "447700900123"


def probe(context: Context) -> FastAPI:
    """A dialect that shows what the door hands to one."""
    app = dialect.application(
        context, title="Probe", version="1", description="", wording=dialect.plain
    )
    refusals = {
        "invalid": Invalid("name", "x", "must be longer"),
        "missing": NotFound("campaign", "x"),
        "conflict": Conflict("uuid: taken."),
        "locked": Locked("campaign: it is sending."),
        "database": psycopg.OperationalError(f"lost {SECRET}"),
        "bug": RuntimeError(f"a row of {SECRET}"),
    }

    @app.get("/who")
    def who(caller: Reader) -> dict[str, str]:
        return {"team": caller.team.name}

    @app.post("/send")
    def send(caller: Sender, sent: JsonObject) -> Any:
        return sent

    @app.get("/refusals/{kind}")
    def refuse(kind: str) -> None:
        raise refusals[kind]

    @app.get("/pages")
    def pages(per_page: Annotated[int, Query(ge=1, le=100)] = 15) -> int:
        return per_page

    return app


@pytest.fixture
def door(database: str, conn: Connection, tmp_path: Path) -> Iterator[Door]:
    with doors.opened(database, conn, tmp_path, dialects={"/probe": probe}) as opened:
        yield opened


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_caller_is_the_team_of_the_token(door: Door, team: Team, token: dict[str, str]) -> None:
    assert door.client.get("/probe/who", headers=token).json() == {"team": "acme"}
    other = door.token(teams.create(door.conn, "other").id)
    assert door.client.get("/probe/who", headers=other).json() == {"team": "other"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer"},
        bearer("sluice_wrong"),
        bearer("x" * 5000),
        bearer("a b"),
        {"Authorization": "Bearer \u00e9".encode("latin-1")},
    ],
)
def test_nobody_gets_in_without_a_good_token(door: Door, headers: dict[str, Any]) -> None:
    answer = door.client.get("/probe/who", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "unauthenticated"


def test_token_that_is_revoked_or_over_lets_nobody_in(door: Door, team: Team) -> None:
    revoked = tokens.create(door.conn, team.id, "a")
    tokens.revoke(door.conn, team.id, revoked.token.id)
    over = tokens.create(
        door.conn, team.id, "b", expires_at=door.context.now() - timedelta(seconds=1)
    )
    for made in (revoked, over):
        assert door.client.get("/probe/who", headers=bearer(made.secret)).status_code == 401


def test_scope_decides_what_a_token_may_do(door: Door, team: Team) -> None:
    reads = door.token(team.id, "read", "write")
    assert door.client.get("/probe/who", headers=reads).status_code == 200
    answer = door.client.post("/probe/send", headers=reads, json={})
    assert error_of(answer) == (403, "This token lacks the scope 'send'.")
    assert 'scope="send"' in answer.headers["www-authenticate"]


def test_token_that_asks_too_often_is_told_when_to_come_back(
    database: str, conn: Connection, tmp_path: Path, team: Team
) -> None:
    with doors.opened(
        database, conn, tmp_path, dialects={"/probe": probe}, SLUICE_WEB_RATE="1"
    ) as slow:
        eager, calm = slow.token(team.id), slow.token(team.id)
        answers = [slow.client.get("/probe/who", headers=eager) for _ in range(9)]
        assert answers[0].status_code == 200
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["retry-after"]) >= 1
        assert slow.client.get("/probe/who", headers=calm).status_code == 200


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "The body is not valid JSON."),
        (b"{", "The body is not valid JSON."),
        (b"[]", "The body must be a JSON object."),
        (b'{"a": NaN}', "The body is not valid JSON."),
        (b'{"a": ' + b"9" * 5000 + b"}", "The body is not valid JSON."),
        (b'{"a": "\xff"}', "The body is not valid UTF-8."),
        (b"[" * 100_000, "The body is nested deeper than 20 levels."),
        (b'{"a":' * 20 + b"{}" + b"}" * 20, None),
        (b'{"a":' * 21 + b"{}" + b"}" * 21, "The body is nested deeper than 20 levels."),
        (json.dumps({"a": [dict.fromkeys(map(str, range(10_000)))]}).encode(), None),
        (
            json.dumps({"a": [dict.fromkeys(map(str, range(10_001)))]}).encode(),
            "The body has an object of more than 10000 names.",
        ),
    ],
)
def test_body_is_a_json_object_that_is_neither_too_deep_nor_too_wide(
    door: Door, token: dict[str, str], sent: bytes, message: str | None
) -> None:
    answer = door.client.post("/probe/send", headers=token, content=sent)
    if message is None:
        assert answer.json() == json.loads(sent)
    else:
        assert error_of(answer) == (400, message)


def test_body_that_is_too_large_is_not_read_to_its_end(
    door: Door, token: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(body, "LARGEST", 1000)
    read: list[int] = []

    def endless() -> Iterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b" " * 100

    answer = door.client.post("/probe/send", headers=token, content=b" " * 1001)
    assert error_of(answer) == (413, "The body is larger than 1000 bytes.")
    answer = door.client.post("/probe/send", headers=token, content=endless())
    assert error_of(answer) == (413, "The body is larger than 1000 bytes.")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("invalid", 422, "invalid"),
        ("missing", 404, "not_found"),
        ("conflict", 409, "conflict"),
        ("locked", 423, "locked"),
        ("database", 503, "unavailable"),
        ("bug", 500, "internal"),
    ],
)
def test_each_failure_has_its_status(door: Door, kind: str, status: int, code: str) -> None:
    answer = door.client.get(f"/probe/refusals/{kind}")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert SECRET not in answer.text


def test_log_finds_what_went_wrong_by_its_id_and_quotes_nothing(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        answer = door.client.get("/probe/refusals/bug", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert "mine-1" in answer.json()["message"]
    assert "request mine-1 failed: RuntimeError" in caplog.text
    assert SECRET not in caplog.text


def test_log_has_the_pattern_of_a_path_and_never_the_path(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "web.access"):
        door.client.get(f"/probe/refusals/{SECRET}?q={SECRET}")
        door.client.get(f"/{SECRET}")
    assert "GET /probe/refusals/{kind} 500" in caplog.text
    assert "GET  (no route) 404" in caplog.text
    assert SECRET not in caplog.text


def test_request_id_that_could_disturb_a_log_is_replaced(door: Door) -> None:
    for odd in ("a b", "x" * 65, "<script>"):
        answer = door.client.get("/healthz", headers={"X-Request-ID": odd})
        assert answer.headers["x-request-id"] not in ("", odd)


@pytest.mark.parametrize("value", ["0", "-1", "1000000000", "x", "1.5", ""])
def test_odd_query_parameter_is_one_sentence(door: Door, value: str) -> None:
    answer = door.client.get("/probe/pages", params={"per_page": value})
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("per_page: ")
    assert answer.json()["field"] == "per_page"


def test_address_of_nothing_is_nothing(door: Door) -> None:
    assert error_of(door.client.get("/nowhere")) == (404, "There is nothing at this address.")
    assert error_of(door.client.get("/probe/nowhere"))[0] == 404
    assert door.client.delete("/probe/who").status_code == 405


def test_answers_are_not_kept_or_guessed_at(door: Door, token: dict[str, str]) -> None:
    headers = door.client.get("/probe/who", headers=token).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_health_needs_the_database(door: Door) -> None:
    assert door.client.get("/healthz").json() == {"status": "ok"}
    door.context.pool.close()
    assert door.client.get("/healthz").status_code == 503


def test_interactive_docs_load_nothing_from_elsewhere(door: Door) -> None:
    page = door.client.get("/probe/docs")
    assert page.status_code == 200
    found = re.findall(r"""(?:src|href)="([^"]+)\"""", page.text)
    assert len(found) >= 3
    for address in found:
        assert address.startswith("/probe/")
        assert door.client.get(address).status_code == 200
    assert door.client.get("/probe/openapi.json").json()["info"]["title"] == "Probe"
