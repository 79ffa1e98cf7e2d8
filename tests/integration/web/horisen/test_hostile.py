"""Whatever is sent, the answer is one sentence of the dialect, and nothing is stored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.horisen import EXAMPLE, LIST, NOBODY, UPDATE, Service, error_of
from web import body

STATUS = {"status": "active"}

#: Values that no field takes, for every field alike.
ODD: dict[str, Any] = {
    "number": 7,
    "huge": 10**400,
    "negative": -1.5,
    "true": True,
    "list": ["a"],
    "object": {"a": 1},
    "nothing in a list": [None],
    "deep": json.loads("[" * 15 + "]" * 15),
}

#: Texts that want to be more than a text.
INJECTIONS = {
    "sql": "'; DROP TABLE campaigns; --",
    "sql in a name": '"; DELETE FROM teams; --',
    "percent": "%(id)s %s %%",
    "nul": "a\x00b",
    "surrogate": "a\ud800b",
    "lines": "a\r\nSet-Cookie: x=1",
    "python": "{0.__class__.__mro__}",
    "template": "{{7*7}} ${7*7} <%= 7*7 %>",
    "script": "<script>alert(1)</script>",
    "long": "x" * 150_000,
    "rtl": "\u202eabc",
    "formula": "=HYPERLINK(1)",
}

FIELDS = [name for name in UPDATE if name not in ("status", "sending_type", "schedule_type")]


def count(service: Service, table: str = "campaigns") -> int:
    row = service.conn.execute(f"SELECT count(*) AS n FROM {table}").fetchone()
    assert row is not None
    return int(row["n"])


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_wrong_types_in_every_field(service: Service, odd: Any) -> None:
    """In the document's example with everything in it, one field after the other."""
    made = service.made()["uuid"]
    for name in [*UPDATE, "clone_uuid", "template_vars"]:
        if name == "template_vars" and isinstance(odd, dict):
            continue
        status, message = error_of(service.post(UPDATE, **{name: odd}))
        assert status == 400, name
        assert message.startswith(name), message
        if name in UPDATE:
            assert error_of(service.put(made, UPDATE, **{name: odd}))[0] == 400, name
    assert error_of(service.patch(made, odd))[0] == 400
    assert count(service) == 1


@pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)
def test_injections_in_every_field(service: Service, text: str) -> None:
    """What a text may be is stored as it is; anything else is refused. Nothing else happens."""
    headers = {**service.headers, "Content-Type": "application/json"}
    before = count(service)
    for name in [*UPDATE, "clone_uuid", "template_vars", text]:
        value: Any = {"temp": text, text: "x"} if name == "template_vars" else text
        # ensure_ascii writes lone surrogates, which UTF-8 cannot.
        sent = json.dumps({**EXAMPLE, name: value}, ensure_ascii=True)
        answer = service.door.client.post(service.url, headers=headers, content=sent)
        assert answer.status_code in (201, 400), (name, answer.text)
        if answer.status_code == 400:
            error_of(answer)
            continue
        before += 1
        shown = answer.json()
        if name in ("name", "template"):
            assert shown[name] == text
        assert service.shown(shown["uuid"]) == shown
    assert count(service) == before
    assert count(service, "teams") == 2


def test_injections_in_what_a_list_is_asked_for(service: Service) -> None:
    service.made()
    for text in INJECTIONS.values():
        if len(text) > 1000 or "\ud800" in text:
            continue
        for name in ("sending_type", "status", "fields", "sort", "page_number", "page_size", text):
            assert error_of(service.get(**{name: text}))[0] == 400
    assert count(service) == 1


@pytest.mark.parametrize(
    "lists",
    [
        "x",
        f"{LIST};{LIST}",
        f"{LIST},{LIST}",
        NOBODY,
        ",",
        "",
        LIST[:-1],
        LIST.replace("-", ""),
        "{" + LIST + "}",
        f"urn:uuid:{LIST}",
        ",".join([LIST] * 1001),
    ],
    ids=lambda text: text[:45] or "empty",
)
def test_lists_that_are_none(service: Service, lists: str) -> None:
    answer = service.post(recipient_lists=lists)
    assert error_of(answer)[0] == 400
    assert answer.json()["items"][0]["name"].startswith("recipient_lists")
    assert count(service) == 0


def test_a_great_many_lists(service: Service) -> None:
    """As many as fit into a body; a million do not."""
    answer = service.post(recipient_lists=",".join([LIST] * 400_000))
    assert error_of(answer) == (400, "recipient_lists: must have at most 1000 entries.")
    assert error_of(service.post(recipient_lists=",".join([LIST] * 1_000_000)))[0] == 413


def test_list_of_another_team_is_none(service: Service, stranger: Service) -> None:
    theirs = error_of(stranger.post())
    assert theirs == (400, f"recipient_lists[0]: {LIST} is not a contact group of this team.")
    nobodys = error_of(stranger.post(recipient_lists=NOBODY))
    assert nobodys[1].replace(NOBODY, LIST) == theirs[1]


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;INTERVAL=-1",
        "FREQ=DAILY;COUNT=99999999999999999999",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYSETPOS=2",
        "FREQ=DAILY;BYSECOND=1,2;BYMINUTE="
        + ",".join(map(str, range(60)))
        + ";BYHOUR=1,2,3,4,5,6,7,8,9,10,11,12,13",
        "FREQ=DAILY;UNTIL=20000101T000000Z",
        "DTSTART;TZID=/etc/passwd:20980501T170500\nFREQ=DAILY",
        "DTSTART:20000101T000000Z\nFREQ=DAILY",
        "FREQ=DAILY\nEXRULE:FREQ=DAILY",
        "FREQ=DAILY\nRDATE:20980501T170500Z",
        "RRULE:RRULE:FREQ=DAILY",
        "FREQ=DAILY;" * 1000,
        "FREQ=DAILY;X=" + "9" * 100_000,
    ],
    ids=lambda rule: rule[:40],
)
def test_hostile_rules(service: Service, rule: str) -> None:
    made = service.made()["uuid"]
    changes = {"schedule_type": "scheduled", "schedule_rrule": rule}
    for answer in (service.post(**changes), service.put(made, **changes)):
        assert error_of(answer)[0] == 400
        assert answer.json()["items"][0]["name"] == "schedule_rrule"
        assert len(answer.json()["message"]) < 400
    assert count(service) == 1


def rules(number: int, **changes: Any) -> str:
    rule = {"field": "city", "condition": "eq", "value": "x", "operator": "OR", **changes}
    return json.dumps({"segmentation": [{"operator": "OR", "rules": [rule] * number}]})


@pytest.mark.parametrize(
    "query",
    [
        rules(1000),
        rules(1, field="password"),
        rules(1, field="city'; DROP TABLE contacts; --"),
        rules(1, condition="like"),
        rules(1, value={"a": 1}),
        rules(1, condition="in", value=["x"] * 5000),
        rules(1, field="subscription_options_in", condition="in", value=[NOBODY]),
        rules(1, field="subscription_options_in", condition="in", value=["x"]),
        rules(1, value="x" * 100_000),
        "[" * 100_000,
        '{"segmentation": ' * 10_000,
        '{"segmentation": []}',
        '{"segmentation": 5, "segmentation": []}',
        "null",
        '"x"',
        "x",
    ],
    ids=lambda query: query[:60],
)
def test_hostile_queries(service: Service, query: str) -> None:
    answer = service.post(query_type="segmentation", query=query)
    assert error_of(answer)[0] == 400
    assert answer.json()["items"][0]["name"].startswith("query")
    assert len(answer.json()["message"]) < 400
    assert count(service) == 0


def test_value_of_a_rule_is_bound(service: Service) -> None:
    text = "x') OR true; DROP TABLE contacts; --"
    made = service.made(query_type="segmentation", query=rules(1, value=text))
    assert json.loads(made["query"])["segmentation"][0]["rules"][0]["value"] == text


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", 400),
        (b"null", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"{", 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": NaN}', 400),
        (b'{"template_vars":' + b'{"a":' * 50 + b"1" + b"}" * 51, 400),
        (b"[" * 1_000_000, 400),
        (b'{"name": "' + b"x" * (body.LARGEST + 1) + b'"}', 413),
    ],
    ids=lambda value: str(value)[:30],
)
def test_bodies_that_are_none(service: Service, sent: bytes, status: int) -> None:
    made = service.made()["uuid"]
    client, headers = service.door.client, service.headers
    for answer in (
        client.post(service.url, headers=headers, content=sent),
        client.put(f"{service.url}/{made}", headers=headers, content=sent),
        client.patch(f"{service.url}/{made}", headers=headers, content=sent),
    ):
        assert error_of(answer)[0] == status
    assert count(service) == 1


def test_body_of_fifty_megabytes_is_not_read_to_its_end(service: Service) -> None:
    """Whether or not its length is told beforehand."""
    read = []

    def endless() -> Iterator[bytes]:
        for _ in range(50):
            read.append(1)
            yield b" " * 1024 * 1024

    answer = service.door.client.post(service.url, headers=service.headers, content=endless())
    assert error_of(answer)[0] == 413
    headers = {**service.headers, "Content-Length": str(50 * 1024 * 1024)}
    answer = service.door.client.post(service.url, headers=headers, content=b"")
    assert error_of(answer)[0] == 413


def test_many_variables(service: Service) -> None:
    source = service.made(status="draft", template="{a}")["uuid"]
    for amount, message in (
        (9_999, "template_vars: must have at most 200 entries."),
        (10_000, "The body has an object of more than 10000 names."),
    ):
        many = {f"v{number}": "x" for number in range(amount)}
        answer = service.post({"clone_uuid": source, "template_vars": {"a": "1", **many}})
        assert error_of(answer) == (400, message)
    names: list[Any] = ["", "a b", "1a", "\u00e9", "a" * 100_000]
    for name in names:
        answer = service.post({"clone_uuid": source, "template_vars": {"a": "1", name: "x"}})
        assert answer.status_code in (201, 400)
        assert len(answer.text) < 20_000 or answer.status_code == 201


def test_refusal_says_nothing_of_what_a_message_says(service: Service) -> None:
    secret = "Ann-447785856985"
    for changes in (
        {"template": f"{{x}} {secret}"},
        {"template": f'{{"messages": "{secret}"}}', "sending_type": "telegram"},
        {"template_vars": {"a b": secret}},
        {"template_vars": secret},
    ):
        answer = service.post(**changes)
        assert answer.status_code == 400
        assert secret not in answer.text
