"""Bounces are known by the reference in the address that they came to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.smtp import PROFILE, notification
from tests.support.mail import REFERENCE
from worker.adapters.base import HttpRequest
from worker.adapters.smtp_bounces import LONGEST


@pytest.mark.parametrize(
    "to",
    [
        f"<{REFERENCE}@bounces.example.com>",
        f"bounces+{REFERENCE.upper()}@example.com",
        f"MAILER <{REFERENCE}@bounces.example.com>",
    ],
)
def test_a_bounce_is_known_by_the_address_that_it_came_to(to: str) -> None:
    (report,) = PROFILE.adapter().parse_report(notification(to=to, ident="x@y.example"))
    assert report.reference == REFERENCE
    assert (report.kind, report.code) == ("bounced", "5.1.1")


@pytest.mark.parametrize("field", [b"Delivered-To", b"X-Original-To"])
def test_servers_may_note_that_address_elsewhere(field: bytes) -> None:
    call = notification(to="bounces@example.com", ident="x@y.example")
    note = field + f": bounces+{REFERENCE}@example.com\r\n".encode()
    (report,) = PROFILE.adapter().parse_report(replace(call, body=note + call.body))
    assert report.reference == REFERENCE


def test_the_whole_message_may_be_returned() -> None:
    call = notification(to="bounces@example.com")
    body = call.body.replace(b"text/rfc822-headers", b"message/rfc822")
    (report,) = PROFILE.adapter().parse_report(replace(call, body=body))
    assert report.reference == REFERENCE


def test_however_long_the_message_is_that_comes_back() -> None:
    call = notification(to="bounces@example.com")
    end = call.body.index(b"\r\n--b--")
    returned = call.body[:end] + b"\r\n" + b"x" * 76 * 100_000 + call.body[end:]
    (report,) = PROFILE.adapter().parse_report(replace(call, body=returned))
    assert report.reference == REFERENCE


def nested(depth: int) -> bytes:
    """Parts in parts."""
    return b"".join(
        b"Content-Type: multipart/x; boundary=%d\n\n--%d\n" % (n, n) for n in range(depth)
    )


def test_parts_in_parts_do_not_make_each_line_dear() -> None:
    """Nothing proves a notification: anybody can send one that is made to be slow."""
    call = HttpRequest("POST", "/", {}, nested(33) + b"\n" * 4_000_000)
    with pytest.raises(ValueError, match="has too many parts"):
        PROFILE.adapter().parse_report(call)


@pytest.mark.parametrize(
    "body",
    [
        b"x" * (LONGEST + 1),
        nested(999),
        notification().body.replace(b"multipart/report", b"multipart/mixed"),
        notification().body.replace(b"message/delivery-status", b"text/plain"),
    ],
    ids=["long", "deep", "mixed", "no status"],
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().parse_report(HttpRequest("POST", "/", {}, body))
