"""API tokens: what a program shows to act for a team.

A token is 256 random bits and is shown once. Only its SHA-256 is stored; with that much entropy a
slow password hash would protect nothing more.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import NotFound
from campaigns.names import checked_name, checked_uuid

SQL = queries.load("campaigns.team", "tokens.sql")

#: Makes a leaked token recognisable to secret scanners.
PREFIX = "sluice_"


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored: everything but the secret."""

    id: UUID
    team_id: UUID
    name: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at its creation, the only moment at which the secret is known."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"NewToken({self.token!r})"


def create(conn: Connection, team_id: UUID, name: str) -> NewToken:
    """Create a token for a team.

    Raises:
        Invalid: the name is empty or too long.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    row = conn.execute(
        SQL["insert_token"],
        {
            "id": uuid4(),
            "team_id": team_id,
            "name": checked_name("name", name),
            "digest": _digest(secret),
        },
    ).fetchone()
    return NewToken(Token(**row or {}), secret)


def list_all(conn: Connection, team_id: UUID) -> list[Token]:
    """All tokens of a team, revoked ones too, oldest first."""
    return [Token(**row) for row in conn.execute(SQL["list_tokens"], {"team_id": team_id})]


def revoke(conn: Connection, team_id: UUID, token_id: str | UUID) -> Token:
    """Make a token worthless from now on; revoking it again changes nothing.

    Raises:
        Invalid: ``token_id`` is not a uuid.
        NotFound: the team has no such token.
    """
    row = conn.execute(
        SQL["revoke_token"], {"team_id": team_id, "id": checked_uuid("token", token_id)}
    ).fetchone()
    if row is None:
        raise NotFound("token", token_id)
    return Token(**row)


def authenticate(conn: Connection, secret: str) -> Token | None:
    """The token with this secret, unless it was revoked.

    The comparison is an index look-up of the digest: its timing tells nothing about the secret.
    """
    row = conn.execute(SQL["find_token"], {"digest": _digest(secret)}).fetchone()
    return None if row is None else Token(**row)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
