"""Messages that people send back: whose they are, and what their first word does.

Nothing of a message is kept but what it does. Whom it is for:

1. the team that last wrote to its sender, from the number that it was sent to, by the account that
   brings it;
2. where nobody did, as by a campaign of years ago, every team that writes from that number by that
   account. For a word that ends something that is the safe side; a word of a team's own counts for
   the team that has it;
3. where no campaign has that number any more, because the sender of one was changed, every team
   that wrote to its sender by that account.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from psycopg.errors import LockNotAvailable

from campaigns.audience import gone, groups, keywords, pending
from campaigns.audience.keywords import SQL, STOP_WORDS
from campaigns.database import Connection
from campaigns.errors import Locked

#: E.164, with or without its plus.
_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """What somebody sent to a number of ours."""

    #: The configured account that brought it.
    provider: str
    #: In international form, with or without a plus.
    sender: str = field(repr=False)
    #: The number it was sent to, and what else a campaign may have as its sender for that.
    recipients: tuple[str, ...] = field(repr=False)
    text: str = field(repr=False)


def receive(conn: Connection, messages: Sequence[InboundMessage]) -> int:
    """Do what messages ask for; returns how many of them were understood.

    Each is done by itself, so that one that cannot be done stops no other; to do one again changes
    nothing.

    Raises:
        Locked: an import of the same address did not end in time.
    """
    return sum(_receive(conn, message) for message in messages)


def _receive(conn: Connection, message: InboundMessage) -> bool:
    word = keywords.first_word(message.text)
    phone = _phone(message.sender)
    if word is None or phone is None:
        return False
    understood = False
    with conn.transaction():
        conn.execute(groups.SQL["wait_longer"])
        for team_id in _teams(conn, message, phone):
            try:
                understood |= _obey(conn, team_id, word, phone)
            except LockNotAvailable:
                rule = "the opt-outs are being imported; try again shortly."
                raise Locked(f"address: {rule}") from None
    return understood


def _obey(conn: Connection, team_id: UUID, word: str, phone: str) -> bool:
    if word in STOP_WORDS:
        _join(conn, groups.find_default_optouts(conn, team_id).id, phone)
        return True
    keyword = keywords.find(conn, team_id, word)
    if keyword is None:
        return False
    _join(conn, keyword.group_id, phone)
    if keyword.group_kind == "optin":
        gone.bring_back(conn, team_id, {"phone": [phone]})
    return True


def _join(conn: Connection, group_id: UUID, phone: str) -> None:
    conn.execute(SQL["join_group"], {"group_id": group_id, "phone": phone})
    pending.once_more(conn, group_id, "add", [{"phone": phone}])


def _teams(conn: Connection, message: InboundMessage, phone: str) -> list[UUID]:
    senders = [one.removeprefix("+") for one in message.recipients]
    given = {"senders": senders, "address": phone, "provider": message.provider}
    last = conn.execute(SQL["last_writer"], given).fetchone()
    if last is not None:
        return [last["team_id"]]
    for query in ("teams_that_send", "teams_that_wrote"):
        if found := [row["team_id"] for row in conn.execute(SQL[query], given)]:
            return found
    return []


def _phone(sender: str) -> str | None:
    """The number as it is stored; ``None``: a name or a short code, to whom nothing is sent."""
    found = _NUMBER.fullmatch(sender.strip())
    return None if found is None else found[1]
