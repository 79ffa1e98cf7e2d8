"""What a campaign is saved with: its links, fixed, numbered once for ever."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from psycopg.errors import LockNotAvailable

from campaigns.campaign import samples, service
from campaigns.database import connect
from campaigns.errors import Invalid, Locked, NotFound
from campaigns.links import domains, links, placing
from tests.integration.links.conftest import SALE, made
from tests.support.campaigns import NOW, PROVIDERS

MAIL = {
    "sending_type": "email",
    "sender": "news@example.com",
    "template": json.dumps({"subject": "S", "html": '<a href="https://shop.example/a">a</a>'}),
}


def test_a_url_on_the_teams_domain_is_counted_and_fixed(place):
    campaign = place.submit(template="Now: https://GO.example.com/sale. Bye")
    assert place.stored(campaign) == [(0, "https://go.example.com/sale", SALE, True)]
    links.delete(place.conn, place.team.id, place.sale.id)
    assert place.stored(campaign) == [(0, "https://go.example.com/sale", SALE, True)]


def test_a_text_without_links_stores_none(place):
    campaign = place.submit(template="https://shop.example/sale and https://elsewhere.example/")
    assert place.stored(campaign) == []


def test_a_url_on_the_teams_domain_that_is_no_link_is_refused(place):
    """Nobody finds out from a recipient that a link in a message leads nowhere."""
    for text in ("https://go.example.com/sael", "https://go.example.com/sale?x=1",
                 "https://go.example.com/"):  # fmt: skip
        with pytest.raises(Invalid, match="no link of this team"):
            place.submit(template=text)
    with pytest.raises(Invalid, match="has a field in a link"):
        place.submit(template="https://go.example.com/@first_name")
    assert place.conn.execute("SELECT FROM campaigns").fetchall() == []


def test_the_domain_of_another_team_is_a_host_like_any_other(place):
    made(place.conn, "Other", "go.other.example")
    campaign = place.submit(template="https://go.other.example/sale")
    assert place.stored(campaign) == []


def test_segments_are_counted_with_the_links_in_their_place(place):
    url = "https://go.example.com/sale"
    link = f"https://go.example.com/{'x' * 20}"
    fits = "a" * (160 - len(link) - 1)
    assert place.submit(template=f"{fits} {url}").segments == 1
    assert place.submit(template=f"{fits}a {url}").segments == 2
    assert place.submit(template=fits, track_link_url=SALE).segments == 1
    assert place.submit(template=f"{fits}a", opt_out_link=place.out.number).segments == 2


def test_placeholders_have_the_teams_only_domain_unless_one_is_named(place):
    campaign = place.submit(track_link_url=SALE)
    assert place.stored(campaign) == [(0, "{track_link}", SALE, True)]
    assert (campaign.track_link_url, campaign.domain_id) == (SALE, place.domain.id)
    other = made(place.conn, "Other", "go.other.example")
    with pytest.raises(NotFound, match="no domain"):
        place.submit(track_link_url=SALE, domain=other.domain.number)
    with pytest.raises(NotFound, match="opt-out link"):
        place.submit(opt_out_link=other.out.number)
    with pytest.raises(NotFound, match="opt-out link"):
        place.submit(opt_out_link=place.sale.number)


@pytest.mark.parametrize(
    ("body", "rule"),
    [({"track_link_url": "javascript:alert(1)"}, "track_link_url: must be an http"),
     ({"track_link_url": "https://a:b@shop.example"}, "track_link_url: must not hold"),
     ({"track_link_url": 5}, "track_link_url: must be a text"),
     ({"track_links": True}, "track_links: True is for email"),
     ({"track_opens": True}, "track_opens: True is for email"),
     ({"opt_out_link": 1.5}, "opt_out_link"),
     ({"template": "{opt_out_link}"}, "uses {opt_out_link}"),
     ({"track_link_url": SALE, "template_vars": {"track_link": "x"}}, "template_vars: must not")],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_sentence(place, body, rule):
    with pytest.raises(Invalid, match=rule.replace("{", r"\{").replace("}", r"\}")) as refused:
        place.submit(**body)
    assert "alert" not in str(refused.value)
    assert "a:b" not in str(refused.value)


def test_a_link_that_opts_out_into_a_group_has_that_group_excluded(place):
    """Otherwise somebody could opt out and get the rest of the campaign all the same."""
    campaign = place.submit(opt_out_link=place.news_out.id)
    assert campaign.excluded == (place.no_news.id,)
    written = place.submit(template="Stop: https://go.example.com/ads/out")
    assert written.excluded == (place.no_news.id,)


@pytest.mark.parametrize(
    "body", [{"template": "https://go.example.com/sale"}, {"opt_out_link": "link"}],
    ids=["text", "link"],
)  # fmt: skip
def test_a_domain_is_not_given_up_while_a_campaign_with_its_links_is_saved(place, database, body):
    """The campaign would send links that lead nowhere."""
    if "opt_out_link" in body:
        body = {"opt_out_link": place.out.id}
    with connect(database) as other, place.conn.transaction():
        place.submit(**body)
        # Who gives it up asks for it so, and looks for campaigns afterwards.
        with pytest.raises(LockNotAvailable):
            other.execute("SELECT FROM domains FOR UPDATE NOWAIT")
    with pytest.raises(Locked, match="Spring"):
        domains.delete(place.conn, place.team.id, place.domain.id)


def test_an_email_counts_the_links_that_it_is_asked_to(place):
    assert place.stored(place.submit(**MAIL)) == []
    campaign = place.submit(**MAIL, track_links=True, track_opens=True, opt_out_link=place.out.url)
    assert [row[1] for row in place.stored(campaign)] == [
        "{opt_out_link}", "{open}", "https://shop.example/a",
    ]  # fmt: skip


def test_an_edit_keeps_numbers_and_never_redirects_what_is_out(place):
    """A code in a message of an earlier occurrence leads where it led."""
    first = place.submit(
        template="https://go.example.com/sale {track_link}",
        track_link_url="https://shop.example/1",
        scheduled_send_date=NOW + timedelta(days=1),
    )
    one, two = "https://shop.example/1", "https://shop.example/2"
    assert place.stored(first) == [
        (0, "{track_link}", one, True), (1, "https://go.example.com/sale", SALE, True),
    ]  # fmt: skip
    place.edit(first, name="Other")
    assert len(place.stored(first)) == 2
    place.edit(first, track_link_url=two, template="{track_link}")
    assert place.stored(first) == [
        (0, "{track_link}", one, False), (1, "https://go.example.com/sale", SALE, False),
        (2, "{track_link}", two, True),
    ]  # fmt: skip
    place.edit(first, track_link_url=one)
    assert [(row[0], row[3]) for row in place.stored(first)] == [(0, True), (1, False), (2, False)]
    place.edit(first, track_link_url=None, template="Plain")
    assert not any(row[3] for row in place.stored(first))


def test_a_campaign_runs_out_of_numbers_in_plain_words(place):
    campaign = place.submit(track_link_url=SALE, scheduled_send_date=NOW + timedelta(days=1))
    place.conn.execute(
        "INSERT INTO campaign_links (campaign_id, number, source, kind, host, target, in_use) "
        "SELECT %s, n, 'x', 'redirect', 'x', 'https://x.example/' || n, false "
        "FROM generate_series(1, 127) n",
        (campaign.id,),
    )
    with pytest.raises(Invalid, match="all there can be"):
        place.edit(campaign, track_link_url="https://shop.example/2")


def test_a_test_send_has_the_links_of_its_campaign(place):
    campaign = place.submit(track_link_url=SALE, opt_out_link=place.news_out.number)
    sample = samples.send_test(
        place.conn,
        place.team.id,
        {"campaign": str(campaign.id), "contact_number": "447785856985", "uuid": str(uuid4())},
        providers=PROVIDERS,
        now=NOW,
    )
    assert placing.stored(place.conn, sample.id) == placing.stored(place.conn, campaign.id)
    run = place.conn.execute("SELECT suppression_groups FROM runs").fetchone()
    assert place.no_news.id in run["suppression_groups"]


def test_a_repeated_submission_is_the_same_campaign(place):
    uuid = str(uuid4())
    body = {"uuid": uuid, "track_link_url": SALE, "opt_out_link": place.out.number}
    first = place.submit(**body)
    assert place.submit(**body) == first
    assert len(place.stored(first)) == 2
    assert service.get(place.conn, place.team.id, first.id).opt_out_link_id == place.out.id
