"""Addresses that providers called dead for ever, which later runs leave out.

An address is dead for a channel, since a number without WhatsApp may well get an SMS. It stays on
its team's list until somebody gives it anew, by an import or by adding the contact.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from campaigns import queries
from campaigns.channels import ADDRESS_COLUMN
from campaigns.database import Connection

SQL = queries.load("campaigns.audience", "gone.sql")

#: By the kind of an address, the channels that send to it.
CHANNELS: Mapping[str, Sequence[str]] = {
    kind: [channel for channel, column in ADDRESS_COLUMN.items() if column == kind]
    for kind in queries.ADDRESS_COLUMNS
}


def leave_out(conn: Connection, run_id: int, team_id: UUID, channel: str) -> None:
    """Settle the run's recipients whose address is dead as suppressed, with the code ``gone``."""
    run = {"run_id": run_id, "team_id": team_id, "channel": channel, "now": None}
    conn.execute(SQL["leave_out_gone"], run)


def note(conn: Connection, reported: Sequence[tuple[int | None, int | None, str | None]]) -> None:
    """Put the addresses of deliveries on their teams' lists: run, number, the provider's word.

    For what is reported afterwards, as a bounce is. What is answered at once, the send worker notes
    itself.
    """
    if reported:
        run_ids, seqs, codes = map(list, zip(*reported, strict=True))
        conn.execute(SQL["note_reported"], {"run_ids": run_ids, "seqs": seqs, "codes": codes})


def bring_back(conn: Connection, team_id: UUID, given: Mapping[str, Sequence[str]]) -> None:
    """Take the addresses in ``given``, by their kind, off the team's list."""
    for kind, addresses in given.items():
        if addresses:
            found = {"team_id": team_id, "channels": CHANNELS[kind], "addresses": list(addresses)}
            conn.execute(SQL["bring_back"], found)


def bring_back_staged(conn: Connection, team_id: UUID) -> None:
    """Take all addresses of the import that is under way off the team's list."""
    for kind, channels in CHANNELS.items():
        found = {"team_id": team_id, "channels": channels}
        conn.execute(SQL.by_address("bring_back_staged", kind), found)
