"""What nobody should send: it is refused in a sentence, and nothing is stored, broken or told."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from campaigns.audience import contacts
from tests.support import passona
from tests.support.passona import shifted, work
from tests.support.passona_client import Client, refused
from web import body as bodies

_GROUP = f"/contact-groups/{passona.OPTINS}"

#: Every operation that takes a body, with a good one.
OPERATIONS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("POST", "/campaigns", passona.CREATE),
    ("POST", "/campaigns", passona.THROTTLED),
    ("POST", "/campaigns/send-test", passona.SEND_TEST),
    ("PUT", f"/campaigns/{passona.CAMPAIGN}", passona.EDIT),
    ("POST", "/contact-groups", passona.CREATE_GROUP),
    ("PUT", _GROUP, passona.EDIT_GROUP),
    ("PUT", f"{_GROUP}/add-contacts", passona.ADD),
    ("PUT", f"{_GROUP}/remove-contacts", passona.REMOVE),
    ("POST", "/contact-groups/bulk-contacts", passona.BULK),
    ("POST", "/contact-groups/unique-contacts", passona.UNIQUE),
    ("POST", "/templates", {"name": "Greeting", "body": "Hello"}),
    ("PUT", f"/templates/{passona.TEMPLATE}", {"name": "Greeting", "body": "Hello"}),
    ("POST", "/templates/preview", {"body": "Hi @a", "custom_fields": {"a": "b"}}),
)
_IDS = [f"{method} {path.split('/')[1]} {n}" for n, (method, path, _) in enumerate(OPERATIONS)]

INJECTIONS = (
    "'; DROP TABLE contacts; --",
    "\\x00%s%(id)s{address}",
    "{{7*7}}${7*7}<script>alert(1)</script>",
    "@@{{x}} @field {missing}",
    "../../etc/passwd\r\nX-Injected: 1",
)

ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    10**40,
    1.5,
    "",
    "\x00",
    "\ud800",
    "é" * 2000,
    [],
    {},
    [[[]]],
    {"$ne": None},
    *INJECTIONS,
)


@pytest.fixture
def client(client: Client) -> Client:
    client.campaign(uuid=passona.CAMPAIGN)
    return client


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value in a body."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in inner:
        yield (*path, key)
        yield from places(one, (*path, key))


def replaced(body: dict[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """``body`` with another value at ``path``."""
    found = copy.deepcopy(body)
    at: Any = found
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return found


def tables(client: Client) -> dict[str, int]:
    """How many rows there are of what may not vanish."""
    return {
        table: (client.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone() or {})["n"]
        for table in ("teams", "contacts", "campaigns", "templates", "contact_groups")
    }


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=_IDS)
def test_every_field_with_every_odd_value(
    client: Client, method: str, path: str, body: dict[str, Any]
) -> None:
    """Each is done or refused in a sentence: never a 5xx, never a row of something else lost."""
    good, before = shifted(body), tables(client)
    for place in places(good):
        for value in ODD:
            sent = json.dumps(replaced(good, place, value)).encode("ascii")
            answer = client.raw(method, path, sent)
            where = f"{place} {value!r}: {answer.text}"
            assert answer.status_code in (200, 201, 204, 400, 404, 409, 422, 423), where
            assert "x-injected" not in answer.headers
    after = tables(client)
    assert all(after[table] >= before[table] for table in before)


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=_IDS)
def test_bodies_that_are_none(client: Client, method: str, path: str, body: dict[str, Any]) -> None:
    good = json.dumps(shifted(body)).encode()
    deep = b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}"
    for content in (
        b"{",
        b"[]",
        b"null",
        b'"x"',
        b"5",
        b"NaN",
        good[:-1],
        good.replace(b"e", b"\xff", 1),
        b"\xef\xbb\xbf\xfe" + good,
        deep,
        b'{"name": ' + b"9" * 5000 + b"}",
        b'{"a":' * 30 + b"1" + b"}" * 30,
    ):
        answer = client.raw(method, path, content)
        assert answer.status_code in (400, 422), f"{content[:40]!r}: {answer.text}"
        assert answer.json()["message"]


@pytest.mark.parametrize(("method", "path", "body"), OPERATIONS, ids=_IDS)
def test_an_unknown_field_is_refused_by_its_name(
    client: Client, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = client(method, path, {**shifted(body), "naem": "x"})
    refused(answer, 422, "naem")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client: Client) -> None:
    content = b'{"contacts": ["' + b"4" * bodies.LARGEST + b'"]}'
    refused(client.raw("POST", "/contact-groups/bulk-contacts", content), 413)


def test_more_contacts_than_one_request_takes(client: Client) -> None:
    body = {"phone_numbers": ["447713252151"] * 50_001}
    said = refused(client("PUT", f"{_GROUP}/remove-contacts", body), 422, "phone_numbers")
    assert "50000" in said


@pytest.mark.parametrize(
    "uuid",
    [
        "x",
        "1",
        "16cd47aa",
        "0" * 32,
        "%00",
        "..%2f..",
        "' OR 1=1 --",
        "16cd47aa-f4e0-11e9-a8c1-" * 2,
    ],
)
def test_odd_uuids_name_nothing(client: Client, uuid: str) -> None:
    for kind in ("campaigns", "contact-groups", "templates"):
        for method in ("GET", "DELETE"):
            assert client(method, f"/{kind}/{uuid}").status_code == 404
    assert tables(client)["contact_groups"] == 6


def test_methods_that_nothing_answers(client: Client) -> None:
    for method, path in (
        ("PATCH", "/campaigns"),
        ("DELETE", "/contact-groups"),
        ("PUT", "/templates"),
    ):
        refused(client(method, path), 405)
    refused(client("POST", f"/campaigns/{passona.CAMPAIGN}", {"name": "x"}), 405)
    refused(client("GET", "/nothing"), 404)


def test_what_a_template_is_given_is_never_looked_at_again(client: Client) -> None:
    """Injected into a contact's field, a placeholder stays what it is."""
    for text in INJECTIONS:
        fields = {"first_name": text, "city": "Leeds"}
        body = {"body": "Hi @first_name", "custom_fields": fields}
        told = client("POST", "/templates/preview", body).json()["data"]
        assert told["content"] == {"text": f"Hi {text}"}


def test_what_is_injected_is_stored_as_it_is(client: Client) -> None:
    for text in INJECTIONS[:3]:
        answer = client("POST", "/templates", {"name": "Sale", "body": text})
        assert answer.json()["data"]["body"] == text
        body = {"contacts": [{"phone_number": "447713252151", "custom_fields": {"a": text}}]}
        client("PUT", f"{_GROUP}/add-contacts", body)
        work(client.conn)
        [_, found] = contacts.list_page(client.conn, client.team, passona.OPTINS)
        assert found.fields["a"] == text


def test_no_number_and_no_text_is_told_to_a_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    number, text = "447713252151", "a very private text"
    with caplog.at_level(logging.DEBUG):
        for method, path, good in OPERATIONS:
            for place in places(good):
                if isinstance(place[-1], str):
                    client(method, path, replaced(shifted(good), place, f"{number} {text}\x00"))
        client("GET", f"{_GROUP}/list-contacts?after={number}&page={number}")
        work(client.conn)
    # The test's own client tells what it asked for.
    told = [one.getMessage() for one in caplog.records if not one.name.startswith("http")]
    assert told
    assert not [one for one in told if number in one or text in one]
