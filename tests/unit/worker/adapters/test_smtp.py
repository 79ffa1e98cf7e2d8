"""What is special about e-mail by SMTP: fields that nobody can break out of, the envelope."""

from __future__ import annotations

import re
from dataclasses import replace
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import ConfigurationError
from campaigns.template.content import Mail, Text
from tests.fakes.smtp import PROFILE, Fake
from tests.support.mail import REFERENCE, encoded, pem, read
from tests.support.transports import AMPLE, run
from worker.adapters.base import Accepted, Failed, Message, Outcome, Rejected, Report
from worker.adapters.mail_fields import mailbox, one_line
from worker.transport.factory import connect


def test_a_message_has_the_fields_that_it_should() -> None:
    request = encoded()
    found = read(request)
    assert {name.lower(): value for name, value in found.items()} == {
        "from": "Shop <news@shop.example>",
        "to": "mary0@example.com",
        "reply-to": "help@shop.example",
        "subject": "Your order, Mary",
        "date": "Tue, 01 Jan 2030 00:00:00 +0000",
        "message-id": f"<{REFERENCE}@shop.example>",
        "list-unsubscribe": f"<https://sluice.example.com/u/{REFERENCE}>",
        "list-unsubscribe-post": "List-Unsubscribe=One-Click",
        "mime-version": "1.0",
        "content-type": f'multipart/alternative; boundary="=_{REFERENCE}"',
    }
    kinds = [part.get_content_type() for part in found.iter_parts()]
    assert kinds == ["text/plain", "text/html"]
    assert request.sender == f"{REFERENCE}@bounces.example.com"
    assert request.recipient == "mary0@example.com"


def test_the_same_message_is_always_the_same_bytes() -> None:
    assert encoded() == encoded()


@pytest.mark.parametrize(
    ("mail", "kind"),
    [(Mail("Hi", "text"), "text/plain"), (Mail("Hi", html="<p>text</p>"), "text/html")],
)
def test_a_message_of_one_part_is_not_a_choice(mail: Mail, kind: str) -> None:
    found = read(encoded(mail))
    assert found.get_content_type() == kind
    assert "List-Unsubscribe" not in found


def test_one_click_is_offered_over_https_only() -> None:
    """RFC 8058, section 3.1."""
    found = read(encoded(Mail("Hi", "text", unsubscribe_url="http://127.0.0.1/u")))
    assert found["List-Unsubscribe"] == "<http://127.0.0.1/u>"
    assert "List-Unsubscribe-Post" not in found


FIELDS = {"from", "to", "subject", "date", "message-id", "mime-version", "content-type"}
FIELDS |= {"content-transfer-encoding"}
HOSTILE = st.text() | st.sampled_from(
    [
        "Mary\r\nBcc: everybody@example.com",
        "Mary\nBcc: everybody@example.com\n\nHello",
        "Mary\rBcc: x@example.com",
        "Mary\u2028Bcc: x@example.com",
        "Mary\x85Bcc: x@example.com",
        "Mary\x0bBcc: x@example.com",
        "\r\n\r\n.\r\nMAIL FROM:<x@example.com>",
        "=?utf-8?q?Mary=0D=0ABcc:_x=40example.com?=",
        "=?utf-8?b?TWFyeQ0KQmNjOiB4QGV4YW1wbGUuY29t?=",
        "x" * 2000,
        "Größe " * 60,
        "\U0001f600" * 100,
    ]
)


def fields_of(content: bytes) -> list[str]:
    """Names of the header fields, read without any library."""
    head, _, _ = content.partition(b"\r\n\r\n")
    lines = re.split(rb"\r\n(?![ \t])", head)
    assert not any(b"\r" in part or b"\n" in part for part in head.split(b"\r\n"))
    return [line.partition(b":")[0].decode().lower() for line in lines]


@given(subject=HOSTILE, text=HOSTILE)
def test_nothing_that_a_contact_is_called_becomes_a_field(subject: str, text: str) -> None:
    try:
        content = encoded(Mail(subject, text)).content
    except ValueError:
        assert not text or re.search("[\ud800-\udfff]", text)
        return
    assert sorted(fields_of(content)) == sorted(FIELDS)
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))


@given(name=HOSTILE)
def test_nothing_in_a_senders_name_becomes_a_field(name: str) -> None:
    try:
        sender = str(Address(one_line(name), "news", "shop.example"))
        content = encoded(Mail("Hi", "text"), sender=sender).content
    except ValueError:
        return
    assert sorted(fields_of(content)) == sorted(FIELDS)
    assert [one.addr_spec for one in read_from(content)] == ["news@shop.example"]


@pytest.mark.parametrize(
    "name", ["=?utf-8?q?Mary?=", "=?utf-8?q?=0D=0ABcc:_x=40y.example?=", "a  b"]
)
def test_what_looks_encoded_arrives_as_it_is(name: str) -> None:
    found = read(encoded(Mail(name, "text"), sender=f'"{name}" <news@shop.example>'))
    assert str(found["Subject"]) == name
    assert b"=0D=0A" not in encoded(Mail(name, "text")).content
    assert set(found) == {"From", "To", "Subject", "Date", "Message-ID", *BODY_FIELDS}


BODY_FIELDS = ("MIME-Version", "Content-Type", "Content-Transfer-Encoding")


def read_from(content: bytes) -> Any:
    return message_from_bytes(content, EmailMessage, policy=policy.default)["From"].addresses


@given(subject=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))
def test_a_subject_arrives_as_it_is(subject: str) -> None:
    """RFC 2047, whatever the language."""
    found = read(encoded(Mail(f"{subject} Größe {subject}", "text")))
    assert str(found["Subject"]) == f"{subject} Größe {subject}"


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\r\x0b\x0c\x1c\x1d\x1e\x85")))
def test_a_text_arrives_as_it_is(text: str) -> None:
    if not text:
        return
    found = read(encoded(Mail("Hi", text)))
    assert str(found.get_content()).replace("\r\n", "\n").rstrip("\n") == text.rstrip("\n")


def test_all_bytes_are_ascii_unless_the_address_is_not() -> None:
    """RFC 6531 and RFC 6532 where they are needed, and never where they are not."""
    mail = Mail("Größe", "Größe", "<p>Größe</p>")
    plain = encoded(mail, sender="Bücher <news@shop.example>")
    assert plain.content.isascii()
    assert not plain.utf8
    assert read_from(plain.content)[0].display_name == "Bücher"
    wide = encoded(mail, address="jürgen@example.com")
    assert wide.utf8
    assert "To: jürgen@example.com\r\n".encode() in wide.content


@pytest.mark.parametrize(
    "sender", ["Shop", "", "a@b.example, c@d.example", "a b@c.example", "@b.example"]
)
def test_a_sender_is_one_mailbox(sender: str) -> None:
    with pytest.raises(ValueError):
        mailbox(sender)


@pytest.mark.parametrize(
    ("mail", "address"),
    [
        (Mail("Hi"), "mary@example.com"),
        (Mail("Hi", "text", unsubscribe_url="https://x.example/>\r\nBcc: y"), "mary@example.com"),
        (Mail("Hi", "text", reply_to="a@b.example\r\nBcc: x@y.example"), "mary@example.com"),
        (Mail("Hi", "text"), "mary@example.com> NOTIFY=NEVER <x"),
        (Mail("Hi", "text"), "mary@example.com\r\nDATA"),
        (Text("text"), "mary@example.com"),
    ],
)
def test_what_is_no_mail_is_refused(mail: Any, address: str) -> None:
    with pytest.raises(ValueError) as caught:
        encoded(mail, address=address)
    assert "mary" not in str(caught.value)


def test_a_line_is_not_longer_than_it_may_be() -> None:
    """RFC 5322, section 2.1.1; nothing in a URL says where it may be folded."""
    url = "https://x.example/".ljust(978, "x")
    content = encoded(Mail("Hi", "text", unsubscribe_url=url)).content
    assert max(map(len, content.split(b"\r\n"))) == 998
    with pytest.raises(ValueError, match="unsubscribe_url must have at most 978 characters"):
        encoded(Mail("Hi", "text", unsubscribe_url=f"{url}x"))


def test_bounces_come_back_to_an_address_of_their_own() -> None:
    assert encoded(options={"bounce_domain": None}).sender == "news@shop.example"
    verp = encoded(options={"bounce_domain": None, "return_path": "bounces@example.com"})
    assert verp.sender == f"bounces+{REFERENCE}@example.com"
    own = replace(PROFILE.messages()[0], bounce_domain="b.team.example")
    assert PROFILE.adapter().encode([own]).sender == f"{own.reference}@b.team.example"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"url": "https://mail.example.com"}, "url: must be such as smtp://"),
        ({"url": "smtp://user:pw@mail.example.com"}, "url: must be such as smtp://"),
        ({"url": "smtp://mail.example.com:x"}, "url: must be such as smtp://"),
        ({"url": ""}, "url: must be such as smtp://"),
        ({"url": "smtp://mail.example.com"}, "security: must not be none"),
        ({"password": None}, "username: and password belong together"),
        ({"dkim_selector": "s1"}, "dkim_key: and dkim_selector belong together"),
        ({"dkim_selector": "s1", "dkim_key": "x"}, "dkim_key: must be a private key in PEM"),
        (
            {"dkim_selector": "s1", "dkim_key": pem(ec.generate_private_key(ec.SECP256R1()))},
            "dkim_key: must be an RSA key",
        ),
        ({"dkim_domain": "shop.example"}, "dkim_domain: signs nothing"),
        ({"return_path": "bounces@example.com"}, "return_path: is another way"),
        ({"return_path": "no", "bounce_domain": None}, "return_path: is not an e-mail address"),
        ({"return_path": "a+b@example.com", "bounce_domain": None}, "return_path: must have"),
        ({"max_in_flight": 64}, "max_in_flight: must be set to at most 32"),
        ({"security": "ssl"}, "security: "),
        ({"tls": True}, "tls: is not a key of the adapter 'smtp'"),
    ],
)
def test_mistakes_are_named(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PROFILE.adapter(**table)
    assert str(caught.value).startswith(f"providers.carrier.{said}")
    assert "s3cret" not in str(caught.value)


def sent(fake: Fake, messages: list[Message]) -> list[Outcome]:
    config = PROFILE.config(url=fake.url)
    adapter = PROFILE.adapter(url=fake.url)

    async def main() -> list[Outcome]:
        transport = connect(config, adapter)
        try:
            found: list[Outcome] = []
            for message in messages:
                reply = await transport.send(adapter.encode([message]), timeout=AMPLE)
                found += adapter.decode([message], reply)
            return found
        finally:
            await transport.aclose()

    return run(main())


def to(*addresses: str) -> list[Message]:
    return [
        replace(message, address=address)
        for message, address in zip(PROFILE.messages(len(addresses)), addresses, strict=True)
    ]


def test_messages_go_through_a_real_server_and_bounce_back() -> None:
    with Fake() as fake:
        people = ["mary@example.com", "unknown@example.com", "grey@example.com"]
        found = sent(fake, to(*people, "bounce@example.com"))
        assert found == [
            Accepted(f"{REFERENCE}@shop.example"),
            Rejected("5.1.1", gone=True),
            Failed("4.7.1"),
            Accepted("17-3-aaaaaaaaaaaaa@shop.example"),
        ]
        assert fake.taken[0] == ("mary@example.com", "Dear Mary, your order has left.")
        assert fake.connections == 1
        (call,) = fake.reports()
    (report,) = PROFILE.adapter().parse_report(call)
    assert isinstance(report, Report)
    assert report.reference == "17-3-aaaaaaaaaaaaa"
