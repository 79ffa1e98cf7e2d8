"""What is special about HORISEN: one id for many parts, credentials in the body, no signature."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.run.events import Event, fold, report_key
from campaigns.template.content import Text
from tests.fakes.base import SECRET, reference
from tests.fakes.horisen import NOW, PASSWORD, PROFILE, REPORT_URL, USERNAME, Fake, report
from tests.support.clock import FakeClock
from worker.adapters.base import Accepted, HttpRequest, Message, Throttled


def body(message: Message | None = None, **options: Any) -> Any:
    return json.loads(PROFILE.adapter(**options).encode([message or PROFILE.messages()[0]]).body)


def sent(fake: Fake, request: HttpRequest) -> Any:
    return fake.handle(replace(request, url="/bulk_server"))


def test_the_request() -> None:
    message = PROFILE.messages()[0]
    assert body() == {
        "type": "text",
        "auth": {"username": USERNAME, "password": PASSWORD},
        "sender": "Sluice",
        "receiver": message.address,
        "dcs": "gsm",
        "text": message.text,
        "flash": False,
        "dlrMask": 19,
        "dlrUrl": REPORT_URL,
        "custom": {"reference": reference()},
    }


def test_without_a_report_url_no_reports_are_asked_for() -> None:
    options = {key: value for key, value in PROFILE.options.items() if key != "report_url"}
    profile = replace(PROFILE, options=options)
    assert not profile.adapter().capabilities.reports
    content = json.loads(profile.adapter().encode(profile.messages()).body)
    assert content["dlrMask"] == 0
    assert "dlrUrl" not in content


@pytest.mark.parametrize(("text", "dcs"), [("Hello @ 3 €", "gsm"), ("Zażółć", "ucs")])
def test_the_coding_follows_the_alphabet(text: str, dcs: str) -> None:
    assert body(replace(PROFILE.messages()[0], content=Text(text)))["dcs"] == dcs


def test_there_is_no_field_for_the_expiry() -> None:
    expiring = replace(PROFILE.messages()[0], expires_at=FakeClock().now() + timedelta(hours=1))
    assert body(expiring) == body()
    assert PROFILE.adapter().capabilities.validity is None


def test_nothing_is_proven_so_calls_must_be_told_by_where_they_come_from() -> None:
    adapter = PROFILE.adapter()
    assert adapter.capabilities.report_proof is None
    adapter.verify_report(replace(report("DELIVERED"), headers={}))


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ("DELIVERED", "delivered"),
        *((each, "failed") for each in ("UNDELIVERED", "REJECTED", "EXPIRED", "UNKNOWN")),
        ("BUFFERED", None),
        ("SENT_TO_SMSC", None),
    ],
)
def test_only_final_events_are_reported(event: str, kind: str | None) -> None:
    found = PROFILE.adapter().parse_report(report(event))
    assert [each.kind for each in found] == ([kind] if kind else [])


@pytest.mark.parametrize("moment", [None, "soon", True, -1, 10**30, 4.5])
def test_a_moment_that_is_none_is_left_out(moment: Any) -> None:
    (found,) = PROFILE.adapter().parse_report(report("DELIVERED", dlrTime=moment))
    assert found.at is None


@pytest.mark.parametrize("first_part", [0, 1])
def test_a_whole_conversation_with_its_fake(first_part: int) -> None:
    """Every part that was accepted is reported under the id that it was accepted with."""
    fake, adapter = Fake(first_part), PROFILE.adapter()
    messages = PROFILE.messages(3)
    texts = ['Dear "Mary" & Joe = 100% + €', "x" * 400, "Zażółć gęślą jaźń " * 5]
    histories: dict[str | None, list[Event]] = {}
    for message, text in zip(messages, texts, strict=True):
        said = sent(fake, adapter.encode([replace(message, content=Text(text))]))
        (outcome,) = adapter.decode([message], said)
        assert isinstance(outcome, Accepted)
        histories[message.reference] = [
            Event("submitted", "s", NOW, message_ids=outcome.message_ids)
        ]
    assert [len(each[0].message_ids) for each in histories.values()] == [1, 3, 2]
    assert fake.taken == [(m.address, t) for m, t in zip(messages, texts, strict=True)]
    for call in fake.reports():
        adapter.verify_report(call)
        for each in adapter.parse_report(call):
            key = report_key(each.message_id, part=each.part)
            histories[each.reference].append(
                Event(each.kind, key, NOW, message_ids=(each.message_id or "",))
            )
    assert [len(each) for each in histories.values()] == [2, 4, 3]
    for history in histories.values():
        assert fold(history).report == "delivered"
        if len(history) > 2:
            assert fold(history[:-1]).report is None


def test_the_fake_refuses_as_horisen_does() -> None:
    fake, adapter = Fake(), PROFILE.adapter()
    message = PROFILE.messages()[0]

    def code(request: HttpRequest) -> Any:
        (outcome,) = adapter.decode([message], sent(fake, request))
        return getattr(outcome, "code", None)

    assert code(PROFILE.adapter(password="another").encode([message])) == "103"
    assert code(adapter.encode([replace(message, content=Text(""))])) == "110"
    assert code(adapter.encode([replace(message, address="12")])) == "112"
    assert code(adapter.encode([replace(message, sender="A name too long")])) == "107"
    fake.next_error = "105"
    (slow,) = adapter.decode([message], sent(fake, adapter.encode([message])))
    assert slow == Throttled(code="105")
    assert fake.taken == []
    assert fake.reports() == []


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"url": ""}, "url"),
        ({"username": ""}, "username"),
        ({"password": "env:NO_SUCH_VARIABLE"}, "password"),
        ({"report_url": "http://example.com/reports"}, "report_url"),
        ({"token": SECRET}, "token"),
    ],
)
def test_a_mistake_in_the_file_is_named(options: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^providers\.carrier\.{key}: .*\.$") as caught:
        PROFILE.adapter(**options)
    assert SECRET not in str(caught.value)
