"""What is special about AWS End User Messaging: the validity's bounds, and what final means."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.template.content import Text
from tests.fakes.aws import PROFILE, Fake
from tests.fakes.base import TEXT, reference
from tests.support.clock import FakeClock
from tests.support.vendor_talk import content_of, exchanged
from worker.adapters.base import Accepted, Message, Outcome, Rejected, Throttled


def encoded(message: Message, **options: Any) -> Any:
    return content_of(PROFILE, [message], **options)


def sent(fake: Fake, message: Message) -> Outcome:
    (found,) = exchanged(PROFILE, fake, [message])
    return found


def test_the_request() -> None:
    (message,) = PROFILE.messages()
    request = PROFILE.adapter(url="").encode([message])
    assert request.url == "https://sms-voice.eu-west-1.amazonaws.com/"
    assert request.headers["x-amz-target"] == "PinpointSMSVoiceV2.SendTextMessage"
    assert "/eu-west-1/sms-voice/aws4_request" in request.headers["authorization"]
    assert encoded(message, message_type="TRANSACTIONAL", max_price="0.05") == {
        "DestinationPhoneNumber": "+353861234567",
        "OriginationIdentity": "Sluice",
        "MessageBody": TEXT,
        "MessageType": "TRANSACTIONAL",
        "MaxPrice": "0.05",
        "ConfigurationSetName": "sluice",
        "Context": {"reference": reference()},
    }


@pytest.mark.parametrize(("seconds", "expected"), [(-5, 5), (3, 5), (3600, 3600), (10**6, 259_200)])
def test_the_validity_is_in_seconds_within_bounds(seconds: int, expected: int) -> None:
    until = FakeClock().now() + timedelta(seconds=seconds)
    message = replace(PROFILE.messages()[0], expires_at=until)
    assert encoded(message)["TimeToLive"] == expected


def test_what_was_taken_is_reported() -> None:
    fake = Fake()
    adapter = PROFILE.adapter()
    found = sent(fake, PROFILE.messages()[0])
    assert fake.taken == [("353861234567", TEXT)]
    (call,) = fake.reports()
    adapter.verify_report(call)
    (report,) = adapter.parse_report(call)
    assert (report.reference, report.kind) == (reference(), "delivered")
    assert found == Accepted(report.message_id)


def test_what_the_vendor_refuses() -> None:
    fake = Fake()
    (message,) = PROFILE.messages()
    wrong = sent(fake, replace(message, address="0861234567"))
    assert wrong == Rejected("CANNOT_PARSE")
    opted_out = sent(fake, replace(message, address="353861234000"))
    assert opted_out == Rejected("DESTINATION_PHONE_NUMBER_OPTED_OUT")
    fake.throttle = 1
    assert sent(fake, message) == Throttled(None, "ThrottlingException")


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError):
        encoded(replace(PROFILE.messages()[0], content=Text("x" * 1601)))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"message_type": "MARKETING"}, "message_type: "),
        ({"max_price": "much"}, "max_price: "),
        ({"topic_arn": None}, "sns_certificate: needs topic_arn"),
        ({"pool": "x"}, "pool: is not a key of the adapter 'aws'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{said}")
