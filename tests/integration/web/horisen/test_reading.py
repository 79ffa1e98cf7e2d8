"""Campaigns as they are shown: words for their states, what became of them, lists."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from campaigns.run import executions
from tests.support import horisen
from tests.support.horisen import (
    Service,
    error_of,
)


def test_each_state_of_the_engine_has_a_word(service: Service) -> None:
    uuid = service.made()["uuid"]
    words = {
        ("draft", False): "draft",
        ("draft", True): "draft",
        ("scheduled", False): "active",
        ("scheduled", True): "stopped",
        ("sending", False): "active",
        ("sending", True): "stopped",
        ("finished", False): "finished",
        ("finished", True): "finished",
        ("stopped", False): "stopped",
        ("failed", False): "stopped",
    }
    for (status, paused), word in words.items():
        service.conn.execute(
            "UPDATE campaigns SET status = %s, manually_paused = %s", [status, paused]
        )
        assert service.shown(uuid)["status"] == word
        listed = service.get(status=word).json()
        assert [one["uuid"] for one in listed["data"]] == [uuid]
        others = {"active", "stopped", "finished", "draft"} - {word}
        assert all(service.get(status=other).json()["data"] == [] for other in others)


def test_tasks_and_messages(service: Service) -> None:
    uuid = service.made()["uuid"]
    service.made(name="Another")
    counts = {"total": 10, "accepted": 7, "failed": 3, "delivered": 5}
    first = horisen.add_run(service, uuid, "2026-05-01 10:00Z", **counts)
    second = horisen.add_run(
        service, uuid, "2026-05-02 10:00Z", status="sending", reason=None, total=6, accepted=1
    )
    skipped = horisen.add_run(service, uuid, "2026-05-03 10:00Z", reason="skipped")
    # What a worker has counted since the last tick.
    service.conn.execute(
        "INSERT INTO run_tallies (run_id, backend, accepted, rejected, failed, unknown)"
        " VALUES (%s, 1, 2, 0, 1, 0)",
        [second],
    )
    nothing = dict.fromkeys(executions._ENDS, 0) | {"delivered": 0, "undelivered": 0}
    answer = service.get(uuid, fields="tasks,messages").json()
    assert answer["last_dt"] == "2026-05-02T10:00:00.000Z"
    assert answer["messages"] == nothing | {
        "total": 16, "accepted": 10, "failed": 4, "delivered": 5, "waiting": 2,
    }  # fmt: skip
    assert [task["number"] for task in answer["tasks"]] == [skipped, second, first]
    assert answer["tasks"][1] == {
        "number": second,
        "time": "2026-05-02T10:00:00.000Z",
        "status": "sending",
        "reason": None,
        "total": 6,
        "messages": nothing | {"total": 6, "accepted": 3, "failed": 1, "waiting": 2},
    }
    assert [task["reason"] for task in answer["tasks"]] == ["skipped", None, "completed"]
    listed = service.get(fields=["tasks", "messages"], sort="created_dt").json()["data"]
    assert listed[0] == answer
    assert (listed[1]["tasks"], listed[1]["messages"]["total"]) == ([], 0)


def test_optional_fields_are_there_if_they_are_asked_for(service: Service) -> None:
    uuid = service.made()["uuid"]
    for query, there in [
        ({}, set()),
        ({"fields": "tasks"}, {"tasks"}),
        ({"fields[]": "messages"}, {"messages"}),
        ({"fields": ["tasks", "messages"]}, {"tasks", "messages"}),
        ({"fields": ""}, set()),
    ]:
        one = service.get(uuid, **query).json()
        (listed,) = service.get(**query).json()["data"]
        assert set(one) & {"tasks", "messages"} == there
        assert listed == one
    assert error_of(service.get(uuid, fields="secrets")) == (
        400,
        "fields: 'secrets' must be some of tasks, messages.",
    )


def test_pages_and_their_links(service: Service) -> None:
    names = [service.made(name=f"Campaign {number}", status="draft")["name"] for number in range(7)]
    url: str | None = f"{service.url}?status=draft&sort=name&page_size=3"
    seen, pages = [], []
    while url:
        answer = service.door.client.get(url, headers=service.headers).json()
        seen += [one["name"] for one in answer["data"]]
        pages.append(answer["meta"]["pagination"])
        url = answer["meta"]["pagination"]["links"]["next"]
    assert seen == names
    assert [page["currentPage"] for page in pages] == [1, 2, 3]
    assert [page["count"] for page in pages] == [3, 3, 1]
    assert {(page["total"], page["perPage"], page["totalPages"]) for page in pages} == {(7, 3, 3)}
    assert pages[0]["links"]["prev"] is None
    assert pages[1]["links"]["prev"].endswith("page_number=1")
    assert pages[1]["links"]["last"].endswith("page_number=3")
    behind = service.get(page_number=9, page_size=3).json()
    assert (behind["data"], behind["meta"]["pagination"]["count"]) == ([], 0)
    assert behind["meta"]["pagination"]["links"]["prev"].endswith("page_number=3")


def test_pages_have_ten_unless_it_is_said(service: Service) -> None:
    for number in range(11):
        service.made(name=f"Campaign {number}", status="draft")
    answer = service.get().json()
    assert (len(answer["data"]), answer["meta"]["pagination"]["perPage"]) == (10, 10)
    assert answer["data"][0]["name"] == "Campaign 10", "newest first"


def test_empty_list_has_one_page(service: Service) -> None:
    pagination = service.get().json()["meta"]["pagination"]
    assert (pagination["total"], pagination["totalPages"], pagination["currentPage"]) == (0, 1, 1)


def test_sort_by_several_columns(service: Service) -> None:
    for name, status in itertools.product("ba", ("active", "draft")):
        service.made(name=name, status=status)

    def order(**query: Any) -> list[tuple[str, str]]:
        answer = service.get(**query)
        assert answer.status_code == 200, answer.text
        return [(one["name"], one["status"]) for one in answer.json()["data"]]

    by_status = [("b", "draft"), ("a", "draft"), ("b", "active"), ("a", "active")]
    assert order(sort="-status,-name") == by_status
    assert order(sort=["-status", "-name"]) == by_status
    assert order(**{"sort[]": ["-status", "-name"]}) == by_status
    assert order(sort="name,-status") == sorted(by_status, key=lambda one: one[0])


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"page_size": "0"}, "page_size: 0 must lie between 1 and 100."),
        ({"page_size": "-1"}, "page_size: -1 must lie between 1 and 100."),
        ({"page_size": "1000000000"}, "page_size: 1000000000 must lie between 1 and 100."),
        ({"page_size": "9" * 5000}, "page_size: '9999"),
        ({"page_size": "1e3"}, "page_size: '1e3' must be a whole number."),
        ({"page_size": "\u0661"}, "page_size: '\u0661' must be a whole number."),
        ({"page_size": ""}, "page_size: '' must be a whole number."),
        ({"page_number": "0"}, "page_number: 0 must lie between 1 and 2147483647."),
        ({"page_number": "-5"}, "page_number: -5 must lie between"),
        ({"page_number": ["1", "2"]}, "page_number: must not be given twice."),
        ({"status": "sent"}, "status: 'sent' must be one of active, stopped, finished, draft."),
        ({"status": ["draft", "active"]}, "status: must not be given twice."),
        ({"sending_type": "fax"}, "sending_type: 'fax' must be one of sms, webpush, email"),
        ({"sort": "password"}, "sort: 'password' must be some of created_dt, updated_dt"),
        ({"sort": "-"}, "sort: '-' must be some of"),
        ({"sort": "name;DROP TABLE campaigns"}, "sort: 'name;DROP TABLE campaigns' must be"),
        ({"sort": "last_dt"}, "sort: 'last_dt' must be some of"),
        ({"stauts": "draft"}, "stauts: is not known; known are"),
        ({"name'; --": "x"}, "parameter: is not known"),
    ],
    ids=str,
)
def test_query_that_is_none(service: Service, query: dict[str, Any], sentence: str) -> None:
    status, message = error_of(service.get(**query))
    assert status == 400
    assert message.startswith(sentence)
