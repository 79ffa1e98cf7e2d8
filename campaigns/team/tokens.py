"""API tokens: what a program shows to act for a team.

A token is 256 random bits and is shown once. Only its SHA-256 is stored; with that much entropy a
slow password hash would protect nothing more. What it allows are its scopes: ``read`` looks,
``write`` changes what sends nothing by itself, ``send`` lets messages go out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.names import checked_name, checked_uuid

SQL = queries.load("campaigns.team", "tokens.sql")

#: Makes a leaked token recognisable to secret scanners.
PREFIX = "sluice_"

Scope = Literal["read", "write", "send"]

#: What a token may do unless it is limited.
ALL_SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is stored: everything but the secret."""

    id: UUID
    team_id: UUID
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    #: Worthless from then on; ``None``: until it is revoked.
    expires_at: datetime | None
    revoked_at: datetime | None
    #: The client that obtained it (RFC 6749, section 4.4); ``None``: a person made it.
    client_id: UUID | None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at its creation, the only moment at which the secret is known."""

    token: Token
    secret: str

    def __repr__(self) -> str:
        return f"NewToken({self.token!r})"


def create(
    conn: Connection,
    team_id: UUID,
    name: str,
    *,
    scopes: Collection[str] = ALL_SCOPES,
    expires_at: datetime | None = None,
    client_id: UUID | None = None,
) -> NewToken:
    """Create a token for a team.

    Raises:
        Invalid: the name is empty or too long, or a scope is none.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    row = conn.execute(
        SQL["insert_token"],
        {
            "id": uuid4(),
            "team_id": team_id,
            "name": checked_name("name", name),
            "digest": digest(secret),
            "scopes": checked_scopes(scopes),
            "expires_at": expires_at,
            "client_id": client_id,
        },
    ).fetchone()
    return NewToken(_token(row or {}), secret)


def rotate(
    conn: Connection, team_id: UUID, token_id: str | UUID, *, old_ends_at: datetime
) -> NewToken:
    """A new token that may do what this one may; the old one ends at ``old_ends_at``.

    Until then both are good, so that a program can be given the new one without a gap. An end that
    the old one had stays the end of the new one.

    Raises:
        Invalid: ``token_id`` is not a uuid.
        NotFound: the team has no such token, or it is worthless already.
    """
    wanted = {"team_id": team_id, "id": checked_uuid("token", token_id)}
    with conn.transaction():
        row = conn.execute(SQL["end_token"], {**wanted, "expires_at": old_ends_at}).fetchone()
        if row is None:
            raise NotFound("token", token_id)
        end = row.pop("ended_at")
        old = _token(row)
        return create(
            conn,
            team_id,
            old.name,
            scopes=old.scopes,
            expires_at=end,
            client_id=old.client_id,
        )


def list_all(conn: Connection, team_id: UUID) -> list[Token]:
    """All tokens of a team, revoked ones too, oldest first."""
    return [_token(row) for row in conn.execute(SQL["list_tokens"], {"team_id": team_id})]


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
    return _token(row)


def authenticate(conn: Connection, secret: str, now: datetime) -> Token | None:
    """The token with this secret, unless it was revoked, or is over, or its client was revoked.

    The comparison is an index look-up of the digest: its timing tells nothing about the secret.
    """
    row = conn.execute(SQL["find_token"], {"digest": digest(secret), "now": now}).fetchone()
    return None if row is None else _token(row)


def digest(secret: str) -> bytes:
    """What is stored of a secret: its SHA-256."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def checked_scopes(scopes: Collection[str]) -> list[str]:
    """``scopes`` in their usual order, each once.

    Raises:
        Invalid: one is no scope, or there is none.
    """
    for scope in scopes:
        if scope not in ALL_SCOPES:
            raise Invalid("scopes", scope, f"must be some of {', '.join(ALL_SCOPES)}")
    if not scopes:
        raise Invalid("scopes", None, f"must be some of {', '.join(ALL_SCOPES)}")
    return [scope for scope in ALL_SCOPES if scope in scopes]


def _token(row: Mapping[str, Any]) -> Token:
    return Token(**{**row, "scopes": tuple(row["scopes"])})
