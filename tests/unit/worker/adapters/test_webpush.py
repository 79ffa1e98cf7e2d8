"""What is special about Web Push: encryption, proof of who sends, and endpoints of strangers."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.template.content import Card, Content, Push, Text
from tests.fakes.webpush import (
    AUTH,
    BROWSER_KEY,
    KEYS,
    ORIGIN,
    PROFILE,
    VAPID_KEY,
    Fake,
    base64url,
    decrypted,
    key,
    pem,
    point,
    unbase64url,
)
from tests.support.clock import FakeClock
from tests.support.webpush import PUSH, adapter, exchange, message
from worker.adapters.base import Accepted, HttpRequest, Message
from worker.adapters.webpush import SERVICES
from worker.adapters.webpush_message import LONGEST_PLAINTEXT, encrypted
from worker.adapters.webpush_vapid import TURN, read_key


def encoded(content: Content, **options: Any) -> HttpRequest:
    return adapter(**options).encode([message(content)])


def shown(request: HttpRequest) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(decrypted(request.body, BROWSER_KEY, AUTH))
    return found


def claims(request: HttpRequest, audience: str) -> dict[str, Any]:
    token = re.fullmatch(r"vapid t=([^,]+), k=.+", request.headers["authorization"])
    assert token is not None
    options = jwt.types.Options(verify_exp=False)
    found: dict[str, Any] = jwt.decode(
        token[1], VAPID_KEY.public_key(), ["ES256"], options, audience=audience
    )
    return found


def test_the_vector_of_rfc_8291() -> None:
    """Appendix A."""
    sender = key(int.from_bytes(unbase64url("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big"))
    receiver = {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx"
        "aOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    }
    text = b"When I grow up, I want to be a watermelon"
    salt = unbase64url("DGv6ra1nlYgDCS1FRnbzlw")
    assert base64url(encrypted(text, receiver, salt=salt, sender_key=sender)) == (
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(st.binary(max_size=LONGEST_PLAINTEXT))
def test_only_its_browser_reads_it_and_every_service_takes_it(plaintext: bytes) -> None:
    body = encrypted(plaintext, KEYS)
    assert decrypted(body, BROWSER_KEY, AUTH) == plaintext
    assert len(body) == len(plaintext) + 103 <= 4096
    with pytest.raises(InvalidTag):
        decrypted(body, BROWSER_KEY, bytes(16))
    with pytest.raises(InvalidTag):
        decrypted(body, VAPID_KEY, AUTH)


def test_no_two_messages_share_their_key() -> None:
    first, second = encrypted(b"same", KEYS), encrypted(b"same", KEYS)
    assert first[:16] != second[:16]
    assert first[21:86] != second[21:86]


def test_a_notification_is_what_safari_shows_by_itself() -> None:
    request = encoded(PUSH)
    assert shown(request) == {
        "web_push": 8030,
        "notification": {
            "title": "Sale",
            "body": "Everything must go",
            "icon": "https://shop.example/icon.png",
            "image": "https://shop.example/sale.jpg",
            "navigate": "https://shop.example/",
        },
    }
    assert request.headers["content-type"] == "application/notification+json"
    assert (request.headers["urgency"], request.headers["topic"]) == ("high", "sale-2030")


def test_a_text_has_the_sender_as_its_title() -> None:
    request = encoded(Text("Hello"))
    assert shown(request)["notification"] == {"title": "Sluice", "body": "Hello"}
    assert request.headers["content-type"] == "application/json"
    assert not {"urgency", "topic"} & set(request.headers)


@pytest.mark.parametrize("char", ["a", "ü", "😀"])
def test_the_bound_counts_bytes_of_the_whole_notification(char: str) -> None:
    around = len(b'{"web_push":8030,"notification":{"title":"","body":""}}')
    room = LONGEST_PLAINTEXT - around - 1
    most = char * (room // len(char.encode()))
    fake = Fake()
    assert isinstance(exchange(fake, message(Push("t", most))), Accepted)
    assert fake.shown[-1]["body"] == most
    with pytest.raises(ValueError, match="bytes; at most 3993 are allowed"):
        encoded(Push("t", most + char))


@pytest.mark.parametrize("topic", ["", "a" * 33, "with space", "sale/1", "größe", "a\n"])
def test_a_topic_that_the_protocol_does_not_allow_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="topic"):
        encoded(replace(PUSH, topic=topic))


@pytest.mark.parametrize(
    ("left", "ttl"),
    [(None, 2_419_200), (-5, 1), (0.5, 1), (3600, 3600), (86_400 * 28 + 1, 2_419_200)],
)
def test_the_validity_is_always_told_and_never_zero_or_more_than_four_weeks(
    left: float | None, ttl: int
) -> None:
    until = None if left is None else FakeClock().now() + timedelta(seconds=left)
    request = adapter().encode([message(PUSH, expires_at=until)])
    assert request.headers["ttl"] == str(ttl)


@pytest.mark.parametrize(
    ("one", "rule"),
    [
        (message(Card("a card")), "texts and push"),
        (message(PUSH, address_keys={}), "keys p256dh and auth"),
        (message(PUSH, address_keys={"p256dh": KEYS["p256dh"]}), "keys p256dh and auth"),
        (message(PUSH, address_keys={**KEYS, "p256dh": base64url(b"\4" * 65)}), "."),
        (message(PUSH, "http://push.example.com/w/a1"), "https"),
        (message(PUSH, "https://user:word@push.example.com/w/a1"), "https"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_naming_the_endpoint(
    one: Message, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule) as refused:
        adapter().encode([one])
    assert "/w/a1" not in str(refused.value)


def test_without_a_relay_it_goes_to_the_endpoint_itself() -> None:
    direct = adapter(url="")
    request = direct.encode([message(PUSH, "https://push.example.com:8443/w/a1?b=c%2Fd")])
    assert request.url == "https://push.example.com:8443/w/a1?b=c%2Fd"
    assert direct.capabilities.trusted_hosts == {*SERVICES, "push.example.com"}
    assert adapter().capabilities.trusted_hosts is None
    assert encoded(PUSH).url == f"{PROFILE.url}/w/a1"


@pytest.mark.parametrize(
    ("endpoint", "origin"),
    [
        ("https://push.example.com/w/a1", "https://push.example.com"),
        ("https://push.example.com:443/w/a1", "https://push.example.com"),
        ("https://push.example.com:8443/w/a1", "https://push.example.com:8443"),
        ("https://[2001:db8::1]/w/a1", "https://[2001:db8::1]"),
    ],
)
def test_the_token_is_for_the_origin_of_the_endpoint(endpoint: str, origin: str) -> None:
    request = adapter().encode([message(PUSH, endpoint)])
    now = FakeClock().now().timestamp()
    found = claims(request, origin)
    assert found["sub"] == "mailto:ops@example.com"
    assert TURN <= found["exp"] - now <= 86_400


def test_a_token_is_kept_for_half_of_its_time_and_per_service() -> None:
    clock = FakeClock()
    sender = adapter(clock)

    def token(address: str = f"{ORIGIN}/w/a1") -> str:
        return sender.encode([message(PUSH, address)]).headers["authorization"]

    first = token()
    clock.advance(TURN - 1)
    assert token() == token(f"{ORIGIN}/w/b2") == first
    left = claims(sender.encode([message(PUSH)]), ORIGIN)["exp"] - clock.now().timestamp()
    assert left > TURN
    assert token("https://fcm.googleapis.com/fcm/send/x") != first
    clock.advance(1)
    assert token() != first


def test_strangers_cannot_fill_the_memory_with_tokens() -> None:
    sender = adapter()
    for number in range(1000):
        sender.encode([message(PUSH, f"https://p{number}.example.com/x")])
    assert len(sender._tokens._kept) <= 256


@pytest.mark.parametrize(
    "written",
    [
        pem(VAPID_KEY),
        base64url((2**200 + 7).to_bytes(32, "big")),
        base64url((2**200 + 7).to_bytes(32, "big")) + "=",
        base64url(VAPID_KEY.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
    ],
)
def test_the_key_may_be_written_as_the_usual_tools_do(written: str) -> None:
    assert point(read_key(written)) == point(VAPID_KEY)


def rsa_key() -> str:
    private = rsa.generate_private_key(65537, 2048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"vapid_private_key": "no key"}, "vapid_private_key: must be a private key on the curve"),
        ({"vapid_private_key": rsa_key()}, "vapid_private_key: must be a private key on the curve"),
        ({"vapid_private_key": "A" * 43}, "vapid_private_key: must be a private key on the curve"),
        ({"vapid_subject": "ops@example.com"}, "vapid_subject: must be mailto: with an address"),
        ({"vapid_subject": "mailto:ops@localhost"}, "vapid_subject: must be mailto:"),
        ({"services": ["https://push.example.com"]}, "services.0: must be a host such as"),
        ({"key": "x"}, "key: is not a key of the adapter 'webpush'"),
        ({"url": "push.example.com"}, "url: must be an absolute URL"),
    ],
)
def test_bad_options_are_refused_by_name(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        adapter(**options)
    assert str(refused.value).startswith(f"providers.carrier.{sentence}")
    assert "PRIVATE KEY" not in str(refused.value)
