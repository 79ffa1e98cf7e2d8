"""The settlement of a claimed row: what its outcome means at its account, in its run's chain."""

from __future__ import annotations

from worker import doubt, outcomes
from worker.account import Account
from worker.accounts import Accounts
from worker.ledger import Claimed
from worker.outcomes import Result, Settlement


def settlement(
    accounts: Accounts, account: Account, first: str, row: Claimed, outcome: Result
) -> Settlement:
    """What is written to ``row``, of a run on ``first``, that was sent through ``account``."""
    # Over the whole chain of the run's account, unless it is no longer configured.
    most = accounts.most_attempts(first) or account.config.max_attempts
    found = outcomes.settle(row.run_id, row.seq, row.attempts, outcome, max_attempts=most)
    resends = account.config.in_doubt == "resend"
    return doubt.settle(
        found,
        attempts=row.attempts,
        was_in_doubt=row.in_doubt,
        last_attempt=accounts.last_attempt(first, account.config.name) if resends else 0,
    )
