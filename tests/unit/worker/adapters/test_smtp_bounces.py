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


@pytest.mark.parametrize(
    "body",
    [
        b"x" * (LONGEST + 1),
        b"".join(b"Content-Type: multipart/x; boundary=%d\n\n--%d\n" % (n, n) for n in range(999)),
        notification().body.replace(b"multipart/report", b"multipart/mixed"),
        notification().body.replace(b"message/delivery-status", b"text/plain"),
    ],
    ids=["long", "deep", "mixed", "no status"],
)
def test_what_is_no_notification_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        PROFILE.adapter().parse_report(HttpRequest("POST", "/", {}, body))
