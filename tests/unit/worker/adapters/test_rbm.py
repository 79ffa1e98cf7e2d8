"""What is special about RCS: an id of our own, a token beforehand, cards, and events in base64."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, Mail, Suggestion, Text
from tests.fakes.base import SECRET, answer, reference
from tests.fakes.rbm import (
    AGENT,
    EMAIL,
    ID,
    KEY,
    PROFILE,
    SCOPE,
    Fake,
    event,
    push,
    service_account,
)
from tests.support.clock import FakeClock
from tests.support.vendor_schemas import problems
from worker.adapters.authorizing import Authorizer
from worker.adapters.base import (
    Accepted,
    Blocked,
    ForgedReport,
    HttpRequest,
    HttpResponse,
    Message,
    Outcome,
    Rejected,
    Throttled,
)

PICTURE = "https://shop.example/sale.jpg"
SHOP = Suggestion("Shop now", "https://shop.example/")
CARD = Card("Everything must go", PICTURE, (SHOP, Suggestion("No")), title="Sale")


def message(content: Content, number: str = "353861234567", **more: Any) -> Message:
    return Message(reference(), number, "Sluice", content, **more)


def encoded(content: Content, **more: Any) -> dict[str, Any]:
    request = PROFILE.adapter(**more).encode([message(content)])
    found: dict[str, Any] = json.loads(request.body)
    return found


def carried(fake: Fake, request: HttpRequest, fields: Mapping[str, str]) -> HttpResponse:
    path = request.url.removeprefix(PROFILE.url)
    headers = {**request.headers, **fields}
    return fake.handle(replace(request, url=path, headers=headers))


def token(fake: Fake, **more: Any) -> str:
    adapter = PROFILE.adapter(**more)
    assert isinstance(adapter, Authorizer)
    return adapter.decode_token(carried(fake, adapter.token_request(), {})).value


def exchange(fake: Fake, one: Message, **more: Any) -> Outcome:
    adapter = PROFILE.adapter(**more)
    request = adapter.encode([one])
    assert "authorization" not in request.headers
    fields = {"authorization": f"Bearer {token(fake)}"}
    (found,) = adapter.decode([one], carried(fake, request, fields))
    return found


def test_a_text() -> None:
    request = PROFILE.adapter(url="").encode([message(Text("Hello"))])
    assert request.url == (
        "https://rcsbusinessmessaging.googleapis.com/v1/phones/+353861234567/agentMessages"
        f"?messageId={ID}&agentId={AGENT}"
    )
    assert json.loads(request.body) == {
        "contentMessage": {"text": "Hello"},
        "messageTrafficType": "PROMOTION",
    }


def test_the_message_id_is_a_uuid_of_the_reference_for_ever() -> None:
    """This one is in Google's memory: with another, a message that is sent again arrives twice."""
    assert reference() == "17-0-aaaaaaaaaaaaa"
    assert ID == "a4a95f73-2580-5f7a-9c99-10d021159729"
    assert UUID(ID).version == 5


def test_a_message_that_is_sent_again_arrives_once() -> None:
    fake = Fake()
    assert PROFILE.adapter(in_doubt="resend").capabilities.idempotent
    assert exchange(fake, message(Text("Hello"))) == Accepted(ID)
    assert exchange(fake, message(Text("Hello"))) == Accepted(ID)
    assert fake.taken == [("353861234567", "Hello")]


@pytest.mark.parametrize(
    ("seconds", "ttl"),
    [(0.3, "1s"), (3600.9, "3600s"), (15 * 86400, "1296000s"), (1e7, "1296000s")],
)
def test_the_validity_in_seconds_up_to_fifteen_days(seconds: float, ttl: str) -> None:
    clock = FakeClock()
    expires_at = clock.now() + timedelta(seconds=seconds)
    request = PROFILE.adapter(clock).encode([message(Text("Hello"), expires_at=expires_at)])
    assert json.loads(request.body)["ttl"] == ttl


def test_a_card() -> None:
    assert encoded(CARD, traffic_type="TRANSACTION") == {
        "messageTrafficType": "TRANSACTION",
        "contentMessage": {
            "richCard": {
                "standaloneCard": {
                    "cardOrientation": "VERTICAL",
                    "cardContent": {
                        "title": "Sale",
                        "description": "Everything must go",
                        "media": {"height": "MEDIUM", "contentInfo": {"fileUrl": PICTURE}},
                        "suggestions": [
                            {
                                "action": {
                                    "text": "Shop now",
                                    "postbackData": "Shop now",
                                    "openUrlAction": {"url": "https://shop.example/"},
                                }
                            },
                            {"reply": {"text": "No", "postbackData": "No"}},
                        ],
                    },
                }
            }
        },
    }


def test_a_card_of_a_text_and_suggestions_is_a_text_with_chips() -> None:
    content = encoded(Card("Coming?", None, (Suggestion("Yes"),)))["contentMessage"]
    chip = {"reply": {"text": "Yes", "postbackData": "Yes"}}
    assert content == {"text": "Coming?", "suggestions": [chip]}


def test_more_suggestions_than_a_card_holds_are_chips() -> None:
    four, five = (encoded(Card("Hi", PICTURE, (SHOP,) * n))["contentMessage"] for n in (4, 5))
    assert "suggestions" not in four
    assert len(five["suggestions"]) == 5
    assert "suggestions" not in five["richCard"]["standaloneCard"]["cardContent"]


CONTENTS = [
    Text("Hello"),
    CARD,
    Card("Hello"),
    Card("", PICTURE),
    Card("Hi", PICTURE, (SHOP,) * 11),
    Card("Hi", None, (Suggestion("x" * 25),) * 11),
]


@pytest.mark.parametrize("content", CONTENTS)
def test_what_is_encoded_is_in_googles_form(content: Content) -> None:
    assert problems("rbm", "request", encoded(content)) == []


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (Text("x" * 3073), "the text is longer than 3072"),
        (Card("x" * 2001, PICTURE), "the text of the card is longer than 2000"),
        (Card("x", PICTURE, title="x" * 201), "the title is longer than 200"),
        (Card("x", None, (Suggestion("x" * 26),)), "the text of a suggestion is longer than 25"),
        (Card("x", PICTURE, (SHOP,) * 12), "up to 11 suggestions"),
        (Mail("Hello"), "texts and cards only"),
    ],
)
def test_what_rcs_does_not_carry_is_refused(content: Content, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        encoded(content)


@pytest.mark.parametrize("content", CONTENTS)
def test_the_agent_takes_what_is_encoded_and_reports_on_it(content: Content) -> None:
    fake = Fake()
    fake.off.add("353861234568")
    assert exchange(fake, message(content)) == Accepted(ID)
    late = replace(message(content, "353861234568"), reference=reference(1))
    assert isinstance(exchange(fake, late), Accepted)
    adapter = PROFILE.adapter()
    found = []
    for call in fake.reports():
        adapter.verify_report(call)
        found += adapter.parse_report(call)
    assert [each.kind for each in found] == ["opened", "delivered", "failed"]
    assert [each.message_id == ID for each in found] == [True, True, False]


def test_what_the_agent_refuses() -> None:
    fake = Fake()
    fake.too_many = 1
    fake.without_rcs.add("353861234568")
    assert exchange(fake, message(Text("Hi"))) == Throttled(None, "RESOURCE_EXHAUSTED")
    assert exchange(fake, message(Text("Hi"), "353861234568")) == Rejected("NOT_FOUND")
    assert exchange(fake, message(Text("Hi")), agent_id="other") == Blocked("PERMISSION_DENIED")
    unsigned = carried(fake, PROFILE.adapter().encode([message(Text("Hi"))]), {})
    assert PROFILE.adapter().decode([message(Text("Hi"))], unsigned) == [Blocked("UNAUTHENTICATED")]
    assert fake.taken == []


def test_the_request_for_a_token() -> None:
    clock = FakeClock()
    adapter = PROFILE.adapter(clock)
    assert isinstance(adapter, Authorizer)
    request = adapter.token_request()
    assert (request.method, request.url) == ("POST", f"{PROFILE.url}/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    (assertion,) = form["assertion"]
    now = int(clock.now().timestamp())
    checks = {"verify_exp": False, "verify_iat": False}
    claims = jwt.decode(
        assertion, KEY.public_key(), ["RS256"], options=checks, audience=f"{PROFILE.url}/token"
    )
    assert claims == {
        "iss": EMAIL,
        "scope": SCOPE,
        "aud": f"{PROFILE.url}/token",
        "iat": now,
        "exp": now + 3600,
    }
    assert jwt.get_unverified_header(assertion)["kid"] == f"key-{SECRET}"


def test_where_tokens_are_had() -> None:
    def host(**more: Any) -> str | None:
        adapter = PROFILE.adapter(**more)
        assert isinstance(adapter, Authorizer)
        return urlsplit(adapter.token_request().url).hostname

    without = json.loads(service_account())
    del without["token_uri"]
    assert host(service_account=json.dumps(without)) == "oauth2.googleapis.com"
    assert host(token_url="https://tokens.example/") == "tokens.example"


def test_the_token_in_an_answer() -> None:
    adapter = PROFILE.adapter()
    assert isinstance(adapter, Authorizer)
    found = adapter.decode_token(answer(200, {"access_token": "ya29.a", "expires_in": 3599}))
    assert (found.value, found.seconds) == ("ya29.a", 3599.0)
    assert "ya29" not in repr(found)


@pytest.mark.parametrize(
    ("response", "code"),
    [
        (answer(400, {"error": "invalid_grant", "error_description": EMAIL}), "invalid_grant"),
        (answer(400, {"error": f"no account {EMAIL}"}), "token_http_400"),
        (answer(200, {"access_token": "a\r\nb", "expires_in": 9}), "token_http_200"),
        (answer(200, {"access_token": 7}), "token_http_200"),
        (answer(200, {"access_token": "x" * 8193}), "token_http_200"),
        (answer(503, b"[" * 100_000), "token_http_503"),
    ],
)
def test_an_answer_without_a_token(response: HttpResponse, code: str) -> None:
    adapter = PROFILE.adapter()
    assert isinstance(adapter, Authorizer)
    with pytest.raises(ValueError, match=f"^{code}$"):
        adapter.decode_token(response)


@pytest.mark.parametrize("seconds", [None, "3599", True, -1, 1e300, float("nan")])
def test_a_token_without_a_sane_life_has_none(seconds: Any) -> None:
    adapter = PROFILE.adapter()
    assert isinstance(adapter, Authorizer)
    found = adapter.decode_token(answer(200, {"access_token": "a", "expires_in": seconds}))
    assert found.seconds == 0.0


def test_other_events_hold_no_report() -> None:
    adapter = PROFILE.adapter()
    for word in ("IS_TYPING", "SUBSCRIBE", "TTL_EXPIRATION_REVOKE_FAILED"):
        assert adapter.parse_report(push(event(word, ID))) == []
    assert adapter.parse_report(push({"text": "Hi", "messageId": "x"})) == []


def test_the_signature_is_of_the_event_and_nothing_else() -> None:
    """HMAC-SHA512 of ``{}`` with the key ``key``, computed with openssl."""
    signature = (
        "Vfq9qhgscO4gaxIU1E41DJlHed/DQkGyhtxtPxKizXD2ueV/GdZhqG2EhgSHRLoYwP6PgheDB1+QibWF5e3XKQ=="
    )
    adapter = PROFILE.adapter(client_token="key")
    for body in (b'{"message": {"data": "e30="}}', b'{"message": {"data": "e30=", "x": 1}}'):
        adapter.verify_report(HttpRequest("POST", "/", {"x-goog-signature": signature}, body))


def test_without_a_client_token_there_are_no_reports() -> None:
    adapter = PROFILE.adapter(client_token=None)
    assert not adapter.capabilities.reports
    with pytest.raises(ForgedReport):
        adapter.verify_report(push(event("DELIVERED", ID), client_token=""))


def ec_key() -> str:
    key = generate_ec_key(SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"service_account": f"{SECRET}"}, "service_account: must be the JSON key of a service"),
        ({"service_account": '{"client_email": 1}'}, "service_account: must be the JSON key"),
        (
            {"service_account": service_account(private_key=SECRET)},
            "service_account: its private_key must be a key in the form of PEM.",
        ),
        (
            {"service_account": service_account(private_key=ec_key())},
            "service_account: its private_key must be an RSA key.",
        ),
        (
            {"service_account": service_account(token_uri="http://tokens.example")},
            "service_account: its token_uri must begin with https.",
        ),
        ({"token_url": "http://tokens.example/"}, "token_url: must begin with https."),
        ({"agent_id": "a b"}, "agent_id: "),
        ({"traffic_type": "SPAM"}, "traffic_type: "),
        ({"token": "x"}, "token: is not a key of the adapter 'rbm'."),
    ],
)
def test_a_wrong_key_is_named(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{sentence}")
    assert SECRET not in str(caught.value)
