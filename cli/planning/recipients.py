"""Who would get a campaign right now, in which time zones, and how long the message is for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from campaigns.audience import audience
from campaigns.audience.audience import ZoneShare
from campaigns.campaign.store import Campaign
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import Connection
from campaigns.template import render
from campaigns.template.segments import Encoding, parts

#: For so many recipients the message is rendered at most.
SAMPLE = 2_000


@dataclass(frozen=True, slots=True)
class Recipients:
    """How many there are, and where they live, if the campaign goes by that."""

    total: int
    zones: tuple[ZoneShare, ...] = ()

    @property
    def fallbacks(self) -> int:
        """Recipients without a time zone of their own."""
        return sum(zone.fallbacks for zone in self.zones)


@dataclass(frozen=True, slots=True)
class Lengths:
    """SMS segments of the message, over those that it was rendered for."""

    fewest: int
    most: int
    average: float
    rendered: int
    #: How many of them need UCS-2, with 70 characters to a segment instead of 160.
    unicode: int
    #: Segments of all recipients together, and whether that is a count or taken from the part.
    all: int
    exact: bool


def recipients(conn: Connection, campaign: Campaign) -> Recipients:
    """Count them."""
    column = ADDRESS_COLUMN[campaign.sending_type]
    who = (conn, campaign.team_id, column, campaign.included, campaign.excluded)
    if not campaign.recipient_local:
        return Recipients(audience.count(*who))
    zones = audience.count_by_zone(*who, fallback=campaign.timezone)
    return Recipients(sum(zone.recipients for zone in zones), tuple(zones))


def lengths(conn: Connection, campaign: Campaign, total: int) -> Lengths | None:
    """The segments of ``campaign``'s message; ``None`` where there are none, or nobody to send to.

    Rendered for everybody, or for :data:`SAMPLE` of them. A text without fields of a contact is the
    same for all.
    """
    if campaign.sending_type != "sms" or not total:
        return None
    template = render.compile(campaign.template).bind(campaign.template_vars)
    if not template.fields:
        return measured([template.render({})], total, exact=True)
    column = ADDRESS_COLUMN[campaign.sending_type]
    who = (conn, campaign.team_id, column, campaign.included, campaign.excluded)
    fields = audience.sample(*who, most=SAMPLE)
    texts = [template.render(each) for each in fields]
    return measured(texts, total, exact=len(texts) >= total)


def measured(texts: Sequence[str], total: int, *, exact: bool) -> Lengths:
    """The lengths of ``texts``, which stand for those of ``total`` recipients."""
    found = [parts(text) for text in texts]
    counts = [each.segments for each in found]
    average = sum(counts) / len(counts)
    return Lengths(
        fewest=min(counts),
        most=max(counts),
        average=average,
        rendered=len(counts),
        unicode=sum(each.encoding is Encoding.UCS_2 for each in found),
        all=round(average * total),
        exact=exact,
    )
