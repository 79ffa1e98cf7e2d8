"""Every vendor's reports are read, proven, and told apart from what only looks like them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.base import Profile
from tests.support.clock import FakeClock
from worker.adapters.base import ForgedReport, HttpRequest, Report


def test_the_profile_has_reports_where_the_vendor_has_them(profile: Profile) -> None:
    if profile.adapter().capabilities.reports:
        assert {"delivered", "failed"} <= set(profile.reports)


def test_good_reports_are_proven_and_read(profile: Profile) -> None:
    adapter = profile.adapter()
    for name, case in profile.reports.items():
        adapter.verify_report(case.request)
        assert list(adapter.parse_report(case.request)) == list(case.reports), name


def test_a_repeated_report_reads_the_same(profile: Profile) -> None:
    """The ledger takes a repetition for what it is, as long as it reads the same."""
    adapter = profile.adapter()
    for case in profile.reports.values():
        assert adapter.parse_report(case.request) == adapter.parse_report(case.request)


def test_an_old_report_is_not_taken_again(profile: Profile) -> None:
    if profile.proof_expires is None:
        return
    clock = FakeClock()
    adapter = profile.adapter(clock)
    clock.advance(profile.proof_expires + 1)
    for case in profile.reports.values():
        with pytest.raises(ForgedReport):
            adapter.verify_report(case.request)


def test_forged_reports_are_refused(profile: Profile) -> None:
    adapter = profile.adapter()
    if adapter.capabilities.report_proof is None:
        return
    assert profile.forged
    goods = [case.request for case in profile.reports.values()]
    bare = [replace(good, headers={}) for good in goods if profile.proof != "body"]
    changed = [
        replace(good, body=good.body.replace(b"e", b"f", 1))
        for good in goods
        if b"e" in good.body and profile.proof != "header"
    ]
    for request in (*profile.forged, *bare, *changed):
        with pytest.raises(ForgedReport):
            adapter.verify_report(request)


def test_a_report_of_a_part_says_so(profile: Profile) -> None:
    part = profile.reports.get("part")
    if part is not None:
        assert all(report.part for report in part.reports)


def test_what_is_no_report_is_refused_whole(profile: Profile) -> None:
    adapter = profile.adapter()
    if not adapter.capabilities.reports:
        return
    bodies = (b"", b"{", b"\xff", b"null", b"3", b'"x"', b"[3]", b"[" * 200_000)
    junk = [HttpRequest("POST", "/reports", {}, body) for body in bodies]
    for request in (*junk, *profile.no_reports):
        with pytest.raises(ValueError) as caught:
            adapter.parse_report(request)
        assert not any(address in str(caught.value) for address in profile.addresses)


@settings(max_examples=50, deadline=None)
@given(data=st.data())
def test_any_call_is_understood_or_refused(profile: Profile, data: st.DataObject) -> None:
    adapter = profile.adapter()
    goods = [case.request for case in profile.reports.values()]
    good = data.draw(st.sampled_from(goods)) if goods else HttpRequest("POST", "/r", {}, b"{}")
    body = data.draw(st.binary() | st.just(good.body[: len(good.body) // 2]))
    try:
        adapter.verify_report(replace(good, body=body))
        found = adapter.parse_report(replace(good, body=body))
    except ValueError:
        return
    assert all(isinstance(each, Report) for each in found)


def test_reports_say_whose_they_are(profile: Profile) -> None:
    capabilities = profile.adapter().capabilities
    for case in profile.reports.values():
        for report in case.reports:
            assert report.reference or report.message_id
            assert not (capabilities.echoes_reference and report.reference is None)


def test_the_moment_of_a_report_is_not_in_the_future(profile: Profile) -> None:
    limit = FakeClock().now() + timedelta(days=1)
    for case in profile.reports.values():
        assert all(report.at is None or report.at < limit for report in case.reports)
