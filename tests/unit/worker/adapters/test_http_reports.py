"""The keys of the adapter ``http`` for reports do what docs/configuration.md says."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from tests.fakes.base import SECRET
from tests.support.adapters import ADDRESS, MESSAGE, URL, response
from tests.support.clock import FakeClock
from tests.support.http_reports import (
    BASE,
    DELIVERED,
    NOW,
    REPORT_URL,
    adapter,
    call,
    form,
    query,
    reports,
    signature,
)
from worker.adapters.base import Accepted, HttpRequest, Report
from worker.adapters.registry import build


@pytest.mark.parametrize(
    ("kind", "request_"),
    [("json", call(DELIVERED)), ("form", form(DELIVERED)), ("query", query(DELIVERED))],
)
def test_reports_in_each_format(kind: str, request_: HttpRequest) -> None:
    expected = [Report(None, "m-1", "delivered")]
    assert reports(request_, report_format=kind) == expected
    assert reports(request_, report_format="auto") == expected


def test_a_call_of_no_format_is_no_report() -> None:
    with pytest.raises(ValueError):
        reports(HttpRequest("POST", REPORT_URL, {}, b"s=delivered&i=m-1"), report_format="auto")


def test_names_of_fields_may_hold_dots() -> None:
    table = {"report_format": "form", "report_status_path": "a.s"}
    assert reports(form({"a.s": "delivered", "i": "m-1"}), **table)


def test_a_list_within_the_call() -> None:
    table = {"report_list_path": "data.results"}
    assert len(reports(call({"data": {"results": [DELIVERED, DELIVERED]}}), **table)) == 2
    for wrong in ({}, {"data": {"results": DELIVERED}}, None):
        with pytest.raises(ValueError):
            reports(call(wrong), **table)


def test_the_reference_may_stand_in_the_query() -> None:
    table = {"report_reference_path": "query:ref"}
    (report,) = reports(call(DELIVERED, f"{REPORT_URL}?ref=17-42"), **table)
    assert report.reference == "17-42"


def test_the_report_url_of_a_message_holds_its_reference() -> None:
    body = {"to": "{address}", "callback": "{report_url}"}
    table = {"report_url": f"{REPORT_URL}?a=b&ref={{reference}}", "body": body}
    found = json.loads(adapter(**table).encode([MESSAGE]).body)
    assert found["callback"] == f"{REPORT_URL}?a=b&ref=17-42"


STATUSES = {
    "report_delivered": [1],
    "report_undelivered": ["2"],
    "report_opened": ["read"],
    "report_clicked": ["click"],
    "report_ignored": [0],
    "report_event_id_path": "e",
}


@pytest.mark.parametrize(
    ("status", "kind"),
    [("1", "delivered"), (2, "failed"), ("read", "opened"), ("click", "clicked"), (0, None)],
)
def test_statuses_may_be_numbers_or_words(status: Any, kind: Any) -> None:
    found = reports(call({"s": status, "i": "m-1", "e": "e-1"}), **STATUSES)
    assert [(report.kind, report.event_id) for report in found] == [(kind, "e-1")] * bool(kind)


def test_a_status_in_no_list() -> None:
    odd = call({"s": "odd", "i": "m-1"})
    assert reports(odd) == []
    assert reports(odd, report_unknown_status="failed") == [
        Report(None, "m-1", "failed", code="odd")
    ]
    with pytest.raises(ValueError):
        reports(odd, report_unknown_status="refused")


def test_of_several_statuses_the_first_that_is_listed_counts() -> None:
    table = {"report_status_path": ["n", "g"], "report_ignored": ["sent"]}
    for name, group, kinds in (
        ("sent", "delivered", []),
        ("odd", "delivered", ["delivered"]),
        ("odd", "expired", ["failed"]),
        ("delivered", "expired", ["delivered"]),
    ):
        found = reports(call({"n": name, "g": group, "i": "m-1"}), **table)
        assert [report.kind for report in found] == kinds


def test_calls_of_other_kinds_are_left_alone() -> None:
    table = {"report_event_path": "type", "report_events": ["dlr"]}
    assert len(reports(call({"type": "dlr", **DELIVERED}), **table)) == 1
    assert reports(call({"type": "inbound"}), **table) == []
    with pytest.raises(ValueError):
        reports(call(DELIVERED), **table)


def test_the_code_of_a_failure() -> None:
    table = {"report_code_path": ["c", "s"], "report_no_code": ["0", "NONE"]}
    for code, expected in ((27, "27"), ("NONE", "failed"), (0, "failed"), ("a b", "failed")):
        (report,) = reports(call({"s": "failed", "i": "m-1", "c": code}), **table)
        assert report.code == expected
    (report,) = reports(call({**DELIVERED, "c": 27}), **table)
    assert report.code is None


@pytest.mark.parametrize(
    ("form_of", "value"),
    [
        ("iso", "2029-12-31T23:59:58Z"),
        ("iso", "2030-01-01T00:59:58.000+0100"),
        ("unix", 1893455998),
        ("unix", "1893455998"),
        ("unix_ms", 1893455998000),
        ("%Y-%m-%d %H:%M:%S", "2029-12-31 23:59:58"),
        ("%y%m%d%H%M%S%z", "300101005958+0100"),
        ("%Y%m%d%H%M%S", 20291231235958),
    ],
)
def test_when_it_happened(form_of: str, value: Any) -> None:
    table = {"report_time_path": ["missing", "t"], "report_time_format": form_of}
    (report,) = reports(call({**DELIVERED, "t": value}), **table)
    assert report.at == datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize("form_of", ["iso", "unix", "unix_ms", "%Y"])
@given(value=st.none() | st.text() | st.integers() | st.floats() | st.just("99999"))
def test_a_moment_without_sense_is_none(form_of: str, value: Any) -> None:
    table = {"report_time_path": "t", "report_time_format": form_of}
    (report,) = reports(call({**DELIVERED, "t": value}), **table)
    assert report.at is None or report.at.tzinfo is UTC


def test_a_moment_in_a_query_whose_plus_was_not_escaped() -> None:
    url = f"{REPORT_URL}?s=delivered&i=m-1&t=2030-01-01T01:00:00+01:00"
    request = HttpRequest("GET", url, {}, b"")
    (report,) = reports(request, report_format="query", report_time_path="t")
    assert report.at == NOW


def test_a_code_may_say_that_the_address_is_dead() -> None:
    table = {"report_code_path": "c", "report_gone": [27, "EUNKNOWN"]}
    for code, gone in ((27, True), ("27", True), ("EUNKNOWN", True), (28, False), (None, False)):
        (report,) = reports(call({**DELIVERED, "s": "failed", "c": code}), **table)
        assert report.gone is gone
    (report,) = reports(call({**DELIVERED, "c": 27}), **table)
    assert not report.gone


PARTS = {
    "message_id_path": "i",
    "part_count_path": "n",
    "report_part_path": "p",
    "report_part_count_path": "n",
}


@pytest.mark.parametrize("numbers", [(1, 2), (0, 1)])
def test_parts_have_the_ids_of_the_answer(numbers: tuple[int, int]) -> None:
    """Whether the provider counts them from 1 or from 0."""
    acme = adapter(**PARTS)
    (accepted,) = acme.decode([MESSAGE], response(200, {"i": "m-1", "n": 2}))
    found = [acme.parse_report(call({**DELIVERED, "p": p, "n": 2}))[0] for p in numbers]
    assert isinstance(accepted, Accepted)
    assert set(accepted.message_ids) == {report.message_id for report in found}
    assert all(report.part for report in found)
    (whole,) = acme.parse_report(call({**DELIVERED, "p": 1, "n": 1}))
    assert (whole.message_id, whole.part) == ("m-1", False)
    for wrong in ({"p": 1}, {"n": 2}, {"p": 3, "n": 2}, {"p": -1, "n": 2}):
        with pytest.raises(ValueError):
            acme.parse_report(call({**DELIVERED, **wrong}))


def test_where_each_part_has_an_id_each_report_is_of_a_part() -> None:
    (report,) = reports(call(DELIVERED), message_id_path="m.*.id")
    assert report.part


@pytest.mark.parametrize("number", [ADDRESS, f"+{ADDRESS}", f"00{ADDRESS}", int(ADDRESS)])
def test_ids_that_are_good_for_one_recipient_only(number: Any) -> None:
    acme = adapter(report_recipient_path="to", message_id_path="i")
    (accepted,) = acme.decode([MESSAGE], response(200, {"i": "b-1"}))
    (report,) = acme.parse_report(call({"s": "delivered", "i": "b-1", "to": number}))
    assert accepted == Accepted(report.message_id)
    with pytest.raises(ValueError):
        acme.parse_report(call({"s": "delivered", "i": "b-1"}))


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"report_url": "http://a.example/"}, "providers.acme.report_url: must begin with https"),
        ({"report_url": "https://a/{x}"}, "providers.acme.report_url: {x} is not a placeholder"),
        ({"report_url": "https://a/{reference}"}, "report_url: {reference} may stand in the query"),
        ({"report_format": "xml"}, "providers.acme.report_format: "),
        ({"report_id_path": "query:"}, "providers.acme.report_id_path: must be keys"),
        ({"report_events": ["x"]}, "providers.acme.report_events: needs report_event_path."),
        ({"report_event_path": "x"}, "providers.acme.report_event_path: needs report_events."),
        ({"report_ignored": ["failed"]}, "report_ignored: report_undelivered and report_ignored"),
        ({"report_unknown_status": "x"}, "providers.acme.report_unknown_status: "),
        ({"report_time_format": "iso"}, "report_time_format: needs report_time_path."),
        ({"report_time_path": "t", "report_time_format": "x"}, "report_time_format: must be 'iso'"),
        ({"report_part_path": "p"}, "report_part_path: needs report_part_count_path."),
        ({"report_signature": {"secret": SECRET}}, "report_signature: needs header or field"),
        (signature(field="sig"), "providers.acme.report_signature: needs header or field"),
        (signature(algorithm="md5"), "providers.acme.report_signature.algorithm: "),
        (signature(secret=""), "providers.acme.report_signature.secret: must not be empty."),
        (signature(secret_encoding="hex"), "report_signature.secret: must be hex."),
        (signature(signed="{bdy}"), "report_signature.signed: "),
        (signature(signed="{url}"), "report_signature.signed: holds {url}, which needs report_url"),
        (signature(signed="{timestamp}{body}"), "which needs timestamp_header"),
        (signature(tolerance=60), "report_signature.tolerance: needs timestamp_header"),
        (signature(timestamp_header="X-T"), "report_signature.signed: must hold {timestamp}"),
        (signature(fields="{x}", signed="{fields}"), "report_signature.fields: {x} is not a"),
        (signature(fields_replace={"ab": "_"}), "report_signature.fields_replace: must name"),
        ({"report_format": "query", **signature()}, "signed: must hold {url}, or {fields}"),
        ({"report_format": "auto", **signature()}, "signed: must hold {body} and {url}, or"),
        ({"report_url": REPORT_URL, **signature(signed="{url}")}, "signed: must hold {body}, or"),
        (
            {"report_id_path": "query:i", **signature()},
            "providers.acme.report_id_path: is in the query, so report_signature.signed must hold",
        ),
        (
            {"report_status_path": None, "report_list_path": "x"},
            "providers.acme.report_list_path: needs report_status_path.",
        ),
        (
            {"report_id_path": None},
            "providers.acme.report_status_path: needs report_reference_path or report_id_path",
        ),
    ],
)
def test_a_mistake_is_named(table: dict[str, Any], sentence: str) -> None:
    keys = {key: value for key, value in {**BASE, **table}.items() if value is not None}
    given = {"name": "acme", "adapter": "http", "channel": "sms", "url": URL, **keys}
    with pytest.raises(ConfigurationError) as caught:
        build(ProviderConfig(**given), FakeClock())
    assert sentence in str(caught.value)
    assert SECRET not in str(caught.value)
