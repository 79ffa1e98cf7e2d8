"""Who may hand out how much: accounts and their fall-backs, limits of senders and teams, shares.

Pure: takes ``now``, does no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from campaigns.schedule import adaptive
from scheduler.allocation import ACCOUNTS, LEVELS, SENDERS, TEAMS, by_class
from scheduler.demand import Demand, LaneDemand, Waiting
from scheduler.model import Account, Limit, Run
from scheduler.pacing import QUANTUM

#: Never more than this many quanta of a limit are cut and not yet claimed, so that a change of mind
#: (pause, rate, share) is felt at once.
OUTSTANDING_QUANTA = 2

#: The same for an account without a ceiling, in messages.
OUTSTANDING_WITHOUT_CEILING = 20_000

#: An account that has to rest for longer than this is taken over for, if it names somebody.
LONG_REST = timedelta(seconds=30)


class Claim(NamedTuple):
    """Names what one run wants of one account."""

    account: str
    run_id: int


class Part(NamedTuple):
    """What one lane wants of one account: retries that are due there, and untried messages."""

    lane: LaneDemand
    retries: int
    paced: int

    @property
    def amount(self) -> int:
        return self.retries + self.paced


@dataclass(frozen=True, slots=True)
class Wish:
    """What one run wants of one account, lane by lane."""

    run: Run
    parts: tuple[Part, ...]

    @property
    def amount(self) -> int:
        return sum(part.amount for part in self.parts)


def route(
    provider: str,
    attempts: int,
    accounts: Mapping[str, Account],
    now: datetime,
    bound_to: str | None = None,
) -> str | None:
    """The account that a message goes to after so many attempts; ``None``: none is configured.

    The next of the chain takes over once an account's attempts are used up, and for as long as it
    can accept nothing; but never where the message is bound to an account because it is in doubt.
    """
    if bound_to is not None:
        return bound_to if bound_to in accounts else None
    first = accounts.get(provider)
    if first is None:
        return None
    position = adaptive.chain_position(attempts, first.attempts)
    left = first.chain[position:]
    able = (name for name in left if name in accounts and _accepts(accounts[name], now))
    return next(able, left[0])


def wishes(
    demands: Iterable[Demand], waiting: Waiting, accounts: Mapping[str, Account], now: datetime
) -> dict[Claim, Wish]:
    """Every demand, at the account that it goes to."""
    found: dict[Claim, Wish] = {}
    for demand in demands:
        run = demand.run
        main = route(run.provider, 0, accounts, now) if demand.amount else None
        if main is None:
            continue
        by_account: dict[str, list[Part]] = {}
        probes = list(_to_be_probed(run, main, accounts, now))
        for lane in demand.lanes:
            for name, part in _parts(run, lane, main, probes, waiting, accounts, now):
                by_account.setdefault(name, []).append(part)
        for name, parts in by_account.items():
            found[Claim(name, run.run_id)] = Wish(run, tuple(parts))
    return found


def shares(
    found: Mapping[Claim, Wish],
    accounts: Mapping[str, Account],
    used: Mapping[str, int],
    now: datetime,
    *,
    held: Mapping[Claim, int] | None = None,
    tick: int = 0,
) -> dict[Claim, int]:
    """Messages per claim.

    ``used`` says how many units are outstanding below each limit key, ``held`` how many messages of
    each claim.
    """
    amounts = {claim: wish.amount for claim, wish in found.items()}
    costs = {claim: accounts[claim.account].cost(wish.run) for claim, wish in found.items()}
    for limit, claims in _limited(found, accounts):
        ceiling = _ceiling(limit.per_second, _dearest(claims, amounts, costs))
        free = max(ceiling - used.get(limit.key, 0), 0)
        stage = SENDERS if limit.key.startswith("sender:") else TEAMS
        amounts |= _shared(found, amounts, claims, free, tick, stage, costs)
    by_account: dict[str, list[Claim]] = {}
    for claim in found:
        by_account.setdefault(claim.account, []).append(claim)
    for name, claims in by_account.items():
        account = accounts[name]
        free = capacity(account, now, _dearest(claims, amounts, costs))
        # A probe is one message, whatever it costs; and where there is no ceiling, nothing is dear.
        alike = account.per_second is None or account.health.circuit == "open"
        here = dict.fromkeys(claims, 1) if alike else costs
        amounts |= _levelled(found, amounts, claims, held or {}, free, tick, here)
        amounts |= _shared(found, amounts, claims, free, tick, ACCOUNTS, here)
    return amounts


def capacity(account: Account, now: datetime, dearest: int = 1) -> int:
    """How many units may be cut for this account now, where a message takes up to ``dearest``."""
    whole = OUTSTANDING_WITHOUT_CEILING
    if account.per_second is not None:
        whole = _ceiling(account.per_second, dearest)
    return adaptive.capacity(account.health, now, whole, account.outstanding)


def _ceiling(per_second: float, dearest: int) -> int:
    """Two quanta, or one message if that is more."""
    return max(dearest, math.floor(per_second * OUTSTANDING_QUANTA * QUANTUM.total_seconds()))


def _dearest(
    claims: Iterable[Claim], amounts: Mapping[Claim, int], costs: Mapping[Claim, int]
) -> int:
    return max((costs[claim] for claim in claims if amounts[claim]), default=1)


def _accepts(account: Account, now: datetime) -> bool:
    rest = account.health.cooling_until
    resting = rest is not None and rest - now > LONG_REST
    return account.health.circuit == "closed" and not resting


def _to_be_probed(
    run: Run, main: str, accounts: Mapping[str, Account], now: datetime
) -> Iterator[str]:
    """Accounts that somebody stands in for and that may be asked whether they are back."""
    for name in accounts[run.provider].chain:
        if name == main:
            return
        if name in accounts and capacity(accounts[name], now) == 1:
            yield name


def _parts(
    run: Run,
    lane: LaneDemand,
    main: str,
    probes: list[str],
    waiting: Waiting,
    accounts: Mapping[str, Account],
    now: datetime,
) -> Iterator[tuple[str, Part]]:
    retries: dict[str, int] = {}
    left = lane.retries
    for piece in waiting.get(lane.lane.key, ()) if left else ():
        if piece.kind == "retry":
            name = route(run.provider, piece.attempts, accounts, now, piece.bound_to)
            if name is None:
                # Bound to an account that is gone: the next tick gives up on it.
                continue
            amount = min(piece.messages, left)
            retries[name] = retries.get(name, 0) + amount
            left -= amount
    # Of all that ask to make a probe one will, so what it is made of is wanted of the main one too.
    while lane.paced and probes:
        yield probes.pop(), Part(lane, 0, 1)
    retries.setdefault(main, 0)
    for name, amount in retries.items():
        part = Part(lane, amount, lane.paced if name == main else 0)
        if part.amount:
            yield name, part


def _limited(
    found: Mapping[Claim, Wish], accounts: Mapping[str, Account]
) -> list[tuple[Limit, list[Claim]]]:
    groups: dict[Limit, list[Claim]] = {}
    for claim, wish in found.items():
        for limit in accounts[claim.account].limits(wish.run):
            groups.setdefault(limit, []).append(claim)
    return list(groups.items())


def _levelled(
    found: Mapping[Claim, Wish],
    amounts: Mapping[Claim, int],
    claims: Sequence[Claim],
    held: Mapping[Claim, int],
    free: int,
    tick: int,
    costs: Mapping[Claim, int],
) -> dict[Claim, int]:
    """What each lacks of its fair share of everything outstanding.

    Who comes when others hold all there is would else get no more than its part of what they send
    in a second, and reach its share slowly.
    """
    own = {claim: held.get(claim, 0) for claim in claims}
    if not any(own.values()):
        return {}
    whole = {claim: amounts[claim] + own[claim] for claim in claims}
    everything = free + sum(n * costs[claim] for claim, n in own.items())
    fair = _shared(found, whole, claims, everything, tick, LEVELS, costs)
    return {claim: min(amounts[claim], max(fair[claim] - own[claim], 0)) for claim in claims}


def _shared(
    found: Mapping[Claim, Wish],
    amounts: Mapping[Claim, int],
    claims: Sequence[Claim],
    free: int,
    tick: int,
    stage: int,
    costs: Mapping[Claim, int],
) -> dict[Claim, int]:
    return by_class(
        {claim: amounts[claim] for claim in claims},
        {claim: found[claim].run.weight for claim in claims},
        {claim: found[claim].run.priority for claim in claims},
        free,
        rotation=tick,
        stage=stage,
        costs=costs,
    )
