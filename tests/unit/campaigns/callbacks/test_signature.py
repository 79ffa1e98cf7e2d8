"""Webhooks are signed as Standard Webhooks 1.0.0 say."""

from __future__ import annotations

import base64

import pytest

from campaigns.callbacks import signature

# The example of the reference implementations.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_published_vector() -> None:
    assert signature.sign(signature.read(SECRET), ID, TIMESTAMP, BODY) == SIGNATURE


def test_every_key_signs_while_a_secret_is_changed() -> None:
    old, new = signature.read(SECRET), signature.new_secret()
    fields = signature.headers([new, old], ID, TIMESTAMP, BODY)
    assert fields["webhook-id"] == ID
    assert fields["webhook-timestamp"] == str(TIMESTAMP)
    first, second = fields["webhook-signature"].split(" ")
    assert first == signature.sign(new, ID, TIMESTAMP, BODY) != SIGNATURE
    assert second == SIGNATURE


def test_a_new_secret_is_as_long_as_the_standard_asks_for_and_new() -> None:
    first, second = signature.new_secret(), signature.new_secret()
    assert 24 <= len(first) <= 64
    assert first != second
    assert signature.read(signature.written(first)) == first
    assert base64.b64decode(signature.written(first).removeprefix("whsec_")) == first


@pytest.mark.parametrize("text", ["whsec_%%%", "whsec_AAA"])
def test_what_is_no_secret_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be whsec_ and base64"):
        signature.read(text)
