"""Everything that a plan says, computed once; the other modules only show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from campaigns.campaign.store import Campaign
from campaigns.database import Connection
from campaigns.links.linking import Placed
from campaigns.providers import ProviderConfig
from campaigns.team.teams import Team
from cli.planning.carriage import uncarried
from cli.planning.ceilings import Ceiling, ceilings
from cli.planning.occurrences import Listed, listed
from cli.planning.prospect import Prospect, prospect
from cli.planning.recipients import Lengths, Recipients, lengths, recipients


@dataclass(frozen=True, slots=True)
class Plan:
    """A campaign that is not stored, and what it would do if it were."""

    campaign: Campaign
    team: Team
    provider: ProviderConfig
    now: datetime
    recipients: Recipients
    lengths: Lengths | None
    #: The lowest first; empty where nothing limits it.
    ceilings: tuple[Ceiling, ...]
    occurrences: Listed
    #: Its first occurrence.
    run: Prospect
    #: The start as it was written, where clocks go forward over it.
    start_moved: datetime | None = None
    #: What its account cannot carry: "a card".
    uncarried: str | None = None


def planned(
    conn: Connection,
    team: Team,
    campaign: Campaign,
    provider: ProviderConfig,
    now: datetime,
    *,
    links: Sequence[Placed] = (),
    occurrences: int,
    start_moved: datetime | None = None,
) -> Plan:
    """The plan of a checked ``campaign`` with at most so many ``occurrences``, the first in full.

    It reads the audience as it is now.
    """
    who = recipients(conn, campaign)
    found = lengths(conn, campaign, who.total, links)
    coming = listed(campaign, occurrences)
    plan = computed(campaign, team, provider, now, who, found, coming, start_moved)
    return replace(plan, uncarried=uncarried(campaign, provider))


def computed(
    campaign: Campaign,
    team: Team,
    provider: ProviderConfig,
    now: datetime,
    who: Recipients,
    found: Lengths | None,
    coming: Listed,
    start_moved: datetime | None = None,
) -> Plan:
    """The plan, from all that had to be read. Pure."""
    segments = (found and found.average) or float(campaign.segments)
    limits = ceilings(campaign, team, provider, segments)
    per_second = limits[0].per_second if limits else None
    lanes: list[tuple[str | None, int]] = [(zone.zone, zone.recipients) for zone in who.zones]
    lanes = lanes or [(None, who.total)]
    run = prospect(campaign, team, lanes, per_second, coming.moments[0], now)
    return Plan(campaign, team, provider, now, who, found, tuple(limits), coming, run, start_moved)
