"""Signatures of e-mails: dkimpy, which has no part in them, verifies each."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import given
from hypothesis import strategies as st

from campaigns.template.content import Mail
from tests.fakes.smtp import MAIL, PROFILE, Fake
from tests.support.clock import FakeClock
from tests.support.mail import DKIM, LATELY, encoded, pem, verifies
from tests.support.transports import AMPLE, run
from worker.transport.factory import connect

MAILS = [
    MAIL,
    Mail("Hi", "text"),
    Mail("Größe " * 30, "  spaces \t and   tabs \r\n\r\n\r\n", "<p>ü</p>"),
    Mail("Hi", ".\r\n..\r\nFrom here on\r\n"),
    # Written as it is, with a line end for each.
    Mail("Hi", "\n" * 90_000 + "x"),
]


@pytest.mark.parametrize("mail", MAILS, ids=range(len(MAILS)))
def test_a_signature_holds(mail: Mail) -> None:
    assert verifies(encoded(mail, options=DKIM, clock=LATELY).content)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"order has left", b"order was lost"),
        (b"Subject: Your", b"Subject: My"),
        (b"From: Shop", b"From: Shoq"),
        (b"One-Click", b"One-Clock"),
        (b"From: Shop", b"Subject: Won!\r\nFrom: Shop"),
        (b"From: Shop", b"From: x@y.example\r\nFrom: Shop"),
    ],
)
def test_a_signature_does_not_hold_for_something_else(old: bytes, new: bytes) -> None:
    """Also a field that is added: From and Subject are signed as often as they are not there."""
    content = encoded(options=DKIM, clock=LATELY).content
    assert old in content
    assert not verifies(content.replace(old, new))


def test_the_moment_of_a_signature_is_the_clocks() -> None:
    content = encoded(options=DKIM).content
    assert f"t={int(FakeClock().now().timestamp())};".encode() in content
    assert all(len(line) < 200 for line in content.partition(b"From:")[0].split(b"\r\n"))


def test_an_edwards_key_signs_too() -> None:
    """RFC 8463, section 3."""
    key = ed25519.Ed25519PrivateKey.generate()
    options = {**DKIM, "dkim_key": pem(key)}
    content = encoded(options=options, clock=LATELY).content
    public = b64encode(key.public_key().public_bytes_raw()).decode()
    assert verifies(content, f"k=ed25519; p={public}")
    other = b64encode(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes_raw())
    assert not verifies(content, f"k=ed25519; p={other.decode()}")


BLANKS = st.text(st.sampled_from(" \t\n\r.=ab\u00fc"), min_size=1)


@given(subject=BLANKS, text=BLANKS, html=BLANKS | st.none(), name=BLANKS)
def test_a_signature_holds_whatever_the_spaces(
    subject: str, text: str, html: str | None, name: str
) -> None:
    """Canonicalisation is all about them."""
    sender = f'"{name.replace(chr(34), "")}" <news@shop.example>'
    mail = Mail(subject, text, html)
    assert verifies(encoded(mail, options=DKIM, clock=LATELY, sender=sender).content)


def test_what_is_signed_arrives_unchanged() -> None:
    """Lines that begin with a dot included."""
    with Fake() as fake:
        adapter = PROFILE.adapter(LATELY, url=fake.url, **DKIM)
        message = replace(PROFILE.messages()[0], content=MAILS[3])

        async def main() -> None:
            transport = connect(PROFILE.config(url=fake.url, **DKIM), adapter)
            await transport.send(adapter.encode([message]), timeout=AMPLE)
            await transport.aclose()

        run(main())
        ((_, _, content),) = fake.received
    assert verifies(content)
