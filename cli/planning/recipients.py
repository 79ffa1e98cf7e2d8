"""Who would get a campaign right now, in which time zones, and how long the message is for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from campaigns.audience import audience
from campaigns.audience.audience import ZoneShare
from campaigns.campaign.message import sms_text
from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.links import linking
from campaigns.links.linking import Placed
from campaigns.schedule.local import to_local
from campaigns.segmentation.condition import Condition
from campaigns.segmentation.references import condition_of
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
    #: For how many of them the message has more segments than the campaign allows. They get none,
    #: and are in no other number here than ``rendered``.
    too_long: int = 0


def recipients(conn: Connection, campaign: Campaign) -> Recipients:
    """Count them."""
    who = (
        conn, campaign.team_id, campaign.sending_type, campaign.included, campaign.excluded,
    )  # fmt: skip
    selected = _selected(conn, campaign)
    if not campaign.recipient_local:
        return Recipients(audience.count(*who, selected=selected))
    zones = audience.count_by_zone(*who, fallback=campaign.timezone, selected=selected)
    return Recipients(sum(zone.recipients for zone in zones), tuple(zones))


def lengths(
    conn: Connection, campaign: Campaign, total: int, links: Sequence[Placed] = ()
) -> Lengths | None:
    """The segments of ``campaign``'s message; ``None`` where there are none, or nobody to send to.

    Rendered for everybody, or for :data:`SAMPLE` of them. A text without fields of a contact is the
    same for all.
    """
    if campaign.sending_type != "sms" or not total:
        return None
    template = linking.prepared("sms", campaign.template, campaign.template_vars, links)

    def text(fields: Mapping[str, str]) -> str:
        return sms_text(template.render(fields), transliterate=campaign.transliterate)

    if not template.fields:
        return measured([text({})], total, exact=True)
    who = (
        conn, campaign.team_id, campaign.sending_type, campaign.included, campaign.excluded,
    )  # fmt: skip
    fields = audience.sample(*who, most=SAMPLE, selected=_selected(conn, campaign))
    texts = [text(each) for each in fields]
    return measured(texts, total, exact=len(texts) >= total, max_parts=campaign.max_parts)


def _selected(conn: Connection, campaign: Campaign) -> Condition | None:
    """Whom of its groups its first run is for."""
    first = campaign.next_dt or campaign.scheduled_send_date
    return condition_of(
        conn,
        campaign.team_id,
        campaign.segmentation,
        campaign.contact_segments,
        to_local(first, campaign.timezone).date(),
    )


def measured(
    texts: Sequence[str], total: int, *, exact: bool, max_parts: int | None = None
) -> Lengths:
    """The lengths of ``texts``, which stand for those of ``total`` recipients."""
    found = [parts(text) for text in texts]
    sent = [each for each in found if max_parts is None or each.segments <= max_parts]
    counts = [each.segments for each in sent] or [0]
    return Lengths(
        fewest=min(counts),
        most=max(counts),
        average=sum(counts) / len(counts),
        rendered=len(found),
        unicode=sum(each.encoding is Encoding.UCS_2 for each in sent),
        all=round(sum(counts) / len(found) * total),
        exact=exact,
        too_long=len(found) - len(sent),
    )
