"""What the messages of one run share, read once per batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from campaigns.links.linking import Placed
from worker.stretches import stretches


@dataclass(frozen=True, slots=True)
class RunContext:
    """What the messages of one run share."""

    #: The account that the run was made for, the first of its chain.
    provider: str
    template: str
    template_vars: Mapping[str, str]
    sender: str
    expires_at: datetime | None
    #: Signs the references of the run's messages, from the first to the last.
    signing_key: bytes = field(repr=False)
    #: SMS segments of one message, as far as its text tells before it is rendered.
    segments: int = 1
    #: Its rows in the batch, each stretch from the first to one past the last.
    stretches: tuple[tuple[int, int], ...] = ()
    #: Of text messages: see :class:`campaigns.campaign.store.Campaign`.
    transliterate: bool = False
    max_parts: int | None = None
    #: Somebody is to be told what becomes of its messages.
    announces: bool = False
    #: Of which each recipient has its own; their codes are made with ``signing_key`` too.
    links: tuple[Placed, ...] = ()
    #: Where the bounces of its e-mails come back to, instead of to the account's own address.
    bounce_domain: str | None = None


def context(row: Mapping[str, Any]) -> RunContext:
    """The context in a row of ``batch_contexts`` in campaigns/run/ledger.sql."""
    return RunContext(
        row["provider"],
        row["template"],
        row["template_vars"],
        row["sender"],
        row["expires_at"],
        row["signing_key"],
        row["segments"],
        tuple(stretches(row["slices"])),
        row["transliterate"],
        row["max_parts"],
        row["announces"],
        tuple(Placed(*link) for link in row["links"] or ()),
        row["bounce_domain"],
    )
