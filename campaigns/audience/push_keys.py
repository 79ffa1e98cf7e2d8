"""The keys of a push subscription: without them nothing can be encrypted for its browser.

A browser hands its subscription over as JSON (W3C Push API, section "PushSubscription")::

    {"endpoint": "https://..", "expirationTime": null, "keys": {"p256dh": "..", "auth": ".."}}

The endpoint is the address. The keys are stored as two custom fields of the contact, which may
also be given as such. Nothing here does I/O, and no error carries an endpoint or a key.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from campaigns.errors import Invalid

#: The custom field of each key, by the name that the browser gives it.
KEY_FIELDS: Mapping[str, str] = MappingProxyType(
    {"p256dh": "webpush_p256dh", "auth": "webpush_auth"}
)

_NONE: Mapping[str, str] = MappingProxyType({})

#: Longest subscription that is read.
LONGEST = 10_000

#: RFC 8291, section 3.2.
_SECRET_LENGTH = 16

#: The curve P-256, y^2 = x^3 - 3x + b (NIST SP 800-186, section 3.2.1.3).
_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def read(text: str) -> tuple[str, dict[str, str]]:
    """The endpoint in ``text``, and the fields of its keys where it is a subscription.

    Raises:
        Invalid: it begins like a subscription and is none; ``field`` is ``webpush``.
    """
    if not text.lstrip().startswith("{"):
        return text, {}
    try:
        content = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        content = None
    endpoint = content.get("endpoint") if isinstance(content, dict) else None
    keys = content.get("keys") if isinstance(content, dict) else None
    if not isinstance(endpoint, str) or not isinstance(keys, dict):
        rule = 'must be an endpoint, or a subscription {"endpoint": .., "keys": ..} as JSON'
        raise Invalid("webpush", None, rule)
    found = {field: keys.get(name) for name, field in KEY_FIELDS.items()}
    if not all(isinstance(value, str) for value in found.values()):
        raise Invalid("webpush", None, "must have the keys p256dh and auth, which are texts")
    return endpoint, {field: str(value) for field, value in found.items()}


def checked(fields: Mapping[str, str], *, with_endpoint: bool) -> dict[str, str]:
    """``fields`` with the keys in the form in which they are stored, base64url without padding.

    Raises:
        Invalid: there is one key without the other, without an endpoint, or one that is none.
    """
    given = [name for name in KEY_FIELDS.values() if name in fields]
    if not given:
        return dict(fields)
    if len(given) < len(KEY_FIELDS):
        raise Invalid("custom_fields", None, f"{given[0]!r} needs the other key of its endpoint")
    if not with_endpoint:
        raise Invalid("custom_fields", None, f"{given[0]!r} needs the address webpush")
    point, secret = (_decoded(fields[name]) for name in KEY_FIELDS.values())
    if point is None or not _is_on_curve(point):
        raise Invalid(
            "custom_fields",
            None,
            f"{given[0]!r} must be an uncompressed point of P-256, 65 bytes in base64url",
        )
    if secret is None or len(secret) != _SECRET_LENGTH:
        rule = f"{given[1]!r} must be {_SECRET_LENGTH} bytes in base64url"
        raise Invalid("custom_fields", None, rule)
    return {**fields, **dict(zip(given, map(_encoded, (point, secret)), strict=True))}


def together(fields: Mapping[str, str], keys: Mapping[str, str]) -> dict[str, str]:
    """The fields of a contact and those of its subscription.

    Raises:
        Invalid: both name the keys.
    """
    twice = sorted(fields.keys() & keys.keys())
    if twice:
        raise Invalid("custom_fields", None, f"{twice[0]!r} stands in the subscription already")
    return {**fields, **keys}


def address_keys(fields: Mapping[str, str]) -> Mapping[str, str]:
    """The keys by the names that the browser gave them; empty where they are not known."""
    if not all(field in fields for field in KEY_FIELDS.values()):
        return _NONE
    return {name: fields[field] for name, field in KEY_FIELDS.items()}


def headers(names: Iterable[str]) -> list[str]:
    """The names of the fields that a group shows, each once: all but the keys."""
    return list(dict.fromkeys(name for name in names if name not in KEY_FIELDS.values()))


def _decoded(text: str) -> bytes | None:
    """The bytes; some libraries write base64 in its other alphabet (RFC 4648), or pad it."""
    bare = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    try:
        found = urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        return None
    # The decoder skips what is not of the alphabet.
    return found if _encoded(found) == bare else None


def _encoded(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def _is_on_curve(point: bytes) -> bool:
    if len(point) != 65 or point[0] != 4:
        return False
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    return x < _P and y < _P and (y * y - (x * x - 3) * x - _B) % _P == 0
