"""Every vendor's answers come to the same few outcomes, one for each message, whatever it says."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.base import Profile
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    HttpResponse,
    Outcome,
    Rejected,
    Throttled,
    Unknown,
)
from worker.transport.base import MAX_BODY

REQUIRED = ("accepted", "rejected", "failed", "blocked", "throttled", "unknown", "malformed")


def test_the_profile_names_a_case_of_every_class(profile: Profile) -> None:
    found = {name.split(":")[0].split(",")[0] for name in profile.cases}
    assert set(REQUIRED) - found == set()
    if profile.adapter().capabilities.max_batch > 1:
        assert "partly accepted" in profile.cases


def test_each_answer_means_what_the_vendor_says(profile: Profile) -> None:
    for name, case in profile.cases.items():
        adapter = profile.adapter()
        messages = profile.messages(case.messages)
        adapter.encode(messages)
        found = adapter.decode(messages, case.response)
        assert list(found) == list(case.outcomes), name


CLASSES: dict[str, type[Outcome]] = {
    "accepted": Accepted,
    "rejected": Rejected,
    "failed": Failed,
    "blocked": Blocked,
    "throttled": Throttled,
    "unknown": Unknown,
}


def test_the_cases_are_of_the_class_that_they_are_named_after(profile: Profile) -> None:
    for name, case in profile.cases.items():
        expected = CLASSES.get(name.split(":")[0])
        if expected is not None:
            assert {type(each) for each in case.outcomes} == {expected}, name


def test_a_request_of_many_holds_no_more_than_it_may(profile: Profile) -> None:
    adapter = profile.adapter()
    most = adapter.capabilities.max_batch
    adapter.encode(profile.messages(most))
    with pytest.raises(ValueError):
        adapter.encode(profile.messages(most + 1))


def test_nothing_secret_shows_in_a_representation(profile: Profile) -> None:
    adapter = profile.adapter()
    request = adapter.encode(profile.messages())
    seen = repr(adapter) + repr(request) + repr(profile.messages())
    assert profile.secret not in seen
    assert profile.addresses[0] not in seen
    assert profile.content.text not in seen


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_answer_gives_one_outcome_per_message(profile: Profile, data: st.DataObject) -> None:
    """Also when the vendor is broken or hostile: a chunk is never lost to an exception."""
    adapter = profile.adapter()
    if adapter.capabilities.protocol != "http":
        return
    count = data.draw(st.integers(1, min(adapter.capabilities.max_batch, 3)))
    messages = profile.messages(count)
    answers = [case.response for case in profile.cases.values()]
    known: HttpResponse = data.draw(st.sampled_from(answers))
    status = data.draw(st.just(known.status) | st.integers(100, 599))
    body = data.draw(BODIES | st.just(known.body) | st.just(known.body[: len(known.body) // 2]))
    found = adapter.decode(messages, HttpResponse(status, known.headers, body))
    assert len(found) == count
    assert all(isinstance(each, Outcome) for each in found)


@pytest.mark.parametrize("body", [b"[" * 200_000, b'{"a":' * 100_000, b"x" * MAX_BODY])
def test_an_oversized_answer_ends_nothing(profile: Profile, body: bytes) -> None:
    """No id is taken out of it; there may be one in a header, or in the request already."""
    adapter = profile.adapter()
    if adapter.capabilities.protocol != "http":
        return
    for case in profile.cases.values():
        messages = profile.messages(case.messages)
        request = adapter.encode(messages)
        answer = HttpResponse(case.response.status, {}, body)
        found = adapter.decode(messages, answer)
        assert len(found) == case.messages
        ids = [one for each in found if isinstance(each, Accepted) for one in each.message_ids]
        known = " ".join((request.url, *answer.headers.values())).encode() + request.body
        assert all(one.encode() in known for one in ids)


def test_a_server_error_is_never_taken_for_a_refusal(profile: Profile) -> None:
    """500 without the vendor's own words: nobody knows what it did before it failed."""
    adapter = profile.adapter()
    if adapter.capabilities.protocol != "http" or adapter.capabilities.idempotent:
        return
    (found,) = adapter.decode(profile.messages(), HttpResponse(500, {}, b"<html>"))
    assert isinstance(found, Unknown)


def test_the_reference_is_in_the_request_where_the_vendor_echoes_it(profile: Profile) -> None:
    adapter = profile.adapter()
    request = adapter.encode(profile.messages())
    if adapter.capabilities.echoes_reference:
        shown = request.url.encode() + request.body if isinstance(request, HttpRequest) else b""
        shown = shown or b"".join(str(getattr(request, f.name)).encode() for f in fields(request))
        assert profile.messages()[0].reference.encode() in shown
