"""What Amazon's services have in common: signed requests, errors, and SNS with its signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from campaigns.clock import Clock
from tests.fakes.base import SECRET, URL, answer
from tests.support.clock import FakeClock
from worker.adapters.base import HttpRequest, HttpResponse

REGION = "eu-west-1"
KEY_ID = "AKIDEXAMPLE"
SECRET_KEY = f"{SECRET}-secret-access-key"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:sluice"
AT = datetime(2029, 12, 31, 23, 59, 58, tzinfo=UTC)

_KEY = rsa.generate_private_key(65537, 2048)
_NAME = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])

CERTIFICATE = (
    x509.CertificateBuilder()
    .subject_name(_NAME)
    .issuer_name(_NAME)
    .public_key(_KEY.public_key())
    .serial_number(1)
    .not_valid_before(AT - timedelta(days=10))
    .not_valid_after(AT + timedelta(days=100))
    .sign(_KEY, hashes.SHA256())
    .public_bytes(Encoding.PEM)
    .decode()
)

OPTIONS = {
    "region": REGION,
    "access_key_id": KEY_ID,
    "secret_access_key": SECRET_KEY,
    "configuration_set": "sluice",
    "topic_arn": TOPIC,
    "sns_certificate": CERTIFICATE,
}


def published(
    event: Any,
    *,
    kind: str = "Notification",
    version: str = "2",
    clock: Clock | None = None,
    **more: Any,
) -> HttpRequest:
    """A call of SNS with an event in it, signed."""
    now = (clock or FakeClock()).now()
    fields = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": TOPIC,
        "Message": event if isinstance(event, str) else json.dumps(event),
        "Timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        **more,
    }
    text = "".join(f"{name}\n{fields[name]}\n" for name in sorted(fields))
    algorithm = hashes.SHA256() if version == "2" else hashes.SHA1()
    signature = _KEY.sign(text.encode(), PKCS1v15(), algorithm)
    content = {
        **fields,
        "SignatureVersion": version,
        "Signature": b64encode(signature).decode(),
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
    }
    headers = {"content-type": "text/plain; charset=UTF-8", "x-amz-sns-message-type": kind}
    return HttpRequest("POST", "/reports/amazon", headers, json.dumps(content).encode())


def changed(call: HttpRequest, **fields: Any) -> HttpRequest:
    """The call with other fields and the signature that it had."""
    content = {**json.loads(call.body), **fields}
    return HttpRequest(call.method, call.url, call.headers, json.dumps(content).encode())


def failure(status: int, name: str, message: str = "no", **more: str) -> HttpResponse:
    """An error, with its name where Amazon's JSON protocols have it."""
    return answer(status, {"__type": name, "message": message, **more}, x_amzn_errortype=name)


def refusal(request: HttpRequest, service: str, clock: Clock) -> HttpResponse | None:
    """The error of a request that is not signed as it should be."""
    match = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=([^/]+)/([0-9]{8})/([^/]+)/([^/]+)/aws4_request, "
        r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
        request.headers.get("authorization", ""),
    )
    if match is None:
        return failure(403, "MissingAuthenticationTokenException")
    key_id, date, region, named, signed, given = match.groups()
    if key_id != KEY_ID:
        return failure(403, "UnrecognizedClientException")
    if (region, named) != (REGION, service) or "host" not in signed.split(";"):
        return failure(403, "InvalidSignatureException")
    moment = request.headers["x-amz-date"]
    made = datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if not moment.startswith(date) or abs(clock.now() - made) > timedelta(minutes=5):
        return failure(403, "InvalidSignatureException", "Signature expired")
    headers = {"host": urlsplit(URL).netloc, **request.headers}
    lines = [request.method, request.url, ""]
    lines += [f"{name}:{headers[name]}" for name in signed.split(";")]
    lines += ["", signed, hashlib.sha256(request.body).hexdigest()]
    scope = f"{date}/{region}/{named}/aws4_request"
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{digest}"
    key = b"AWS4" + SECRET_KEY.encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    if hmac.new(key, text.encode(), "sha256").hexdigest() != given:
        return failure(403, "InvalidSignatureException")
    return None
