"""What is outstanding at accounts and below limits, in the units that these count.

The ledger counts messages, and an account may count SMS segments. How many of these a message has
is known of each run, so everything outstanding is weighed by the runs that it belongs to.

Pure: no clock, no I/O.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from scheduler.model import Account, Run
from scheduler.sharing import Claim


@dataclass(frozen=True, slots=True)
class Outstanding:
    """Cut and not yet claimed, or handed back until later."""

    #: With what is outstanding there in their own units.
    accounts: Mapping[str, Account]
    #: Units below each limit of a sender, a team or a campaign.
    limits: Mapping[str, int]
    #: Messages of each run at each account.
    held: Mapping[Claim, int]


def outstanding(
    runs: Iterable[Run],
    accounts: Mapping[str, Account],
    used: Mapping[str, int],
    held: Mapping[Claim, int],
) -> Outstanding:
    """From messages to units.

    ``accounts`` come with all messages outstanding there. ``used`` below each limit and ``held`` by
    each run know nothing of what was handed back until later, because there was no room for it yet:
    that is added here, or each tick would cut the next rows in its place.
    """
    by_id = {run.run_id: run for run in runs}
    messages, below = dict(held), dict(used)
    for run in by_id.values():
        later = sum(lane.later for lane in run.lanes)
        if later and run.provider in accounts:
            claim = Claim(run.provider, run.run_id)
            messages[claim] = messages.get(claim, 0) + later
            for limit in accounts[run.provider].limits(run):
                below[limit.key] = below.get(limit.key, 0) + later
    costs = _costs(messages, by_id, accounts)
    return Outstanding(
        {
            name: replace(
                account, outstanding=math.ceil(account.outstanding * costs.get(name, 1.0))
            )
            for name, account in accounts.items()
        },
        {key: math.ceil(amount * costs.get(key, 1.0)) for key, amount in below.items()},
        messages,
    )


def _costs(
    held: Mapping[Claim, int], runs: Mapping[int, Run], accounts: Mapping[str, Account]
) -> dict[str, float]:
    """Units of a message outstanding at each account and below each limit, on average."""
    found: dict[str, tuple[int, int]] = {}
    for claim, amount in held.items():
        run, account = runs.get(claim.run_id), accounts.get(claim.account)
        if run is None or account is None:
            continue
        keys = [limit.key for limit in account.limits(run)]
        if account.per_second is not None:
            keys.append(account.name)
        for key in keys:
            messages, units = found.get(key, (0, 0))
            found[key] = messages + amount, units + amount * account.cost(run)
    return {key: units / messages for key, (messages, units) in found.items() if messages}
