"""The body of a webhook: JSON with a type, a time and data, as Standard Webhooks recommend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

CONTENT_TYPE = "application/json"


def message_id(number: UUID) -> str:
    """The id of a message, the same at every attempt."""
    return f"msg_{number.hex}"


def encode(
    kind: str,
    at: datetime,
    *,
    campaign: UUID,
    run: int,
    occurrence: datetime,
    channel: str,
    deliveries: Iterable[tuple[str, datetime, str | None]],
) -> bytes:
    """Events of one kind in one run; ``at`` is when the first of them took place.

    ``deliveries``: address, moment and the provider's code of each. A recipient has one delivery
    in a run, so that campaign, run and address name it.
    """
    content = {
        "type": f"delivery.{kind}",
        "timestamp": moment(at),
        "data": {
            "campaign": str(campaign),
            "run": run,
            "occurrence": moment(occurrence),
            "channel": channel,
            "deliveries": [
                {"address": address, "at": moment(when), "code": code}
                for address, when, code in deliveries
            ],
        },
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def moment(at: datetime) -> str:
    """ISO 8601 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
