"""Every limit that holds for a campaign, in messages per second, as the limiter keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.campaign.store import Campaign
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig, parse_rate
from campaigns.team.teams import Team
from scheduler.duties.reading import STRICT_FROM
from worker.adapters.registry import build
from worker.engine import PACE
from worker.throttle.gcra import SECOND_US


@dataclass(frozen=True, slots=True)
class Ceiling:
    """One limit."""

    #: Whose it is, in words: the subject of "... allows 50/s".
    owner: str
    #: As it was written.
    rate: str
    #: Messages per second that leave at most, with the distance that the limiter keeps.
    per_second: float


def ceilings(
    campaign: Campaign, team: Team, provider: ProviderConfig, segments: float
) -> list[Ceiling]:
    """All limits, the lowest first. A message has so many ``segments`` on average."""
    cost = segments if provider.counts_segments else 1.0
    found = []
    if provider.rate is not None:
        # A burst is paid for with a longer distance between what leaves.
        limit = _strict(parse_rate(provider.rate), _together(provider), provider.period)
        found.append(Ceiling(provider.name, provider.rate, limit / cost))
    if provider.sender_rate is not None:
        found.append(_limited(f"{provider.name} per sender", provider.sender_rate, cost))
    if team.rate is not None:
        found.append(_limited(f"team {team.name}", team.rate, cost))
    if campaign.rate is not None:
        found.append(_metered(campaign.rate))
    return sorted(found, key=lambda ceiling: ceiling.per_second)


def _together(provider: ProviderConfig) -> int:
    try:
        size = build(provider).capabilities.max_batch
    except ConfigurationError:
        # Its secrets need not be where a plan is made.
        size = 1
    return provider.together(size)


def _limited(owner: str, rate: str, cost: float) -> Ceiling:
    return Ceiling(owner, rate, _strict(parse_rate(rate)) / cost)


def _metered(rate: str) -> Ceiling:
    """The campaign's own: slow ones are held by the scheduler alone."""
    stated = parse_rate(rate)
    return Ceiling("the campaign", rate, _strict(stated) if stated >= STRICT_FROM else stated)


def _strict(per_second: float, burst: int = 1, period: float = 1.0) -> float:
    """Slots lie a little further apart than the rate says, for what leaves late."""
    return SECOND_US / PACE.terms(per_second, burst=burst, period=period).intervals_us[0]
