"""An adapter and its vendor's fake understand each other, from the message to the report."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from tests.fakes.base import Profile, Vendor
from tests.support.vendor_talk import carried
from worker.adapters.authorizing import Authorizer
from worker.adapters.base import Accepted, Report


def fake_of(profile: Profile) -> Vendor:
    name = "acme_fake" if "acme_fake" in sys.modules and profile.name == "acme" else None
    made: Vendor = import_module(name or f"tests.fakes.{profile.name}").Fake()
    return made


def test_what_is_encoded_is_taken_and_its_reports_are_proven_and_understood(
    profile: Profile,
) -> None:
    adapter, vendor = profile.adapter(), fake_of(profile)
    if adapter.capabilities.protocol != "http":
        return
    headers = {}
    if isinstance(adapter, Authorizer):
        token = adapter.decode_token(vendor.handle(carried(adapter.token_request())))
        headers["authorization"] = f"Bearer {token.value}"
    messages = profile.messages()
    found = adapter.decode(messages, vendor.handle(carried(adapter.encode(messages), **headers)))
    assert all(isinstance(each, Accepted) for each in found)
    assert len(vendor.taken) == 1
    reports: Sequence[Report] = [
        report
        for call in vendor.reports()
        if adapter.verify_report(call) is None
        for report in adapter.parse_report(call)
    ]
    if adapter.capabilities.echoes_reference:
        assert {report.reference for report in reports} == {messages[0].reference}
    elif adapter.capabilities.reports:
        ids = {ident for each in found if isinstance(each, Accepted) for ident in each.message_ids}
        assert {report.message_id for report in reports} <= ids
        assert reports
