"""Domains and links of teams: one owner each, nobody else's to name, gone only when unused."""

from __future__ import annotations

from uuid import uuid4

import pytest

from campaigns.audience import groups, keywords
from campaigns.errors import Conflict, Invalid, Locked, NotFound
from campaigns.links import domains, links
from tests.integration.links.conftest import SALE, made
from tests.support.campaigns import NOW


def test_a_domain_is_found_by_name_uuid_and_number(place):
    for name in ("go.example.com", "GO.Example.com.", place.domain.id, str(place.domain.id),
                 place.domain.number, str(place.domain.number)):  # fmt: skip
        assert domains.find(place.conn, place.team.id, name) == place.domain
    assert domains.list_all(place.conn, place.team.id) == [place.domain]


def test_a_domain_has_one_team_and_a_repetition_changes_nothing(place):
    again = domains.create(place.conn, place.team.id, "Go.Example.Com", now=NOW)
    assert again == place.domain
    with pytest.raises(Conflict, match="cannot be taken"):
        domains.create(place.conn, place.team.id, "go.example.com", ["bounce"], now=NOW)
    other = made(place.conn, "Other", "go.other.example")
    with pytest.raises(Conflict, match="cannot be taken") as refused:
        domains.create(place.conn, other.team.id, "go.example.com", now=NOW)
    assert "Acme" not in str(refused.value)
    for name in ("go.example.com", place.domain.id, place.domain.number):
        with pytest.raises(NotFound, match="no domain"):
            domains.find(place.conn, other.team.id, name)
        with pytest.raises(NotFound):
            links.create(place.conn, other.team.id, name, "x", target=SALE, now=NOW)


@pytest.mark.parametrize("name", [2**63, 10**30, -1, 0, True, "", "\x00", "x" * 1000])
def test_what_names_no_domain_finds_none(place, name):
    with pytest.raises(NotFound):
        domains.find(place.conn, place.team.id, name)


def test_a_domain_is_used_for_what_it_is_for(place):
    bounce = domains.create(place.conn, place.team.id, "b.example.com", ["bounce"], now=NOW)
    assert bounce.purposes == ("bounce",)
    with pytest.raises(Invalid, match="is not for links"):
        links.create(place.conn, place.team.id, bounce.id, "x", target=SALE, now=NOW)
    with pytest.raises(Invalid, match="is not for bounce"):
        domains.find(place.conn, place.team.id, place.domain.id, purpose="bounce")


def test_a_domain_stays_while_a_campaign_needs_it_and_takes_its_links_along(place):
    campaign = place.submit(template="https://go.example.com/sale")
    with pytest.raises(Locked, match="Spring"):
        domains.delete(place.conn, place.team.id, place.domain.id)
    place.conn.execute("UPDATE campaigns SET status = 'finished'")
    domains.delete(place.conn, place.team.id, "go.example.com")
    assert links.list_all(place.conn, place.team.id) == []
    assert place.stored(campaign)


def test_a_link_is_found_by_uuid_number_and_url(place):
    for name in (
        place.sale.id,
        place.sale.number,
        str(place.sale.number),
        "https://GO.example.com/sale",
    ):
        assert links.find(place.conn, place.team.id, name) == place.sale
    other = made(place.conn, "Other", "go.other.example")
    for name in (place.sale.id, place.sale.number, place.sale.url):
        with pytest.raises(NotFound):
            links.find(place.conn, other.team.id, name)
        with pytest.raises(NotFound):
            links.delete(place.conn, other.team.id, name)
    with pytest.raises(NotFound, match="opt-out link"):
        links.find(place.conn, place.team.id, place.sale.id, kind="opt_out")


def test_a_link_leads_one_way(place):
    same = links.create(place.conn, place.team.id, place.domain.id, "/sale", target=SALE, now=NOW)
    assert same == place.sale
    for changes in ({"target": "https://shop.example/other"}, {"target": None}):
        with pytest.raises(Conflict, match="another link"):
            links.create(place.conn, place.team.id, place.domain.id, "sale", now=NOW, **changes)
    with pytest.raises(Conflict):
        links.create(
            place.conn,
            place.team.id,
            place.domain.id,
            "b",
            target=SALE,
            uuid=place.sale.id,
            now=NOW,
        )


@pytest.mark.parametrize(
    ("path", "options", "rule"),
    [("x", {"target": "javascript:alert(1)"}, "target: must be an http"),
     ("x", {"target": "https://u:p@shop.example"}, "target: must not hold"),
     ("a b", {"target": SALE}, "path: 'a b' must have"),
     ("x", {"target": SALE, "title": "T"}, "title: "),
     ("x", {"target": SALE, "group": "No news"}, "group: "),
     ("x", {"group": "Everybody"}, "must be an opt-out group")],
)  # fmt: skip
def test_what_cannot_be_a_link_is_refused(place, path, options, rule):
    before = links.list_all(place.conn, place.team.id)
    with pytest.raises(Invalid, match=rule) as refused:
        links.create(place.conn, place.team.id, place.domain.id, path, now=NOW, **options)
    assert "alert" not in str(refused.value)
    assert "u:p" not in str(refused.value)
    assert links.list_all(place.conn, place.team.id) == before


def test_opt_outs_go_to_a_group_of_the_team(place):
    assert place.out.group_id is None
    assert place.news_out.group_id == place.no_news.id
    other = made(place.conn, "Other", "go.other.example")
    with pytest.raises(NotFound):
        links.create(
            place.conn, place.team.id, place.domain.id, "x", group=other.no_news.id, now=NOW
        )
    with pytest.raises(NotFound):
        links.create(place.conn, place.team.id, place.domain.id, "x", group=uuid4(), now=NOW)


def test_a_group_with_a_link_or_a_keyword_attached_cannot_be_deleted(place):
    """Passona: "If a contact group has keywords attached to them" it answers with a conflict."""
    with pytest.raises(Conflict, match=r"link 'go\.example\.com/ads/out' attached"):
        groups.delete(place.conn, place.team.id, "No news")
    links.delete(place.conn, place.team.id, place.news_out.id)
    keywords.create(place.conn, place.team.id, "NONEWS", "No news", now=NOW)
    with pytest.raises(Conflict, match="keyword 'nonews' attached"):
        groups.delete(place.conn, place.team.id, "No news")
    keywords.delete(place.conn, place.team.id, "NoNews")
    groups.delete(place.conn, place.team.id, "No news")
