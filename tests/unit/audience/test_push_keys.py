"""The keys of a push subscription are checked before anything is stored."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.audience.push_keys import KEY_FIELDS, address_keys, checked, headers, read, together
from campaigns.errors import Invalid
from tests.fakes.webpush import KEYS, base64url, key, point

ENDPOINT = "https://push.example.com/w/a1"
FIELDS = {KEY_FIELDS[name]: value for name, value in KEYS.items()}
SUBSCRIPTION = {"endpoint": ENDPOINT, "expirationTime": None, "keys": KEYS}


def test_a_browsers_subscription_is_an_endpoint_and_two_fields() -> None:
    assert read(json.dumps(SUBSCRIPTION)) == (ENDPOINT, FIELDS)
    assert read(f"  {json.dumps(SUBSCRIPTION)}") == (ENDPOINT, FIELDS)
    assert read(ENDPOINT) == (ENDPOINT, {})


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "{}",
        '{"endpoint": 5, "keys": {}}',
        json.dumps({"endpoint": ENDPOINT}),
        json.dumps({"endpoint": ENDPOINT, "keys": {"p256dh": KEYS["p256dh"]}}),
        json.dumps({"endpoint": ENDPOINT, "keys": {"p256dh": 7, "auth": KEYS["auth"]}}),
        json.dumps({**SUBSCRIPTION, "more": "x" * 10_000}),
        '{"a":' * 100_000,
    ],
)
def test_what_only_begins_like_one_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        read(text)
    assert refused.value.field == "webpush"
    assert ENDPOINT not in str(refused.value)


@given(st.integers(1, 2**200))
def test_every_point_of_the_curve_is_a_key(number: int) -> None:
    fields = {**FIELDS, "webpush_p256dh": base64url(point(key(number)))}
    assert checked(fields, with_endpoint=True) == fields


def test_padding_and_the_other_alphabet_are_brought_into_one_form() -> None:
    written = FIELDS["webpush_p256dh"].replace("-", "+").replace("_", "/") + "="
    fields = {"webpush_p256dh": written, "webpush_auth": FIELDS["webpush_auth"] + "=="}
    assert checked({**fields, "name": "Ann"}, with_endpoint=True) == {**FIELDS, "name": "Ann"}


P256DH = point(key(5))


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"webpush_p256dh": ""}, "must be an uncompressed point"),
        ({"webpush_p256dh": "no base64!"}, "must be an uncompressed point"),
        ({"webpush_p256dh": base64url(P256DH[:64])}, "must be an uncompressed point"),
        ({"webpush_p256dh": base64url(P256DH + b"\0")}, "must be an uncompressed point"),
        ({"webpush_p256dh": base64url(b"\2" + P256DH[1:33])}, "must be an uncompressed point"),
        ({"webpush_p256dh": base64url(b"\3" + P256DH[1:])}, "must be an uncompressed point"),
        ({"webpush_p256dh": base64url(P256DH[:64] + b"\0")}, "must be an uncompressed point"),
        ({"webpush_p256dh": base64url(b"\4" + b"\xff" * 64)}, "must be an uncompressed point"),
        ({"webpush_p256dh": "BÄ" * 40}, "must be an uncompressed point"),
        ({"webpush_auth": base64url(bytes(15))}, "must be 16 bytes"),
        ({"webpush_auth": base64url(bytes(17))}, "must be 16 bytes"),
        ({"webpush_auth": ""}, "must be 16 bytes"),
    ],
)
def test_a_key_that_is_none_is_refused_and_not_shown(more: dict[str, str], rule: str) -> None:
    with pytest.raises(Invalid, match=rule) as refused:
        checked({**FIELDS, **more}, with_endpoint=True)
    (value,) = more.values()
    assert not value or value not in str(refused.value)


def test_keys_come_in_pairs_and_with_their_endpoint() -> None:
    """Otherwise those of one endpoint would be used for another one."""
    with pytest.raises(Invalid, match="needs the address webpush"):
        checked(FIELDS, with_endpoint=False)
    for name in FIELDS:
        with pytest.raises(Invalid, match="needs the other key"):
            checked({name: FIELDS[name]}, with_endpoint=True)
    assert checked({"name": "Ann"}, with_endpoint=False) == {"name": "Ann"}


def test_keys_are_given_once() -> None:
    assert together({"name": "Ann"}, FIELDS) == {"name": "Ann", **FIELDS}
    with pytest.raises(Invalid, match="stands in the subscription already"):
        together({"webpush_auth": "x"}, FIELDS)


def test_a_message_gets_the_keys_by_the_browsers_names() -> None:
    assert address_keys({"name": "Ann", **FIELDS}) == KEYS
    assert address_keys({"name": "Ann"}) == {}


def test_the_keys_are_no_fields_that_a_group_shows() -> None:
    assert headers(["name", *FIELDS, "name", "town"]) == ["name", "town"]
