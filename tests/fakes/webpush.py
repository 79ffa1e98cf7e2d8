"""A push service (RFC 8030) and the browsers behind it, which decrypt what they get (RFC 8291)."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Any

import jwt
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDH,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    derive_private_key,
)
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from campaigns.clock import Clock
from tests.fakes.base import URL, Case, Profile, answer
from tests.support.clock import FakeClock
from worker.adapters.base import (
    Accepted,
    Blocked,
    Failed,
    HttpRequest,
    HttpResponse,
    Rejected,
    Unknown,
)

ORIGIN = "https://push.example.com"
SUBJECT = "mailto:ops@example.com"


def key(number: int) -> EllipticCurvePrivateKey:
    return derive_private_key(number, SECP256R1())


def point(private: EllipticCurvePrivateKey) -> bytes:
    return private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def pem(private: EllipticCurvePrivateKey) -> str:
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def base64url(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


#: Ours, the browsers', and what the browsers keep secret.
VAPID_KEY = key(2**200 + 7)
BROWSER_KEY = key(2**201 + 9)
AUTH = bytes(range(16))

KEYS = {"p256dh": base64url(point(BROWSER_KEY)), "auth": base64url(AUTH)}


def decrypted(body: bytes, private: EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What is in a message for the browser with this key.

    Raises:
        InvalidTag: it is for another one.
        ValueError: it is not in the form of RFC 8188, or not of one record.
    """
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, record = body[21 : 21 + length], body[21 + length :]
    if length != 65 or not 17 <= len(record) <= size:
        raise ValueError("not one record with its sender's key")
    shared = private.exchange(
        ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), sender)
    )
    info = b"WebPush: info\0" + point(private) + sender
    secret = HKDF(SHA256(), 32, auth, info).derive(shared)
    content_key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\0").derive(secret)
    nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\0").derive(secret)
    padded = AESGCM(content_key).decrypt(nonce, record, None).rstrip(b"\0")
    if padded[-1:] != b"\2":
        raise ValueError("the last record does not end in 2")
    return padded[:-1]


class Fake:
    """The push service of ``push.example.com``."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or FakeClock()
        self.taken: list[tuple[str, str]] = []
        #: The notifications, as the browsers read them.
        self.shown: list[dict[str, Any]] = []
        #: Paths, and what is answered for them.
        self.refusals: dict[str, HttpResponse] = {}

    def handle(self, request: HttpRequest) -> HttpResponse:
        problem = self._problem(request)
        if problem is not None:
            return problem
        if request.url in self.refusals:
            return self.refusals[request.url]
        try:
            said = json.loads(decrypted(request.body, BROWSER_KEY, AUTH))["notification"]
        except (InvalidTag, ValueError):
            # The service cannot know. Nobody sees anything.
            return self._created()
        self.shown.append(said)
        self.taken.append((f"{ORIGIN}{request.url}", said.get("body", "")))
        return self._created()

    def _created(self) -> HttpResponse:
        return answer(201, location=f"{ORIGIN}/m/{len(self.taken)}")

    def _problem(self, request: HttpRequest) -> HttpResponse | None:
        headers = request.headers
        if request.method != "POST" or not re.fullmatch(r"/w/[a-z0-9]+", request.url):
            return answer(404, {"code": 404, "errno": 102, "error": "Not Found"})
        if not headers.get("ttl", "").isdecimal():
            return answer(400, {"code": 400, "errno": 111, "error": "Missing TTL header"})
        if headers.get("content-encoding") != "aes128gcm":
            return answer(400, {"code": 400, "errno": 110, "error": "Unknown Content-Encoding"})
        if headers.get("urgency", "normal") not in ("very-low", "low", "normal", "high"):
            return answer(400, {"code": 400, "errno": 112, "error": "Invalid Urgency"})
        if not re.fullmatch(r"[A-Za-z0-9_-]{0,32}", headers.get("topic", "")):
            return answer(400, {"code": 400, "errno": 113, "error": "Invalid Topic"})
        if len(request.body) > 4096:
            return answer(413, {"code": 413, "errno": 104, "error": "Payload Too Large"})
        return self._unproven(headers.get("authorization", ""))

    def _unproven(self, authorization: str) -> HttpResponse | None:
        """RFC 8292, sections 2 and 4.2."""
        found = re.fullmatch(r"vapid t=([^, ]+), ?k=([A-Za-z0-9_-]+)", authorization)
        if found is None:
            return unauthorized("missing")
        if unbase64url(found[2]) != point(VAPID_KEY):
            return OTHER_KEY
        options = jwt.types.Options(verify_exp=False, verify_aud=True, require=["exp", "sub"])
        try:
            claims = jwt.decode(
                found[1], VAPID_KEY.public_key(), ["ES256"], options, audience=ORIGIN
            )
        except jwt.PyJWTError:
            return unauthorized("bad signature or audience")
        left = claims["exp"] - self._clock.now().timestamp()
        if not 0 < left <= 86_400 or claims["sub"] != SUBJECT:
            return unauthorized("expired")
        return None

    def reports(self) -> Sequence[HttpRequest]:
        return ()


def unauthorized(why: str) -> HttpResponse:
    return answer(401, {"code": 401, "errno": 109, "error": "Unauthorized", "message": why})


OTHER_KEY = answer(
    401,
    {"code": 401, "errno": 109, "error": "Unauthorized", "message": "VAPID public key mismatch"},
)
GOOGLES_OTHER_KEY = answer(
    403,
    b"the VAPID credentials in the authorization header do not correspond to the credentials "
    b"used to create the subscriptions.\n",
)


PROFILE = Profile(
    name="webpush",
    channel="webpush",
    url=URL,
    options={
        "vapid_private_key": pem(VAPID_KEY),
        "vapid_subject": SUBJECT,
        "services": ["push.example.com"],
    },
    addresses=(f"{ORIGIN}/w/a1", f"{ORIGIN}/w/b2", f"{ORIGIN}/w/c3"),
    address_keys=KEYS,
    secret=pem(VAPID_KEY).splitlines()[1],
    cases={
        "accepted": Case(answer(201, location=f"{ORIGIN}/m/7"), [Accepted("7")]),
        "accepted: a receipt was asked for": Case(
            answer(202, link="<..>", location="/d/8/"), [Accepted("8")]
        ),
        "accepted: it does not say where": Case(answer(201), [Accepted()]),
        "rejected: no longer there": Case(
            answer(410, {"code": 410, "errno": 106}), [Rejected("errno_106", gone=True)]
        ),
        "rejected: the relay does not know it": Case(answer(404, b""), [Rejected("http_404")]),
        "rejected: too large": Case(answer(413, b""), [Rejected("http_413")]),
        "rejected: content": Case(
            answer(400, {"code": 400, "errno": 110}), [Rejected("errno_110")]
        ),
        "rejected: made for another key, Mozilla": Case(OTHER_KEY, [Rejected("other_vapid_key")]),
        "rejected: made for another key, Google": Case(
            GOOGLES_OTHER_KEY, [Rejected("other_vapid_key")]
        ),
        "rejected: made for another key, Apple": Case(
            answer(400, {"reason": "VapidPkHashMismatch"}), [Rejected("other_vapid_key")]
        ),
        "blocked: no token": Case(unauthorized("missing"), [Blocked("errno_109")]),
        "blocked: Google": Case(answer(403, b"invalid JWT provided\n"), [Blocked("http_403")]),
        "rejected: forbidden without a word": Case(answer(403, b""), [Rejected("http_403")]),
        "blocked: Apple": Case(answer(403, {"reason": "BadJwtToken"}), [Blocked("BadJwtToken")]),
        "throttled, this service": Case(
            answer(429, b"", retry_after="30"), [Failed("http_429", 30.0)]
        ),
        "failed: overloaded": Case(
            answer(503, {"code": 503, "errno": 202}, retry_after="5"), [Failed("errno_202", 5.0)]
        ),
        "failed: its own 500": Case(
            answer(500, {"reason": "InternalServerError"}), [Failed("InternalServerError")]
        ),
        "unknown: 500 of somebody else": Case(answer(500, b"<html>"), [Unknown("http_500")]),
        "unknown: it moved": Case(answer(307, location="/elsewhere"), [Unknown("http_307")]),
        "malformed": Case(answer(201, b'{"no'), [Accepted()]),
        "oversized": Case(answer(201, b"[" * 10_000, location=f"{ORIGIN}/m/9"), [Accepted("9")]),
    },
)
