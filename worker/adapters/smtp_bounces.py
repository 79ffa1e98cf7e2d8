"""Bounces: delivery status notifications (RFC 3464), told apart by the reference in the address
that they were sent to (VERP, variable envelope return path).

A server of the way may have kept that address in one of several fields, or only the returned
header of the message itself, whose Message-ID has the reference too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.utils import parsedate_to_datetime

from campaigns.run.events import ReportKind
from worker.adapters.base import Report
from worker.adapters.mail_statuses import DEAD

#: So much of a notification is read, in bytes. Behind it stands the message that it returns.
LONGEST = 128 * 1024

#: Parts in parts, of which the returned message has some too. The parser asks of each line whether
#: it ends one of those that it is in, and anybody can send notifications.
_MOST_BOUNDARIES = 32
_BOUNDARY = re.compile(rb"(?i)boundary\s*[=*]")

_REFERENCE = re.compile(r"(?<![0-9a-z-])([0-9]{1,19}-[0-9]{1,10}-[a-z2-7]{13})@")
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")

#: Where servers note the address that a message came to.
_RECIPIENT_FIELDS = ("to", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to")

#: Of the field Action (RFC 3464, section 2.3.3). Delayed, relayed and expanded are on the way.
_KINDS: Mapping[str, ReportKind] = {"failed": "bounced", "delivered": "delivered"}

_RULES = policy.compat32


def parse_bounce(body: bytes) -> Sequence[Report]:
    """What a notification says; nothing where it is of a step on the way, or not about ours.

    Raises:
        ValueError: it is not a delivery status notification.
    """
    read = body[:LONGEST]
    if len(_BOUNDARY.findall(read)) > _MOST_BOUNDARIES:
        raise ValueError("has too many parts for a delivery status notification")
    try:
        found = BytesParser(_class=EmailMessage, policy=_RULES).parsebytes(read)
        parts = list(found.walk())
    # Parts in parts without end come to a RecursionError.
    except (RecursionError, LookupError) as error:
        raise ValueError("is not a message") from error
    status = next((p for p in parts if p.get_content_type() == "message/delivery-status"), None)
    if found.get_content_type() != "multipart/report" or status is None:
        raise ValueError("must be a delivery status notification (RFC 3464)")
    groups = status.get_payload()
    reference = _reference(found, parts)
    if reference is None or not isinstance(groups, list):
        return []
    at = _date(found)
    reports = [_report(reference, group, at) for group in groups if isinstance(group, Message)]
    return [report for report in reports if report is not None]


def _report(reference: str, group: Message, at: datetime | None) -> Report | None:
    kind = _KINDS.get(str(group.get("action", "")).strip().lower())
    if kind is None:
        return None
    if kind == "delivered":
        return Report(reference, None, kind, at)
    found = _STATUS.search(str(group.get("status", "")))
    code = found.group() if found else None
    return Report(reference, None, kind, at, code, gone=code in DEAD)


def _reference(found: Message, parts: Sequence[Message]) -> str | None:
    for text in _texts(found, parts):
        match = _REFERENCE.search(text.lower())
        if match is not None:
            return match.group(1)
    return None


def _texts(found: Message, parts: Sequence[Message]) -> Iterator[str]:
    for name in _RECIPIENT_FIELDS:
        yield from map(str, found.get_all(name, []))
    for part in parts[1:]:
        if part.get_content_type() == "text/rfc822-headers":
            yield from _message_ids(str(part.get_payload()))
        # The returned message stands below a part of the type message/rfc822.
        yield from map(str, part.get_all("message-id", []))


def _message_ids(headers: str) -> list[str]:
    return re.findall(r"(?im)^message-id:(.*(?:\n[ \t].*)*)", headers)


def _date(found: Message) -> datetime | None:
    try:
        at = parsedate_to_datetime(str(found.get("date", "")))
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
