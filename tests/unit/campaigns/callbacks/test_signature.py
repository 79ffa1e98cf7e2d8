"""Webhooks are signed as Standard Webhooks 1.0.0 say."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from campaigns.callbacks import signature
from tests.support.repository import ROOT

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


def test_receivers_can_verify_as_the_page_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    page = (ROOT / "docs" / "callbacks.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    monkeypatch.setattr(names["time"], "time", lambda: TIMESTAMP + 60)
    keys = [signature.new_secret(), signature.read(SECRET)]
    fields = signature.headers(keys, ID, TIMESTAMP, BODY)
    assert names["is_genuine"](SECRET, fields, BODY)
    assert names["is_genuine"](signature.written(keys[0]), fields, BODY)
    assert not names["is_genuine"](SECRET, fields, BODY + b" ")
    assert not names["is_genuine"](signature.written(signature.new_secret()), fields, BODY)
    assert not names["is_genuine"](SECRET, {**fields, "webhook-id": "msg_2"}, BODY)
    monkeypatch.setattr(names["time"], "time", lambda: TIMESTAMP + 600)
    assert not names["is_genuine"](SECRET, fields, BODY)


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
