"""What is special about Twilio: its signature, its numbers, and where the reference travels."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Text
from tests.fakes.base import reference
from tests.fakes.twilio import CALLED, PROFILE, REPORT_URL, Fake, call, error
from tests.support.clock import FakeClock
from tests.support.vendor_schemas import form_problems, problems
from worker.adapters.base import Accepted, ForgedReport, HttpRequest, Message, Throttled
from worker.adapters.reply import parse_form
from worker.adapters.twilio_signature import is_signed, sign


def form(message: Message | None = None, **options: Any) -> dict[str, str]:
    request = PROFILE.adapter(**options).encode([message or PROFILE.messages()[0]])
    return dict(parse_form(request.body))


def sent(fake: Fake, request: HttpRequest) -> Any:
    """What the fake says to a request as its server would see it."""
    return fake.handle(replace(request, url=urlsplit(request.url).path))


def test_the_signature_vector() -> None:
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+15005550006"}
    found = sign("12345", "https://example.com/myapp?foo=1&bar=2", fields.items())
    assert found == "P9MfKyNtNeacvyVwdZZgTVs1NVE="


def test_the_signature_is_over_the_sorted_fields() -> None:
    fields = [("To", "+1"), ("From", "+2"), ("Body", "x")]
    assert sign("t", "https://a.example", fields) == sign("t", "https://a.example", fields[::-1])


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("delivered", "delivered"),
        ("read", "opened"),
        ("failed", "failed"),
        ("undelivered", "failed"),
        ("canceled", "failed"),
        *((each, None) for each in ("accepted", "scheduled", "queued", "sending", "sent")),
        ("partially_delivered", None),
    ],
)
def test_only_final_states_are_reported(status: str, kind: str | None) -> None:
    request = call(CALLED, MessageSid="SM1", MessageStatus=status)
    assert [each.kind for each in PROFILE.adapter().parse_report(request)] == (
        [kind] if kind else []
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("https://a.example/r?x=1", "https://a.example:443/r?x=1"),
        ("https://a.example:8443/r?x=1", "https://a.example/r?x=1"),
        ("http://[::1]:80/r", "http://[::1]/r"),
    ],
)
def test_a_signature_over_either_spelling_of_the_port_is_good(ours: str, theirs: str) -> None:
    assert is_signed("t", ours, [], sign("t", theirs, []))
    assert not is_signed("t", ours, [], sign("t", theirs + "x", []))


def test_the_signature_holds_behind_a_proxy_that_changes_the_host() -> None:
    """Twilio signed the URL that it was given; a server behind a proxy sees another one."""
    adapter = PROFILE.adapter()
    good = call(CALLED, MessageSid="SM1", MessageStatus="delivered")
    seen = urlsplit(CALLED)
    adapter.verify_report(replace(good, url=f"{seen.path}?{seen.query}"))
    adapter.verify_report(replace(good, url=f"http://10.0.0.7:8000/x?{seen.query}"))


def test_the_query_with_the_reference_is_signed() -> None:
    good = call(CALLED, MessageSid="SM1", MessageStatus="delivered")
    other = replace(good, url=CALLED.replace(reference(), reference(1)))
    with pytest.raises(ForgedReport):
        PROFILE.adapter().verify_report(other)


def test_the_reference_joins_what_the_report_url_holds_already() -> None:
    assert form()["StatusCallback"] == CALLED
    assert parse_qs(urlsplit(form()["StatusCallback"]).query) == {
        "tenant": ["a b"],
        "reference": [reference()],
    }


def test_without_a_report_url_there_are_no_reports() -> None:
    """Their absence must not be taken for a failure."""
    options = {key: value for key, value in PROFILE.options.items() if key != "report_url"}
    profile = replace(PROFILE, options=options)
    capabilities = profile.adapter().capabilities
    assert not capabilities.reports
    assert not capabilities.echoes_reference
    assert capabilities.report_proof is None
    assert b"StatusCallback" not in profile.adapter().encode(profile.messages()).body


@pytest.mark.parametrize(
    ("sender", "field", "value"),
    [
        ("353861234567", "From", "+353861234567"),
        ("+353861234567", "From", "+353861234567"),
        ("50123", "From", "50123"),
        ("Sluice", "From", "Sluice"),
        ("MG" + "a" * 32, "MessagingServiceSid", "MG" + "a" * 32),
    ],
)
def test_senders(sender: str, field: str, value: str) -> None:
    found = form(replace(PROFILE.messages()[0], sender=sender))
    assert {key: found[key] for key in ("From", "MessagingServiceSid") if key in found} == {
        field: value
    }


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "1"), (0.2, "1"), (90, "90"), (36_000, "36000"), (36_001, "36000"), (9e6, "36000")],
)
def test_the_validity_stays_in_its_bounds(seconds: float, expected: str) -> None:
    expires_at = FakeClock().now() + timedelta(seconds=seconds)
    assert form(replace(PROFILE.messages()[0], expires_at=expires_at))["ValidityPeriod"] == expected


def test_a_message_that_does_not_expire_has_no_validity() -> None:
    assert "ValidityPeriod" not in form()


def test_the_accounts_own_address_is_twilios() -> None:
    request = PROFILE.adapter(url="").encode(PROFILE.messages())
    assert request.url == (
        f"https://api.twilio.com/2010-04-01/Accounts/{PROFILE.options['account_sid']}/Messages.json"
    )


def test_requests_and_the_fakes_answers_are_of_the_published_form() -> None:
    message = PROFILE.messages()[0]
    expiring = replace(message, expires_at=FakeClock().now() + timedelta(days=9))
    service = replace(message, sender="MG" + "aB" * 16)
    for each in (message, expiring, service):
        assert form_problems("twilio", "request", form(each)) == []
    assert form_problems("twilio", "request", {"Too": "+1", "ValidityPeriod": "36001"}) != []
    said = sent(Fake(), PROFILE.adapter().encode([message]))
    assert problems("twilio", "response", json.loads(said.body)) == []


def test_a_whole_conversation_with_its_fake() -> None:
    fake, adapter = Fake(), PROFILE.adapter()
    messages = PROFILE.messages(3)
    texts = ["Dear Mary & Joe = 100% + €", "x" * 400, "Zażółć"]
    for message, text in zip(messages, texts, strict=True):
        said = sent(fake, adapter.encode([replace(message, content=Text(text))]))
        (outcome,) = adapter.decode([message], said)
        assert isinstance(outcome, Accepted)
        assert len(outcome.message_ids) == 1
    assert fake.taken == [(f"+{m.address}", t) for m, t in zip(messages, texts, strict=True)]
    found = []
    for request in fake.reports():
        adapter.verify_report(request)
        found += adapter.parse_report(request)
    assert [(each.reference, each.kind) for each in found] == [
        (message.reference, "delivered") for message in messages
    ]
    assert fake.reports() == []


def test_the_fake_refuses_as_twilio_does() -> None:
    fake, adapter = Fake(), PROFILE.adapter()
    message = PROFILE.messages()[0]
    stranger = PROFILE.adapter(auth_token="another")

    def codes(request: HttpRequest) -> Any:
        (outcome,) = adapter.decode([message], sent(fake, request))
        return getattr(outcome, "code", None)

    assert codes(stranger.encode([message])) == "20003"
    assert codes(adapter.encode([replace(message, address="12")])) == "21211"
    assert codes(adapter.encode([replace(message, content=Text(""))])) == "21602"
    assert codes(adapter.encode([replace(message, content=Text("x" * 1601))])) == "21617"
    assert codes(adapter.encode([replace(message, sender="")])) == "21603"
    fake.next_error = error(429, 20429)
    (slow,) = adapter.decode([message], sent(fake, adapter.encode([message])))
    assert slow == Throttled(code="20429")
    assert fake.taken == []


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"account_sid": "me"}, "account_sid"),
        ({"auth_token": "env:NO_SUCH_VARIABLE"}, "auth_token"),
        ({"report_url": "http://example.com/reports"}, "report_url"),
        ({"sid": "AC1"}, "sid"),
    ],
)
def test_a_mistake_in_the_file_is_named(options: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"^providers\.carrier\.{key}: .*\.$"):
        PROFILE.adapter(**options)


def test_the_profile_reports_to_where_it_says() -> None:
    assert urlsplit(CALLED).path == urlsplit(REPORT_URL).path
