"""The tables of docs/providers-http.md do what the vendors' own adapters do."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest

from campaigns.providers import ProviderConfig
from campaigns.template.content import Text
from tests.fakes import horisen, infobip, messagebird, telnyx, twilio, vonage
from tests.fakes.base import Profile, Vendor, reference
from tests.support.clock import FakeClock
from tests.support.repository import ROOT
from tests.support.vendor_talk import carried
from worker.adapters.base import (
    Accepted,
    Adapter,
    ForgedReport,
    Message,
    Outcome,
    Rejected,
    Report,
    Unknown,
)
from worker.adapters.registry import build

PAGE = (ROOT / "docs" / "providers-http.md").read_text("utf-8")

SECRETS = {
    "TWILIO_AUTH_TOKEN": twilio.TOKEN,
    "VONAGE_API_SECRET": vonage.API_SECRET,
    "VONAGE_SIGNATURE_SECRET": vonage.SIGNATURE_SECRET,
    "HORISEN_PASSWORD": horisen.PASSWORD,
    "TELNYX_API_KEY": telnyx.API_KEY,
    "MESSAGEBIRD_ACCESS_KEY": messagebird.ACCESS_KEY,
    "INFOBIP_API_KEY": infobip.API_KEY,
}

VENDORS = ("twilio", "vonage", "horisen", "telnyx", "messagebird", "infobip")

#: Of the vendors whose proof TOML can describe.
PROVEN = ("twilio", "vonage")

#: What the page says is different.
DIFFERENT: dict[tuple[str, str], Outcome] = {
    ("messagebird", "rejected: no such number"): Rejected("9"),
    ("telnyx", "rejected: no number"): Rejected("10002"),
}

each_vendor = pytest.mark.parametrize("vendor", VENDORS)


@pytest.fixture(autouse=True)
def _secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, secret in SECRETS.items():
        monkeypatch.setenv(name, secret)


def table(vendor: str) -> dict[str, Any]:
    section = PAGE.partition(f"\n## {vendor}\n")[2]
    found = re.search(r"^```toml\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert found is not None
    return tomllib.loads(found[1])["providers"]["carrier"]


def adapter(vendor: str, clock: FakeClock | None = None) -> Adapter[Any, Any]:
    config = ProviderConfig.model_validate({"name": "carrier", **table(vendor)})
    return build(config, clock or FakeClock())


def profile(vendor: str) -> Profile:
    found: Profile = import_module(f"tests.fakes.{vendor}").PROFILE
    return found


def fake(vendor: str) -> Vendor:
    made: Vendor = import_module(f"tests.fakes.{vendor}").Fake()
    return made


def reported(of: Adapter[Any, Any], vendor: Vendor) -> Iterator[Report]:
    for call in vendor.reports():
        of.verify_report(call)
        yield from of.parse_report(call)


TEXTS = {
    "gsm": "Dear Mary, your code is 4711",
    "unicode": "Дорогая Мария",
    "long": "All of it & more. " * 20,
}


@each_vendor
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("lasts", [None, 90, 10_000_000])
def test_a_message_goes_the_whole_way_as_it_does_with_the_vendors_adapter(
    vendor: str, text: str, lasts: int | None
) -> None:
    until = None if lasts is None else FakeClock().now() + timedelta(seconds=lasts)
    message = Message(reference(), "353861234567", "Sluice", Text(text), until)
    results = []
    for each in (adapter(vendor), profile(vendor).adapter()):
        served = fake(vendor)
        found = each.decode([message], served.handle(carried(each.encode([message]))))
        results.append((list(found), served.taken, list(reported(each, served))))
    ours, theirs = results
    assert ours == theirs
    assert isinstance(ours[0][0], Accepted)
    assert {report.kind for report in ours[2]} == {"delivered"}


@each_vendor
def test_answers_mean_the_same_as_to_the_vendors_adapter(vendor: str) -> None:
    compared = 0
    for name, case in profile(vendor).cases.items():
        if case.messages > 1:
            continue
        (found,) = adapter(vendor).decode(profile(vendor).messages(), case.response)
        expected = DIFFERENT.get((vendor, name), case.outcomes[0])
        if isinstance(expected, Unknown):
            # What nobody understands has no code of the vendor's.
            assert isinstance(found, Unknown), name
        else:
            assert found == expected, name
        compared += 1
    assert compared > 10


@each_vendor
def test_reports_mean_the_same_as_to_the_vendors_adapter(vendor: str) -> None:
    for name, case in profile(vendor).reports.items():
        adapter(vendor).verify_report(case.request)
        assert list(adapter(vendor).parse_report(case.request)) == list(case.reports), name


@pytest.mark.parametrize("vendor", PROVEN)
def test_forged_reports_are_refused(vendor: str) -> None:
    known = profile(vendor)
    bare = [replace(case.request, headers={}) for case in known.reports.values()]
    changed = [
        replace(case.request, body=case.request.body.replace(b"e", b"f", 1))
        for case in known.reports.values()
    ]
    for request in (*known.forged, *bare, *changed):
        with pytest.raises(ForgedReport):
            adapter(vendor).verify_report(request)


def test_an_old_report_is_not_taken_again() -> None:
    clock = FakeClock()
    receipts = adapter("vonage", clock)
    request = profile("vonage").reports["delivered"].request
    clock.advance(vonage.TOLERANCE)
    receipts.verify_report(request)
    clock.advance(1)
    with pytest.raises(ForgedReport):
        receipts.verify_report(request)


@each_vendor
def test_capabilities_are_those_of_the_vendors_adapter(vendor: str) -> None:
    ours, theirs = adapter(vendor).capabilities, profile(vendor).adapter().capabilities
    assert (ours.reports, ours.echoes_reference) == (theirs.reports, theirs.echoes_reference)
    assert ours.idempotent == theirs.idempotent
    assert ours.report_proof == (theirs.report_proof if vendor in PROVEN else None)
    assert (ours.validity is None) == (theirs.validity is None)
