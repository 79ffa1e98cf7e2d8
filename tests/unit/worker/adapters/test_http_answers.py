"""The keys of the adapter ``http`` for answers do what docs/configuration.md says."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from tests.support.adapters import ADDRESS, MESSAGE, URL, response
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Adapter,
    Blocked,
    Failed,
    HttpResponse,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
)
from worker.adapters.registry import build


def adapter(**table: Any) -> Adapter[Any, Any]:
    given = {"name": "acme", "adapter": "http", "channel": "sms", "url": URL, **table}
    return build(ProviderConfig(**given), FakeClock())


def outcome(status: int, content: Any = None, *, header: str = "", **table: Any) -> Outcome:
    headers = {"retry-after": header} if header else {}
    response = HttpResponse(status, headers, json.dumps(content).encode())
    (found,) = adapter(**table).decode([MESSAGE], response)
    assert isinstance(found, Outcome)
    return found


CODES = {
    "error_code_path": ["error.code", "error.name"],
    "error_codes": {
        "accepted": ["duplicate"],
        "throttled": [1],
        "throttled_recipient": [2],
        "blocked": ["3"],
        "rejected": [4],
        "gone": [5],
        "failed": ["busy"],
        "unknown": [True],
    },
}


def test_a_repetition_is_accepted_only_where_there_was_a_doubt() -> None:
    """Else the provider knows the reference from a request that it refused."""
    known = response(409, {"error": "seen"})
    twice = adapter(error_code_path="error", error_codes={"repeated": ["seen"]})
    assert twice.decode([MESSAGE], known) == [Unknown("seen")]
    assert twice.decode([replace(MESSAGE, in_doubt=True)], known) == [Accepted()]


@pytest.mark.parametrize("status", [400, 429, 500])
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("duplicate", Accepted("m-1")),
        (1, Throttled(None, "1")),
        ("2", Failed("2")),
        (3, Blocked("3")),
        ("4", Rejected("4")),
        (5, Rejected("5", gone=True)),
        ("busy", Failed("busy")),
        (True, Unknown("true")),
    ],
)
def test_a_listed_code_outranks_the_status(status: int, code: Any, expected: Outcome) -> None:
    assert outcome(status, {"id": "m-1", "error": {"code": code}}, **CODES) == expected


def test_any_other_code_leaves_the_status_as_it_is() -> None:
    assert outcome(400, {"error": {"code": 77}}, **CODES) == Rejected("77")
    assert outcome(500, {"error": {"code": "odd"}}, **CODES) == Unknown("odd")
    assert outcome(429, {"error": {"code": ["x"]}}, **CODES) == Throttled(None, "http_429")


def test_the_first_code_names_the_error_and_the_first_listed_one_judges_it() -> None:
    assert outcome(400, {"error": {"code": 9, "name": "busy"}}, **CODES) == Failed("9")


def test_a_sentence_never_becomes_a_code() -> None:
    assert outcome(400, {"error": {"code": f"no {ADDRESS} here"}}, **CODES) == Rejected("http_400")


def test_a_code_in_an_answer_of_success_means_nothing_unless_the_body_decides() -> None:
    assert outcome(200, {"id": "m-1", "error": {"code": 4}}, **CODES) == Accepted("m-1")


BODY = {**CODES, "success_path": "ok", "unlisted_code": "rejected"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"ok": True, "id": "m-1"}, Accepted("m-1")),
        ({"ok": "yes", "id": "m-1"}, Accepted("m-1")),
        ({"ok": False, "error": {"code": 1}}, Throttled(None, "1")),
        ({"error": {"code": "new"}}, Rejected("new")),
        ({"error": {"code": "a sentence"}}, Unknown("http_200")),
        ({"id": "m-1"}, Unknown("http_200")),
        (None, Unknown("http_200")),
        ([], Unknown("http_200")),
    ],
)
def test_an_error_with_200_is_an_error(content: Any, expected: Outcome) -> None:
    assert outcome(200, content, **BODY) == expected


def test_a_body_decides_by_the_values_that_are_listed() -> None:
    table = {**BODY, "success_values": [0, "ok"]}
    assert outcome(200, {"ok": "0"}, **table) == Accepted()
    assert outcome(200, {"ok": "ok"}, **table) == Accepted()
    assert outcome(200, {"ok": 1}, **table) == Unknown("http_200")


def test_a_body_decides_for_the_statuses_that_are_listed() -> None:
    table = {**BODY, "body_status": [420], "failed_status": [420]}
    assert outcome(420, {"ok": 1, "id": "m-1"}, **table) == Accepted("m-1")
    assert outcome(420, {"error": {"code": "new"}}, **table) == Rejected("new")
    assert outcome(420, None, **table) == Failed("http_420")
    assert outcome(200, None, **table) == Accepted()


def test_an_unreadable_success_that_the_body_should_decide_is_not_certain() -> None:
    assert outcome(200, None, **BODY, success_status=[200]) == Unknown("http_200")


LIST = {
    "success_path": "m.*.status",
    "success_values": [0],
    "error_code_path": "m.*.status",
    "unlisted_code": "rejected",
    "message_id_path": "m.*.id",
}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([{"status": 0, "id": "a"}, {"status": 0, "id": "b"}], Accepted("a", "b")),
        ([{"status": 7}, {"status": 0, "id": "b"}], Accepted("b")),
        ([{"status": 7}, {"status": 8}], Rejected("7")),
        ([{"status": 7}, {}], Unknown("http_200")),
        ([], Unknown("http_200")),
        ({"status": 0}, Unknown("http_200")),
    ],
)
def test_each_part_of_a_list(parts: Any, expected: Outcome) -> None:
    assert outcome(200, {"m": parts}, **LIST) == expected


def test_no_more_ids_are_kept_than_a_message_can_have_parts() -> None:
    found = outcome(200, {"m": [{"status": 0, "id": n} for n in range(1000)]}, **LIST)
    assert isinstance(found, Accepted)
    assert len(found.message_ids) == 255


def test_parts_without_ids_of_their_own_are_numbered() -> None:
    table = {"part_count_path": "n", "report_part_path": "p", "report_part_count_path": "n"}
    table |= {"report_status_path": "s", "report_id_path": "id"}
    assert outcome(200, {"id": "a", "n": "2"}, **table) == Accepted("a:1", "a:2")
    assert outcome(200, {"id": "a", "n": 1}, **table) == Accepted("a")
    assert outcome(200, {"id": "a", "n": 4000}, **table) == Accepted("a")


@pytest.mark.parametrize(
    ("unit", "value", "seconds"),
    [("s", 7, 7), ("ms", 250, 0.25), ("min", 2, 120), ("s", "1.5", 1.5)],
)
def test_the_body_says_how_long_to_wait(unit: str, value: Any, seconds: float) -> None:
    table = {"retry_after_path": "wait", "retry_after_unit": unit}
    assert outcome(429, {"wait": value}, header="3", **table) == Throttled(seconds, "http_429")


@pytest.mark.parametrize(
    "value", [None, -1, True, "soon", "nan", "inf", "1e400", 1e300, [], "9" * 99]
)
def test_a_wait_without_sense_leaves_the_header(value: Any) -> None:
    assert outcome(429, {"wait": value}, header="3", retry_after_path="wait") == Throttled(
        3.0, "http_429"
    )


def test_a_header_of_another_name_holds_seconds_or_a_date() -> None:
    until = format_datetime(FakeClock().now() + timedelta(seconds=90), usegmt=True)
    for text, seconds in (("8", 8.0), (until, 90.0)):
        response = HttpResponse(429, {"x-wait": text, "retry-after": "1"}, b"")
        (found,) = adapter(retry_after_header="X-Wait").decode([MESSAGE], response)
        assert found == Throttled(seconds, "http_429")


def test_a_throttled_recipient_keeps_nobody_else_waiting() -> None:
    table = {"throttle_scope": "recipient", "recipient_wait": 60}
    assert outcome(429, **table) == Failed("http_429", 60)
    assert outcome(429, header="5", **table) == Failed("http_429", 5.0)
    found = outcome(400, {"error": {"code": 2}}, **CODES, recipient_wait=3600)
    assert found == Failed("2", 3600)


def test_statuses_about_account_and_address() -> None:
    table = {"blocked_status": [403], "gone_status": [410], "unknown_status": [409]}
    assert outcome(403, **table) == Blocked("http_403")
    assert outcome(410, **table) == Rejected("http_410", gone=True)
    assert outcome(409, **table) == Unknown("http_409")
    assert outcome(401, **table) == Unknown("http_401")
    assert outcome(401) == Blocked("http_401")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["m", "status", "id"]), inner),
)


@settings(max_examples=60, deadline=None)
@given(status=st.integers(100, 599), content=JSON)
def test_any_answer_means_something(status: int, content: Any) -> None:
    for table in (LIST, BODY, CODES):
        outcome(status, content, **table)


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"success_values": [1]}, "providers.acme.success_values: needs success_path."),
        ({"body_status": [200]}, "providers.acme.body_status: needs success_path."),
        ({"unlisted_code": "failed"}, "providers.acme.unlisted_code: needs success_path."),
        ({"unlisted_code": "odd", "success_path": "a"}, "providers.acme.unlisted_code: "),
        ({"error_codes": {"failed": [1]}}, "providers.acme.error_codes: needs error_code_path."),
        (
            {"error_code_path": "c", "error_codes": {"failed": [1], "gone": ["1"]}},
            "providers.acme.error_codes.failed: gone and failed both hold '1'.",
        ),
        (
            {"error_code_path": "c", "error_codes": {"fatal": [1]}},
            "providers.acme.error_codes.fatal: is not a key",
        ),
        (
            {"error_code_path": "c", "error_codes": {"failed": [1.5]}},
            "providers.acme.error_codes.failed.0: ",
        ),
        ({"error_code_path": []}, "providers.acme.error_code_path: must name at least one path."),
        ({"error_code_path": "a..b"}, "providers.acme.error_code_path.0: must be keys"),
        ({"message_id_path": "*.a.*"}, "providers.acme.message_id_path: can hold '*' once"),
        ({"retry_after_path": "a.*"}, "providers.acme.retry_after_path: cannot hold '*' here"),
        ({"retry_after_unit": "ms"}, "providers.acme.retry_after_unit: needs retry_after_path."),
        ({"retry_after_unit": "h"}, "providers.acme.retry_after_unit: "),
        ({"throttle_scope": "sender"}, "providers.acme.throttle_scope: "),
        ({"recipient_wait": 9}, "providers.acme.recipient_wait: needs throttle_scope"),
        ({"part_count_path": "n"}, "providers.acme.part_count_path: needs report_part_path."),
        (
            {"blocked_status": [402], "unknown_status": [402]},
            "providers.acme.unknown_status: blocked_status and unknown_status both hold 402.",
        ),
    ],
)
def test_a_mistake_is_named(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        adapter(**table)
    assert sentence in str(caught.value)
