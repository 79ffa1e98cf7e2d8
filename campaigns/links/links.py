"""Links: what a team may write into its texts, and where each leads.

A redirect leads to its target. An opt-out link leads to a page with one button, which puts whoever
presses it into a group that the campaign excludes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID, uuid4

from campaigns import queries
from campaigns.audience import groups
from campaigns.database import Connection
from campaigns.errors import Conflict, Invalid, NotFound
from campaigns.links import domains, urls
from campaigns.names import as_name, as_uuid, checked_name, checked_uuid

SQL = queries.load("campaigns.links", "links.sql")

Kind = Literal["redirect", "opt_out"]


@dataclass(frozen=True, slots=True)
class Link:
    """A path on a team's domain."""

    id: UUID
    #: What the Inline-contacts API calls an opt-out link.
    number: int
    team_id: UUID
    domain_id: UUID
    domain: str
    path: str
    kind: Kind
    #: Where it leads, if it is a redirect.
    target: str | None
    #: The heading of an opt-out link's page; ``None``: a plain one.
    title: str | None
    #: Where its opt-outs go; ``None``: ``default_optouts``.
    group_id: UUID | None
    created_at: datetime

    @property
    def url(self) -> str:
        """As it is written into a text."""
        return f"https://{self.domain}/{self.path}"


def create(
    conn: Connection,
    team_id: UUID,
    domain: str | int | UUID,
    path: str,
    *,
    target: str | None = None,
    title: str | None = None,
    group: str | UUID | None = None,
    now: datetime,
    uuid: str | UUID | None = None,
) -> Link:
    """Make a redirect to ``target``, or without one an opt-out link, or return it if it is there.

    Opt-outs go into ``group``, an opt-out group, by default the team's ``default_optouts``.

    Raises:
        Invalid: a field breaks a rule, or the domain is not for links.
        NotFound: the domain or the group is not in this team.
        Conflict: the path leads elsewhere already, or the uuid belongs to another link.
    """
    with conn.transaction():
        owner = domains.find(conn, team_id, domain, purpose="links")
        row = {
            "id": uuid4() if uuid is None else checked_uuid("uuid", uuid),
            "team_id": team_id,
            "domain_id": owner.id,
            "path": _checked("path", path, urls.link_path),
            **_purpose(conn, team_id, target, title, group),
            "now": now,
        }
        conn.execute(SQL["insert_link"], row)
        found = conn.execute(SQL["find_link_anywhere"], row).fetchone()
    compared = ("team_id", "domain_id", "path", "kind", "target", "title", "group_id")
    same = found is not None and all(found[part] == row[part] for part in compared)
    if found is None or not same or (uuid is not None and found["id"] != row["id"]):
        raise Conflict(f"path: {row['path']!r} on {owner.name} is another link already.")
    return Link(**found)


def find(
    conn: Connection, team_id: UUID, link: str | int | UUID, *, kind: Kind | None = None
) -> Link:
    """The team's link of that uuid, number or URL.

    Raises:
        NotFound: there is none, or none of that ``kind``.
    """
    at = {
        "team_id": team_id,
        "id": None if isinstance(link, int) else as_uuid(link),
        "number": domains.as_number(link),
    }
    row = conn.execute(SQL["find_link"], at).fetchone()
    found = None if row is None else Link(**row)
    if found is None and isinstance(link, str) and "://" in link and as_name(link):
        found = at_urls(conn, team_id, [urls.key(link)]).get(urls.key(link))
    if found is None or kind not in (None, found.kind):
        raise NotFound("opt-out link" if kind == "opt_out" else "link", link)
    return found


def at_urls(conn: Connection, team_id: UUID, keys: Iterable[str]) -> dict[str, Link]:
    """The team's links at these URLs (:func:`campaigns.links.urls.key`), by URL."""
    places = {(urls.host_of(key), urls.path_of(key)): key for key in keys}
    hosts, paths = [host for host, _ in places], [path for _, path in places]
    rows = conn.execute(SQL["links_at"], {"team_id": team_id, "hosts": hosts, "paths": paths})
    return {places[row["domain"], row["path"]]: Link(**row) for row in rows}


def list_all(conn: Connection, team_id: UUID) -> list[Link]:
    """The team's links by domain and path."""
    return [Link(**row) for row in conn.execute(SQL["list_links"], {"team_id": team_id})]


def delete(conn: Connection, team_id: UUID, link: str | int | UUID) -> Link:
    """Delete a link. Campaigns that were saved with it keep what they were saved with.

    Raises:
        NotFound: there is none.
    """
    with conn.transaction():
        found = find(conn, team_id, link)
        conn.execute(SQL["delete_link"], {"id": found.id})
        return found


def _purpose(
    conn: Connection,
    team_id: UUID,
    target: str | None,
    title: str | None,
    group: str | UUID | None,
) -> dict[str, Any]:
    if target is not None:
        for name, value in (("title", title), ("group", group)):
            if value is not None:
                raise Invalid(name, None, "is for opt-out links, which have no target")
        checked = _checked("target", target, urls.target)
        return {"kind": "redirect", "target": checked, "title": None, "group_id": None}
    group_id = None
    if group is not None:
        found = groups.find(conn, team_id, group)
        if found.kind != "optout":
            raise Invalid("group", found.name, "must be an opt-out group")
        group_id = None if found.is_default_optouts else found.id
    heading = None if title is None else checked_name("title", title)
    return {"kind": "opt_out", "target": None, "title": heading, "group_id": group_id}


def _checked(field: str, text: str, check: Any) -> str:
    try:
        found: str = check(text)
    except ValueError as error:
        # A target may hold a secret in its query.
        raise Invalid(field, None if field == "target" else text, str(error)) from None
    return found
