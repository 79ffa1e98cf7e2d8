"""E-mails as the adapter for SMTP writes them, and what dkimpy thinks of their signatures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from campaigns.template.content import Mail
from tests.fakes.smtp import MAIL, PROFILE
from tests.support.clock import FakeClock
from worker.adapters.smtp_exchange import SmtpRequest

REFERENCE = "17-0-aaaaaaaaaaaaa"


#: dkimpy finds fault with signatures of the future.
LATELY = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))


def encoded(
    mail: Mail = MAIL, *, options: Any = None, clock: FakeClock | None = None, **message: Any
) -> SmtpRequest:
    made = replace(PROFILE.messages()[0], content=mail, **message)
    request = PROFILE.adapter(clock, **(options or {})).encode([made])
    assert isinstance(request, SmtpRequest)
    return request


def read(request: SmtpRequest) -> EmailMessage:
    return message_from_bytes(request.content, EmailMessage, policy=policy.default)


def pem(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


RSA = rsa.generate_private_key(65537, 2048)
RSA_RECORD = "k=rsa; p=" + "".join(
    RSA.public_key()
    .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    .decode()
    .splitlines()[1:-1]
)
DKIM = {"dkim_key": pem(RSA), "dkim_selector": "s2030"}


def verifies(content: bytes, record: str = RSA_RECORD) -> bool:
    """By dkimpy, which is no part of what signed it."""
    asked: list[bytes] = []

    def answer(name: bytes, timeout: int = 5) -> bytes:
        asked.append(name)
        return f"v=DKIM1; {record}".encode()

    good: bool = dkim.verify(content, dnsfunc=answer)
    assert asked == [b"s2030._domainkey.shop.example."]
    return good
