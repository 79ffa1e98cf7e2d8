"""The campaigns of a trial, as a seed draws them; pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random

SMALLEST, LARGEST = 50, 2000


@dataclass(frozen=True, slots=True)
class Hold:
    """A pause by hand; seconds after the campaign's first message."""

    at: float
    seconds: float


@dataclass(frozen=True, slots=True)
class OptOut:
    """Recipients who opt out, seconds after its first message; numbers as in ``groups``."""

    at: float
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign. Times in whole seconds count from its start, as they are submitted."""

    #: Ranges of numbers, first and last, that overlap; all of them together are ``size``.
    groups: tuple[tuple[int, int], ...]
    excluded: tuple[int, int] | None
    size: int
    #: Seconds from the beginning of the trial to its submission.
    delay: float = 0.0
    #: Seconds from its submission to its start; ``None``: it starts at once.
    lead: int | None = None
    #: Its throttled window, with pauses from and to.
    window: int | None = None
    pauses: tuple[tuple[int, int], ...] = ()
    leftover: str = "continue"
    expiry: int | None = None
    #: Its own ceiling in messages per second.
    rate: int | None = None
    hold: Hold | None = None
    #: Seconds after its first message.
    stop_at: float | None = None
    opt_outs: tuple[OptOut, ...] = ()
    #: Submitted as a message on the queue, instead of by a call as the command line does. A message
    #: may get lost, and be too late when it is repeated: only what starts at once goes that way.
    queued: bool = False
    #: Whether its provider reports some of the messages as delivered.
    reports: bool = False

    @property
    def seconds(self) -> float:
        """How long something is planned to happen to it after its submission."""
        ends = [2.0, *(one.at for one in self.opt_outs)]
        ends += [float(end) for end in (self.window, self.expiry, self.stop_at) if end is not None]
        if self.hold is not None:
            ends.append(self.hold.at + self.hold.seconds)
        return (self.lead or 0) + max(ends)

    @property
    def has_limits(self) -> bool:
        """Whether there is a time at which nothing of it may be sent, once it has begun."""
        return bool(
            self.pauses
            or self.leftover == "expire"
            or self.expiry
            or self.hold
            or self.stop_at
            or self.opt_outs
        )

    def expected(self) -> set[int]:
        """The numbers that are to get the message, opt-outs aside."""
        numbers = {n for first, last in self.groups for n in range(first, last + 1)}
        if self.excluded is not None:
            numbers -= set(range(self.excluded[0], self.excluded[1] + 1))
        return numbers


def draw(random: Random, family: str) -> tuple[Campaign, ...]:
    """One to three campaigns; the first one leads to the failpoints of ``family``."""
    count = random.choice((1, 1, 2, 2, 3))
    largest = LARGEST if count == 1 else LARGEST // 2
    campaigns = [_draw_one(random, number, largest, family) for number in range(count)]
    if family == "submit":
        campaigns[0] = replace(campaigns[0], queued=True)
    if family == "report":
        campaigns[0] = replace(campaigns[0], reports=True)
    return tuple(campaigns)


def _draw_one(random: Random, number: int, largest: int, family: str) -> Campaign:
    size = round(math.exp(random.uniform(math.log(SMALLEST), math.log(largest))))
    first = number * LARGEST // 4
    shape = random.choice(("plain", "plain", "window", "expiry", "rated", "stopped"))
    if number == 0:
        # What has to be sent, however late; and what must leave something to be closed.
        late = ("plain", "rated") if family == "submit" else ("plain", "plain", "rated", "window")
        shape = random.choice(("expiry", "stopped") if family == "close" else late)
    campaign = Campaign(
        groups=_groups(random, first, size),
        excluded=_excluded(random, first, size),
        size=size,
        delay=0.0 if number == 0 else round(random.uniform(0, 2), 1),
        queued=random.random() < 0.5,
        reports=random.random() < 0.25,
        opt_outs=_opt_outs(random, first, size),
        hold=_hold(random),
    )
    return _shaped(random, campaign, shape, number)


def _shaped(random: Random, campaign: Campaign, shape: str, number: int) -> Campaign:
    size = campaign.size
    if shape == "window":
        length = random.randint(6, 9)
        return replace(
            campaign,
            queued=False,
            lead=random.randint(2, 3),
            window=length,
            pauses=_pauses(random, length),
            leftover=random.choice(("continue", "continue", "expire")) if number else "continue",
        )
    if shape == "expiry":
        expiry = random.randint(5, 8)
        # Too slow for everybody, or just fast enough.
        rate = math.ceil(size / (expiry * random.choice((0.6, 2.5))))
        return replace(campaign, queued=False, lead=random.randint(2, 3), expiry=expiry, rate=rate)
    if shape == "stopped":
        return replace(
            campaign, rate=math.ceil(size / 10), stop_at=round(random.uniform(1, 4), 1), hold=None
        )
    if shape == "rated":
        return replace(campaign, rate=math.ceil(size / random.uniform(3, 7)))
    return campaign


def _groups(random: Random, first: int, size: int) -> tuple[tuple[int, int], ...]:
    cuts = sorted(random.sample(range(1, size), random.randint(0, 2)))
    edges = [0, *cuts, size]
    overlap = random.randint(0, size // 4)
    return tuple((first + max(low - overlap, 0), first + high - 1) for low, high in pairwise(edges))


def _excluded(random: Random, first: int, size: int) -> tuple[int, int] | None:
    if random.random() < 0.5:
        return None
    begin = first + random.randrange(size)
    return begin, begin + random.randint(0, size // 8)


def _pauses(random: Random, length: int) -> tuple[tuple[int, int], ...]:
    if random.random() < 0.3:
        return ()
    begin = random.randint(1, length - 4)
    pauses = [(begin, begin + random.randint(1, 2))]
    if begin + 5 < length and random.random() < 0.5:
        pauses.append((begin + 4, begin + 5))
    return tuple(pauses)


def _hold(random: Random) -> Hold | None:
    if random.random() < 0.65:
        return None
    return Hold(round(random.uniform(0.3, 3), 1), round(random.uniform(1, 2.5), 1))


def _opt_outs(random: Random, first: int, size: int) -> tuple[OptOut, ...]:
    if random.random() < 0.6:
        return ()
    return tuple(
        OptOut(
            round(random.uniform(0.2, 4), 1),
            tuple(first + n for n in random.sample(range(size), random.randint(1, 5))),
        )
        for _ in range(random.randint(1, 3))
    )
