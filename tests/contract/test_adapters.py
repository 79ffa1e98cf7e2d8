"""Every adapter classifies its vendor's answers by the same rules.

The rules are those of :mod:`worker.adapters.base`; the vendors' words stand in
:mod:`tests.support.adapters`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campaigns.template.content import Text
from tests.support.adapters import (
    ADDRESS,
    MESSAGE,
    PROFILES,
    SECRET,
    TEXT,
    URL,
    Profile,
    report_call,
    response,
)
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Adapter,
    Failed,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Report,
    Throttled,
    Unknown,
)
from worker.adapters.registry import ADAPTERS

every_adapter = pytest.mark.parametrize("profile", PROFILES, ids=[each.name for each in PROFILES])


def outcome(adapter: Adapter, answer: HttpResponse) -> Outcome:
    (found,) = adapter.decode([MESSAGE], answer)
    return found


def test_every_adapter_is_held_to_this_contract() -> None:
    assert {profile.name for profile in PROFILES} <= set(ADAPTERS)


@every_adapter
def test_accepted_with_the_providers_id(profile: Profile) -> None:
    assert outcome(profile.adapter(), profile.accepted) == Accepted("m-1")


@every_adapter
def test_accepted_without_id_when_only_the_body_cannot_be_read(profile: Profile) -> None:
    """The provider did take the message: anything else would send it again or hold it."""
    assert outcome(profile.adapter(), profile.accepted_unreadable) == Accepted(None)


@every_adapter
def test_rejected_with_a_code(profile: Profile) -> None:
    for code, answer in profile.rejected.items():
        assert outcome(profile.adapter(), answer) == Rejected(code)


@every_adapter
def test_failed_with_a_code(profile: Profile) -> None:
    for code, answer in profile.failed.items():
        assert outcome(profile.adapter(), answer) == Failed(code)


@every_adapter
def test_what_is_not_understood_is_unknown(profile: Profile) -> None:
    for code, answer in profile.unknown.items():
        assert outcome(profile.adapter(), answer) == Unknown(code)


def throttled(profile: Profile, clock: FakeClock, **headers: str) -> float | None:
    answer = HttpResponse(429, {**profile.throttled.headers, **headers}, profile.throttled.body)
    found = outcome(profile.adapter(clock), answer)
    assert isinstance(found, Throttled)
    return found.retry_after


@every_adapter
def test_throttled_says_how_long_the_provider_wants_to_wait(profile: Profile) -> None:
    """RFC 9110, section 10.2.3: seconds, or a date; nonsense is as good as nothing."""
    clock = FakeClock()
    date = format_datetime(clock.now() + timedelta(seconds=90), usegmt=True)
    past = format_datetime(clock.now() - timedelta(days=1), usegmt=True)
    assert throttled(profile, clock) is None
    assert throttled(profile, clock, **{"retry-after": "7"}) == 7
    assert throttled(profile, clock, **{"retry-after": date}) == 90
    assert throttled(profile, clock, **{"retry-after": past}) == 0
    skewed = format_datetime(clock.now() - timedelta(hours=1), usegmt=True)
    until = format_datetime(clock.now() - timedelta(minutes=59), usegmt=True)
    assert throttled(profile, clock, **{"retry-after": until, "date": skewed}) == 60
    assert throttled(profile, clock, **{"retry-after": date, "date": "yesterday"}) == 90
    for nonsense in ("", "soon", "-5", "1e9", "٣", "9" * 400):
        assert throttled(profile, clock, **{"retry-after": nonsense}) is None
    for seconds, answer in profile.waits.items():
        found = outcome(profile.adapter(clock), answer)
        assert isinstance(found, Throttled)
        assert found.retry_after == seconds


BAD_BODIES = [
    b"",
    b"null",
    b"[]",
    b'"id"',
    b"{",
    b"\xff\xfe\x00",
    b"[" * 200_000,
    b'{"id":' * 100_000,
    b'{"id": ' + b"9" * 5_000 + b"}",
    b'{"id": 1e999, "retry_after_ms": NaN, "messages": 3}',
    b'{"id": "' + b"x" * 1_000_000 + b'", "error": "' + b"y" * 1_000 + b'"}',
    b'{"id": {"id": []}, "error": ["x"], "retry_after_ms": -1, "messages": [[]]}',
    b'{"id": true, "error": "two words", "retry_after_ms": ' + b"9" * 400 + b"}",
    b"x" * 1_048_576,
]


@every_adapter
@pytest.mark.parametrize("body", BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_a_bad_or_huge_body_changes_no_class(profile: Profile, body: bytes) -> None:
    """The status alone decides; ids and codes that make no sense are dropped."""
    answers = [profile.accepted, profile.throttled, *profile.rejected.values()]
    answers += [*profile.failed.values(), *profile.unknown.values()]
    adapter = profile.adapter()
    for answer in answers:
        found = outcome(adapter, HttpResponse(answer.status, {}, body))
        assert type(found) is type(outcome(adapter, answer))
        match found:
            case Accepted(message_ids=ids):
                assert not ids
            case Throttled(retry_after):
                assert retry_after is None
            case Rejected(code) | Failed(code) | Unknown(code):
                assert code == f"http_{answer.status}"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
KEYS = st.sampled_from(["id", "error", "retry_after_ms", "messages", "reports", "state", "status"])
BODIES = (
    st.binary()
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(KEYS, JSON).map(lambda value: json.dumps(value).encode())
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "date", "content-type", "location"]), st.text()
)


@every_adapter
@settings(max_examples=150, deadline=None)
@given(status=st.integers(0, 1100), headers=HEADERS, body=BODIES, count=st.integers(1, 3))
def test_any_answer_gives_one_outcome_per_message(
    profile: Profile, status: int, headers: dict[str, str], body: bytes, count: int
) -> None:
    """Also when the provider is broken or hostile: a chunk is never lost to an exception."""
    adapter = profile.adapter()
    found = adapter.decode([MESSAGE] * count, HttpResponse(status, headers, body))
    assert len(found) == count
    assert all(isinstance(each, Outcome) for each in found)


@every_adapter
@settings(max_examples=100, deadline=None)
@given(body=BODIES)
def test_any_report_is_understood_or_refused(profile: Profile, body: bytes) -> None:
    try:
        found = profile.adapter().parse_report(report_call(body))
    except ValueError:
        return
    assert all(isinstance(each, Report) for each in found)


@every_adapter
def test_reports_are_read(profile: Profile) -> None:
    assert tuple(profile.adapter().parse_report(report_call(profile.report))) == profile.reports
    assert profile.adapter().capabilities.reports


@every_adapter
def test_a_malformed_report_is_refused_whole(profile: Profile) -> None:
    bad: tuple[Any, ...] = (b"", b"{", b"\xff", None, 3, "x", [3], b"[" * 200_000)
    for body in (*bad, *profile.no_reports):
        with pytest.raises(ValueError) as caught:
            profile.adapter().parse_report(report_call(body))
        assert "17-42" not in str(caught.value)


@every_adapter
def test_a_request_holds_at_most_max_batch_messages(profile: Profile) -> None:
    adapter = profile.adapter()
    most = adapter.capabilities.max_batch
    adapter.encode([MESSAGE] * most)
    with pytest.raises(ValueError):
        adapter.encode([MESSAGE] * (most + 1))
    with pytest.raises(ValueError):
        adapter.encode([])


@every_adapter
def test_the_request_carries_reference_address_sender_and_text(profile: Profile) -> None:
    request = profile.adapter().encode([MESSAGE])
    assert (request.method, request.url) == ("POST", URL)
    assert request.headers["content-type"] == "application/json"
    carried = profile.reference_in(request)
    assert carried in (MESSAGE.reference, (MESSAGE.reference,) * 2)
    content = json.loads(request.body)
    assert {ADDRESS, TEXT, "Sluice"} <= set(content.values())


@every_adapter
@given(text=st.text(), sender=st.text(), address=st.text())
def test_any_text_arrives_as_it_is(profile: Profile, text: str, sender: str, address: str) -> None:
    """Quotes, braces, line breaks, astral characters and lone surrogates included."""
    request = profile.adapter().encode([Message("1-1", address, sender, Text(text))])
    content = json.loads(request.body)
    assert (content["text"], content["from"], content["to"]) == (text, sender, address)


@every_adapter
def test_header_names_are_lower_case(profile: Profile) -> None:
    request = profile.adapter().encode([MESSAGE])
    assert all(name == name.lower() for name in request.headers)


@every_adapter
def test_nothing_secret_or_personal_is_shown(profile: Profile) -> None:
    """Objects end up in logs and tracebacks by their repr."""
    adapter = profile.adapter()
    request = adapter.encode([MESSAGE])
    shown = f"{adapter!r} {request!r} {MESSAGE!r} {adapter.capabilities!r} {response(200)!r}"
    for hidden in (SECRET, ADDRESS, TEXT):
        assert hidden not in shown


@every_adapter
def test_the_echoed_reference_is_declared(profile: Profile) -> None:
    """The engine finds rows by reference only where the adapter says that it comes back."""
    adapter = profile.adapter()
    echoed = any(report.reference for report in profile.reports)
    assert adapter.capabilities.echoes_reference is echoed
