"""Words that people answer messages with: STOP and its like, and a team's own.

Whoever sends one of :data:`STOP_WORDS` gets nothing more from the team. A team's own word puts its
sender into the group that it is attached to: out, where that is an opt-out group.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, NotFound

SQL = queries.load("campaigns.audience", "keywords.sql")

#: CTIA, Messaging Principles and Best Practices, on opt-out mechanisms, with STOPALL, which Twilio
#: and other vendors take for one: https://help.twilio.com/articles/223134027
STOP_WORDS = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit"})

LONGEST_WORD = 30

#: Letters and digits of any script.
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word of a team, and the group that it leads into."""

    id: UUID
    team_id: UUID
    word: str
    group_id: UUID
    group_name: str
    group_kind: str
    created_at: datetime


def first_word(text: str) -> str | None:
    """The first word of a message, as words are compared; ``None``: it has none.

    In lower case and without accents: phones write "Stop" at the beginning of a message, and some
    put an accent on what is typed.
    """
    found = _WORD.search(_folded(text[:200]))
    return None if found is None else found[0]


def create(
    conn: Connection, team_id: UUID, word: str, group: str | UUID, *, now: datetime
) -> Keyword:
    """Attach a word to a group, or return it if it is attached to that group already.

    Raises:
        Invalid: it is no single word, or one that always opts out.
        NotFound: there is no such group.
        Conflict: the word is attached to another group.
    """
    with conn.transaction():
        folded = _checked(word)
        found = groups.find(conn, team_id, group)
        row = {"id": uuid4(), "team_id": team_id, "word": folded, "group_id": found.id, "now": now}
        conn.execute(SQL["insert_keyword"], row)
        keyword = _find(conn, team_id, folded)
    if keyword is None or keyword.group_id != found.id:
        raise Conflict(f"word: {folded!r} is attached to another group already.")
    return keyword


def find(conn: Connection, team_id: UUID, word: str) -> Keyword | None:
    """The team's keyword that ``word``, as :func:`first_word` gives it, is; ``None``: none."""
    return _find(conn, team_id, word)


def list_all(conn: Connection, team_id: UUID) -> list[Keyword]:
    """The team's keywords in their order."""
    return [Keyword(**row) for row in conn.execute(SQL["list_keywords"], {"team_id": team_id})]


def delete(conn: Connection, team_id: UUID, word: str) -> None:
    """Detach a word from its group.

    Raises:
        NotFound: the team has no such word.
    """
    row = {"team_id": team_id, "word": first_word(word)}
    if conn.execute(SQL["delete_keyword"], row).fetchone() is None:
        raise NotFound("keyword", word)


def _find(conn: Connection, team_id: UUID, word: str) -> Keyword | None:
    row = conn.execute(SQL["find_keyword"], {"team_id": team_id, "word": word}).fetchone()
    return None if row is None else Keyword(**row)


def _checked(word: str) -> str:
    folded = _folded(word.strip())
    if not _WORD.fullmatch(folded) or len(folded) > LONGEST_WORD:
        raise Invalid("word", word, f"must be one word of up to {LONGEST_WORD} letters and digits")
    if folded in STOP_WORDS:
        raise Invalid("word", word, "always opts out of everything, and cannot be attached")
    return folded


def _folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(one for one in apart if not unicodedata.combining(one))
