"""What a browser gets: a notification as JSON, encrypted for it alone.

The JSON is that of Declarative Web Push, which Safari shows by itself and a service worker of any
other browser reads out of ``event.data.json()``
(https://www.w3.org/TR/push-api/, https://github.com/WebKit/explainers/tree/main/DeclarativeWebPush):

    {"web_push": 8030, "notification": {"title": .., "body": .., "icon": .., "image": ..,
                                        "navigate": ..}}

The encryption is RFC 8291, one record of the encoding ``aes128gcm`` (RFC 8188). It is put together
here out of ``cryptography``, as http_ece does it, which pywebpush uses too: http_ece has had no
release since 2024 and comes as source only, so that whoever installs it runs a build that no lock
file can pin; pywebpush would add two HTTP clients that are not used. What it takes is one agreement
on a key, three derivations and one cipher, held to the vector of the RFC.
"""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from campaigns.template.content import Push, Text

#: What a push service has to take is a message of 4096 bytes (RFC 8030, section 7.2). So much is
#: left of it after the header, the padding's delimiter and the tag (RFC 8291, section 4).
LONGEST_PLAINTEXT = 3993

_RECORD_SIZE = 4096


def payload(content: Text | Push, sender: str) -> bytes:
    """The notification as JSON. A bare text has the sender as its title.

    Raises:
        ValueError: it is longer than what every push service takes.
    """
    push = Push(sender, content.text) if isinstance(content, Text) else content
    notification = {
        "title": push.title,
        "body": push.text,
        "icon": push.icon_url,
        "image": push.image_url,
        "navigate": push.url,
    }
    said = {name: value for name, value in notification.items() if value}
    message = {"web_push": 8030, "notification": said}
    found = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    if len(found) > LONGEST_PLAINTEXT:
        raise ValueError(
            f"the notification has {len(found)} bytes; at most {LONGEST_PLAINTEXT} are allowed"
        )
    return found


def encrypted(
    plaintext: bytes,
    keys: Mapping[str, str],
    *,
    salt: bytes | None = None,
    sender_key: EllipticCurvePrivateKey | None = None,
) -> bytes:
    """``plaintext`` for the browser with these ``keys``, ``p256dh`` and ``auth`` in base64url.

    ``salt`` and ``sender_key`` are made anew for every message, or nothing is secret any more; they
    are parameters for the vector of RFC 8291.

    Raises:
        ValueError: the keys are missing or are none.
    """
    try:
        point, secret = _decoded(keys["p256dh"]), _decoded(keys["auth"])
    except KeyError:
        raise ValueError("the subscription's keys p256dh and auth are not known") from None
    receiver = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    sender = sender_key or generate_private_key(SECP256R1())
    sender_point = sender.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    salt = os.urandom(16) if salt is None else salt
    # RFC 8291, section 3.4.
    shared = sender.exchange(ECDH(), receiver)
    keying = _derived(32, shared, secret, b"WebPush: info\0" + point + sender_point)
    key = _derived(16, keying, salt, b"Content-Encoding: aes128gcm\0")
    nonce = _derived(12, keying, salt, b"Content-Encoding: nonce\0")
    # RFC 8188, section 2: the last record's delimiter is 2, and the first one's counter is 0.
    record = AESGCM(key).encrypt(nonce, plaintext + b"\x02", None)
    header = salt + _RECORD_SIZE.to_bytes(4, "big") + bytes([len(sender_point)]) + sender_point
    return header + record


def _derived(length: int, secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(secret)


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
