"""API clients: programs that obtain their tokens themselves (RFC 6749, section 4.4).

A client belongs to one team. With its secret, and from the networks it is limited to, it is granted
tokens that last for a week and may do what the client may. A secret is made, shown once and stored
as that of a token is (:mod:`campaigns.team.tokens`).
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.names import checked_name, checked_uuid
from campaigns.team import tokens
from campaigns.team.tokens import ALL_SCOPES, NewToken, Scope

SQL = queries.load("campaigns.team", "clients.sql")

#: HORISEN: "expires_in":604800.
TOKEN_LIFE = timedelta(seconds=604_800)

#: Tokens of one client at once: each process of a program may hold one of its own. The oldest ends
#: where there would be more.
MOST_TOKENS = 1_000

#: Networks that a client may be limited to.
MOST_NETWORKS = 100

#: Makes a leaked secret recognisable to secret scanners.
PREFIX = "sluice_client_"

#: What the secret of a client that does not exist is compared with.
_NOBODY = bytes(32)

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Client:
    """A client as it is stored: everything but the secret. Its ``id`` is RFC 6749's client_id."""

    id: UUID
    team_id: UUID
    name: str
    scopes: tuple[Scope, ...]
    #: Where it may ask for tokens from; none: from anywhere.
    networks: tuple[Network, ...]
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class NewClient:
    """A client at the only moments at which its secret is known."""

    client: Client
    secret: str

    def __repr__(self) -> str:
        return f"NewClient({self.client!r})"


def create(
    conn: Connection,
    team_id: UUID,
    name: str,
    *,
    scopes: Collection[str] = ALL_SCOPES,
    networks: Collection[str] = (),
) -> NewClient:
    """Create a client for a team; ``networks`` are addresses, or networks such as 10.0.0.0/8.

    Raises:
        Invalid: the name is empty or too long, a scope or a network is none, or there are too many.
    """
    secret = _new_secret()
    row = conn.execute(
        SQL["insert_client"],
        {
            "id": uuid4(),
            "team_id": team_id,
            "name": checked_name("name", name),
            "digest": tokens.digest(secret),
            "scopes": tokens.checked_scopes(scopes),
            "networks": _checked_networks(networks),
        },
    ).fetchone()
    return NewClient(_client(row or {}), secret)


def rotate(conn: Connection, team_id: UUID, client_id: str | UUID) -> NewClient:
    """Give the client another secret. The one before is worthless at once, its tokens are not.

    Raises:
        Invalid: ``client_id`` is not a uuid.
        NotFound: the team has no such client, or it was revoked.
    """
    secret = _new_secret()
    row = conn.execute(
        SQL["replace_secret"],
        {
            "team_id": team_id,
            "id": checked_uuid("client", client_id),
            "digest": tokens.digest(secret),
        },
    ).fetchone()
    if row is None:
        raise NotFound("client", client_id)
    return NewClient(_client(row), secret)


def list_all(conn: Connection, team_id: UUID) -> list[Client]:
    """All clients of a team, revoked ones too, oldest first."""
    return [_client(row) for row in conn.execute(SQL["list_clients"], {"team_id": team_id})]


def revoke(conn: Connection, team_id: UUID, client_id: str | UUID) -> Client:
    """Make a client and all of its tokens worthless from now on; again, it changes nothing.

    Raises:
        Invalid: ``client_id`` is not a uuid.
        NotFound: the team has no such client.
    """
    wanted = {"team_id": team_id, "id": checked_uuid("client", client_id)}
    row = conn.execute(SQL["revoke_client"], wanted).fetchone()
    if row is None:
        raise NotFound("client", client_id)
    return _client(row)


def grant(
    conn: Connection,
    client_id: UUID,
    secret: str,
    address: str | None,
    now: datetime,
    *,
    scopes: Collection[str] | None = None,
) -> NewToken | None:
    """A new token for the client that has this secret and asks from ``address``.

    ``None``: there is no such client, or the secret is another one, or it asks from somewhere else.
    Nothing tells which, and the time it takes does not either. ``scopes`` are some of the client's.

    Raises:
        Invalid: the client may not have one of the scopes.
    """
    row = conn.execute(SQL["find_client"], {"id": client_id}).fetchone()
    stored = bytes(row.pop("digest")) if row else _NOBODY
    shown = tokens.digest(secret)
    fits = hmac.compare_digest(shown, stored)
    if row is None or not fits:
        return None
    client = _client(row)
    if not _is_allowed(client, address):
        return None
    wanted = client.scopes if scopes is None else tokens.checked_scopes(scopes)
    for scope in wanted:
        if scope not in client.scopes:
            raise Invalid("scopes", scope, "is not among the scopes of this client")
    with conn.transaction():
        # Of many requests at once, each sees the tokens of those before.
        if conn.execute(SQL["lock_client"], {"id": client.id, "digest": shown}).fetchone() is None:
            return None
        conn.execute(SQL["prune_tokens"], {"id": client.id, "now": now, "kept": MOST_TOKENS - 1})
        return tokens.create(
            conn,
            client.team_id,
            client.name,
            scopes=wanted,
            expires_at=now + TOKEN_LIFE,
            client_id=client.id,
        )


def _is_allowed(client: Client, address: str | None) -> bool:
    if not client.networks:
        return True
    try:
        found = ip_address(address or "")
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        # What a socket for both families says of an IPv4 address.
        found = found.ipv4_mapped
    return any(found in network for network in client.networks)


def _checked_networks(networks: Collection[str]) -> list[str]:
    if len(networks) > MOST_NETWORKS:
        raise Invalid("networks", len(networks), f"entries are more than {MOST_NETWORKS}")
    found = set()
    for text in networks:
        try:
            found.add(ip_network(text.strip()))
        except ValueError:
            raise Invalid(
                "networks", text, "must be an address, or a network such as 10.0.0.0/8"
            ) from None
    return sorted(map(str, found))


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _client(row: Mapping[str, Any]) -> Client:
    lists = {"scopes": tuple(row["scopes"]), "networks": tuple(row["networks"])}
    return Client(**{**row, **lists})
