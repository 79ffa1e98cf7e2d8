"""Which links the messages of a campaign have, decided when it is saved.

What a link leads to is fixed then and copied to the campaign: neither what is done to the team's
links later nor what a request says can lead a recipient anywhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from campaigns import queries
from campaigns.database import Connection
from campaigns.errors import Invalid, NotFound
from campaigns.links import codes, domains, linking, links, urls
from campaigns.links.domains import Domain
from campaigns.links.linking import OPEN, OPT_OUT, TRACK, Placed
from campaigns.links.links import Link
from campaigns.template.contents import Contents

SQL = queries.load("campaigns.links", "placing.sql")


class Asked(Protocol):
    """What a request says about links; see :class:`campaigns.campaign.model.MessageSpec`."""

    @property
    def sending_type(self) -> str: ...
    @property
    def domain(self) -> str | int | UUID | None: ...
    @property
    def opt_out_link(self) -> str | int | UUID | None: ...
    @property
    def track_link_url(self) -> str | None: ...
    @property
    def track_links(self) -> bool: ...
    @property
    def track_opens(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class CampaignLink:
    """A link of a campaign's messages, as it is stored."""

    #: What it stands for in the text.
    source: str
    kind: str
    host: str
    target: str | None = field(default=None, repr=False)
    title: str | None = None
    group_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a campaign wants of links, with the rows that it names."""

    domain: Domain | None = None
    opt_out: Link | None = None
    track_url: str | None = field(default=None, repr=False)
    everything: bool = False
    opens: bool = False

    @property
    def placeholders(self) -> dict[str, str]:
        """The sources that do not stand in the text as URLs, and their hosts."""
        found = {}
        if self.track_url is not None:
            found[TRACK] = self._host()
        if self.opt_out is not None:
            found[OPT_OUT] = self.opt_out.domain
        if self.opens:
            found[OPEN] = self._host()
        return found

    def counted(self, url: str) -> CampaignLink:
        """A link of the text that is counted on the way to where it leads.

        Raises:
            Invalid: nothing may lead there.
        """
        return CampaignLink(url, "redirect", self._host(), _target(url))

    def _host(self) -> str:
        assert self.domain is not None
        return self.domain.name


NO_WISHES = Wishes()


def wishes(conn: Connection, team_id: UUID, asked: Asked) -> Wishes:
    """What ``asked`` means.

    Raises:
        NotFound: the domain or the opt-out link is not in this team.
        Invalid: the domain is not for links, or it is not said which of several is meant.
    """
    needs_domain = asked.track_link_url is not None or asked.track_links or asked.track_opens
    domain = None
    if asked.domain is not None:
        domain = domains.find(
            conn, team_id, asked.domain, purpose="links" if needs_domain else None
        )
    elif needs_domain:
        domain = _only_domain(conn, team_id)
    opt_out = None
    if asked.opt_out_link is not None:
        opt_out = links.find(conn, team_id, asked.opt_out_link, kind="opt_out")
    return Wishes(domain, opt_out, asked.track_link_url, asked.track_links, asked.track_opens)


def placed(
    conn: Connection, team_id: UUID, wished: Wishes, bound: Contents
) -> tuple[CampaignLink, ...]:
    """The links of a message whose texts, with the variables put in, are ``bound``.

    Raises:
        Invalid: a URL on one of the team's domains is no link of the team, or has a field in it.
    """
    found = list(_named(wished))
    seen = linking.wanted(bound)
    hosts = {urls.host_of(one.url) for one in seen}
    own = _own_hosts(conn, team_id, hosts) if hosts else set()
    on_own = [one for one in seen if urls.host_of(one.url) in own]
    for one in on_own:
        if one.is_personal:
            rule = "has a field in a link on one of the team's domains, which leads one way for all"
            raise Invalid("template", None, rule)
    known = links.at_urls(conn, team_id, [one.url for one in on_own]) if on_own else {}
    on_own_urls = dict.fromkeys(one.url for one in on_own)
    found += [_own_link(url, known.get(url)) for url in on_own_urls]
    if wished.everything:
        anchors = (one for one in seen if one.is_anchor and not one.is_personal)
        others = dict.fromkeys(one.url for one in anchors if urls.host_of(one.url) not in own)
        found += [wished.counted(url) for url in others]
    if len(found) > codes.LARGEST_LINK:
        rule = f"has {len(found)} links that are counted; at most {codes.LARGEST_LINK} can be"
        raise Invalid("template", None, rule)
    return tuple(found)


def provisional(found: Sequence[CampaignLink]) -> list[Placed]:
    """The links with some numbers, for looking at a text that is not stored yet."""
    return [Placed(number, link.source, link.host) for number, link in enumerate(found)]


def save(conn: Connection, campaign_id: UUID, found: Sequence[CampaignLink]) -> None:
    """Store the links of a campaign beside those that it had.

    A link that it has already keeps its number, and one that leads elsewhere than before gets a new
    one, so that what went out leads where it led.

    Raises:
        Invalid: the campaign has had more links than codes have numbers for.
    """
    rows = conn.execute(SQL["all_links"], {"campaign_id": campaign_id}).fetchall()
    numbers = {_link(row): row["number"] for row in rows}
    for link in found:
        if link in numbers:
            continue
        if len(numbers) > codes.LARGEST_LINK:
            rule = f"has had {len(numbers)} links with its earlier texts, which is all there can be"
            raise Invalid("template", None, rule)
        numbers[link] = len(numbers)
        row = {name: getattr(link, name) for name in _COLUMNS}
        conn.execute(
            SQL["insert_link"], {"campaign_id": campaign_id, "number": numbers[link], **row}
        )
    if numbers:
        used = [numbers[link] for link in found]
        conn.execute(SQL["use_links"], {"campaign_id": campaign_id, "numbers": used})


def stored(conn: Connection, campaign_id: UUID) -> tuple[CampaignLink, ...]:
    """The links that the messages of a campaign have that are still to go."""
    rows = conn.execute(SQL["all_links"], {"campaign_id": campaign_id})
    return tuple(_link(row) for row in rows if row["in_use"])


def opt_out_groups(found: Sequence[CampaignLink]) -> tuple[UUID, ...]:
    """Where opt-outs by these links go, beside ``default_optouts``."""
    groups = (link.group_id for link in found if link.group_id is not None)
    return tuple(dict.fromkeys(groups))


_COLUMNS = ("source", "kind", "host", "target", "title", "group_id")


def _link(row: Mapping[str, Any]) -> CampaignLink:
    return CampaignLink(**{name: row[name] for name in _COLUMNS})


def _named(wished: Wishes) -> list[CampaignLink]:
    found = []
    for source, host in wished.placeholders.items():
        if source == TRACK:
            found.append(CampaignLink(source, "redirect", host, wished.track_url))
        elif source == OPT_OUT:
            assert wished.opt_out is not None
            title, group = wished.opt_out.title, wished.opt_out.group_id
            found.append(CampaignLink(source, "opt_out", host, None, title, group))
        else:
            found.append(CampaignLink(source, "open", host))
    return found


def _own_link(url: str, link: Link | None) -> CampaignLink:
    if link is None:
        host = urls.host_of(url)
        raise Invalid(
            "template", None, f"has a URL on {host} that is no link of this team; create it first"
        )
    return CampaignLink(url, link.kind, link.domain, link.target, link.title, link.group_id)


def _target(url: str) -> str:
    try:
        return urls.target(url)
    except ValueError as error:
        raise Invalid("template", None, f"has a link in its html that {error}") from None


def _own_hosts(conn: Connection, team_id: UUID, hosts: set[str]) -> set[str]:
    rows = conn.execute(SQL["domains_of"], {"team_id": team_id, "hosts": list(hosts)})
    return {row["name"] for row in rows}


def _only_domain(conn: Connection, team_id: UUID) -> Domain:
    rows = conn.execute(SQL["only_domain"], {"team_id": team_id}).fetchall()
    if not rows:
        raise NotFound("domain", "for links")
    if len(rows) > 1:
        raise Invalid("domain", None, "is required, because this team has several for links")
    return domains.find(conn, team_id, rows[0]["id"])
