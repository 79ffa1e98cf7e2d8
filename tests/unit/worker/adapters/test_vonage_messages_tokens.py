"""The credentials of Vonage's Messages API, and the tokens on both sides."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from campaigns.errors import ConfigurationError
from tests.fakes.base import SECRET, Profile
from tests.fakes.vonage_messages import (
    APPLICATION,
    DELIVERED,
    NOW,
    PROFILE,
    Fake,
    token,
)
from tests.support.clock import FakeClock
from tests.support.vendor_talk import carried
from worker.adapters.base import ForgedReport

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

BY_TOKEN = replace(PROFILE, options={"application_id": APPLICATION, "private_key": PEM})


def test_requests_of_an_application_carry_its_token() -> None:
    clock = FakeClock()
    adapter = BY_TOKEN.adapter(clock)
    fake = Fake(KEY.public_key())
    for _ in range(5):
        said = fake.handle(carried(adapter.encode(BY_TOKEN.messages())))
        assert said.status == 202
        clock.advance(250)
        fake.now = clock.now()
    # The fake's clock is behind then.
    clock.advance(4000)
    assert fake.handle(carried(adapter.encode(BY_TOKEN.messages()))).status == 401
    assert Fake().handle(carried(adapter.encode(BY_TOKEN.messages()))).status == 401


def test_the_same_moment_gives_the_same_token() -> None:
    """A request can be made again, and a signature costs as much as the rest of the request."""
    clock = FakeClock()
    first = BY_TOKEN.adapter(clock).encode(BY_TOKEN.messages())
    assert BY_TOKEN.adapter(clock).encode(BY_TOKEN.messages()) == first
    adapter = BY_TOKEN.adapter(clock)
    seen = set()
    for _ in range(20):
        seen.add(adapter.encode(BY_TOKEN.messages()).headers["authorization"])
        clock.advance(60)
    assert len(seen) == 2
    for each in seen:
        claims = jwt.decode(each.removeprefix("Bearer "), options={"verify_signature": False})
        assert claims["exp"] - claims["iat"] == 1200


def test_a_private_key_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    adapter = BY_TOKEN.adapter(private_key=f"file:{tmp_path / 'key.pem'}")
    assert adapter.encode(BY_TOKEN.messages()) == BY_TOKEN.adapter().encode(BY_TOKEN.messages())


def test_a_report_that_was_repeated_for_a_day_is_good() -> None:
    """That is for how long Vonage repeats a call that we did not answer."""
    day_old = token(DELIVERED.body, NOW - timedelta(hours=24))
    PROFILE.adapter().verify_report(
        replace(DELIVERED, headers={"authorization": f"Bearer {day_old}"})
    )


def test_a_token_of_another_algorithm_is_refused() -> None:
    """Else the public half of a key pair would do as a secret (RFC 8725, section 2.1)."""
    claims = jwt.decode(
        DELIVERED.headers["authorization"].removeprefix("Bearer "),
        options={"verify_signature": False},
    )
    for algorithm, key in (("HS512", PROFILE.options["signature_secret"]), ("RS256", KEY)):
        other = jwt.encode(claims, key, algorithm=algorithm)
        with pytest.raises(ForgedReport):
            PROFILE.adapter().verify_report(
                replace(DELIVERED, headers={"authorization": f"Bearer {other}"})
            )


def test_without_a_signature_secret_nothing_is_proven_and_nothing_refused() -> None:
    options = {k: v for k, v in PROFILE.options.items() if k != "signature_secret"}
    adapter = replace(PROFILE, options=options).adapter()
    assert adapter.capabilities.report_proof is None
    adapter.verify_report(replace(DELIVERED, headers={}))


EC_PEM = (
    ec.generate_private_key(ec.SECP256R1())
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)
LOCKED_PEM = KEY.private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(SECRET.encode())
).decode()


@pytest.mark.parametrize(
    ("profile", "options", "rule"),
    [
        (PROFILE, {"api_key": "a:b"}, r"\.api_key: "),
        (PROFILE, {"api_secret": "env:NO_SUCH_VARIABLE"}, r"\.api_secret: "),
        (PROFILE, {"report_url": "http://example.com/r"}, r"\.report_url: must begin with https"),
        (PROFILE, {"report_url": None}, r"\.signature_secret: proves reports"),
        (PROFILE, {"category": "spam"}, r"\.category: "),
        (PROFILE, {"category": "promotion"}, r"\.category: is for the channel 'viber'"),
        (PROFILE, {"application_id": APPLICATION}, ": needs application_id and private_key, or "),
        (PROFILE, {"api_key": None}, ": needs application_id and private_key, or "),
        (BY_TOKEN, {"api_key": "abcd1234"}, ": needs application_id and private_key, or "),
        (BY_TOKEN, {"private_key": None}, ": needs application_id and private_key, or "),
        (BY_TOKEN, {"application_id": "mine"}, r"\.application_id: "),
        (BY_TOKEN, {"private_key": SECRET}, r"\.private_key: must be the PEM of an RSA key"),
        (BY_TOKEN, {"private_key": EC_PEM}, r"\.private_key: must be the PEM of an RSA key"),
        (BY_TOKEN, {"private_key": LOCKED_PEM}, r"\.private_key: must be the PEM of an RSA key"),
        (BY_TOKEN, {"token": SECRET}, r"\.token: "),
    ],
)
def test_a_mistake_in_the_file_is_named(
    profile: Profile, options: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ConfigurationError, match=rf"^providers\.carrier{rule}.*\.$") as caught:
        profile.adapter(**options)
    assert SECRET not in str(caught.value)
    assert "PRIVATE" not in str(caught.value)
