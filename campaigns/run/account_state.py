"""How an account fares, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from campaigns import queries
from campaigns.campaign import times
from campaigns.database import Connection

_SQL = queries.load("campaigns.run", "signs.sql")


class AccountState(NamedTuple):
    """``code`` is stable and for programs, ``text`` is for people."""

    code: Literal["well", "refused", "unreachable", "resting"]
    text: str


#: Of an account of which nothing bad is known.
WELL = AccountState("well", "well")


def states(conn: Connection) -> dict[str, AccountState]:
    """The accounts that something ever happened to, by their names."""
    return {row["provider"]: _state(row) for row in conn.execute(_SQL.account_states)}


def _state(row: Mapping[str, Any]) -> AccountState:
    rests_until = row["rests_until"]
    moment = "now" if rests_until is None else f"at {times.render(rests_until)}"
    if row["refusal"] is not None:
        return AccountState("refused", f"refused ({row['refusal']}); asked again {moment}")
    if row["circuit"] == "open":
        failures = f"{row['failures']:,} failures in a row"
        return AccountState("unreachable", f"not reached, {failures}; tried again {moment}")
    if rests_until is not None:
        why = f" ({row['cooling_reason']})" if row["cooling_reason"] else ""
        return AccountState("resting", f"rests until {times.render(rests_until)}{why}")
    return WELL
