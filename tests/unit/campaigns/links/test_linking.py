"""Links in texts: where they are found, what takes their place, and how long that is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.links import codes, linking
from campaigns.links.codes import Code
from campaigns.links.linking import OPEN, OPT_OUT, TRACK, Linked, Placed
from campaigns.template import contents
from campaigns.template.content import Card, Mail, Push, Text
from campaigns.template.segments import segments

HOST = "go.example"
KEY = b"k" * 32
CODE = "0" * codes.LENGTH
SALE = Placed(1, "https://go.example/sale", HOST)
TRACKED = Placed(2, TRACK, HOST)
OUT = Placed(3, OPT_OUT, "out.example")
PIXEL = Placed(4, OPEN, HOST)


def prepared(channel, template, links, **variables):
    text = template if isinstance(template, str) else json.dumps(template)
    return linking.prepared(channel, text, variables, links)


def one(channel, template, links, fields=(), **variables):
    """The content for the recipient 5 of run 9."""
    found = prepared(channel, template, links, **variables)
    own = found.urls(9, 5, codes.sealer(KEY)) if isinstance(found, Linked) else {}
    return found.render({**dict(fields), **own})


def code(link):
    return codes.sealer(KEY).seal(9, 5, link.number)


def url(link):
    return f"https://{link.host}/{code(link)}"


def test_a_url_on_a_domain_becomes_the_recipients_own():
    found = one("sms", "Sale, @name: https://Go.Example/sale. See you", [SALE], {"name": "Ann"})
    assert found == Text(f"Sale, Ann: {url(SALE)}. See you")
    assert codes.read(code(SALE), [KEY]) == Code(9, 5, 1)


def test_only_the_whole_url_is_one():
    text = "https://go.example/sale2 https://go.example/sale/x https://other.example/sale"
    assert one("sms", text, [SALE]) == Text(text)


def test_placeholders_stand_where_they_are_written_or_behind_the_text():
    written = "{opt_out_link} or {track_link}!"
    assert one("sms", written, [TRACKED, OUT]) == Text(f"{url(OUT)} or {url(TRACKED)}!")
    assert one("sms", "Hello", [TRACKED, OUT]) == Text(f"Hello {url(TRACKED)} {url(OUT)}")
    assert one("sms", "Hi {opt_out_link}", [TRACKED, OUT]) == Text(f"Hi {url(OUT)} {url(TRACKED)}")
    assert one("telegram", "Hello", [OUT]) == Text(f"Hello {url(OUT)}")


def test_the_literal_form_of_a_placeholder_stays_what_it_is():
    assert one("sms", "{{opt_out_link}} is it", [OUT]) == Text(f"{{opt_out_link}} is it {url(OUT)}")


def test_a_url_that_a_variable_brings_counts_as_well():
    found = one("sms", "Go to {shop}", [SALE], shop="https://go.example/sale")
    assert found == Text(f"Go to {url(SALE)}")


def test_what_a_contact_holds_is_never_a_link():
    """A field that reads like a link, or like a placeholder, or is called like one."""
    hostile = {"x": "https://go.example/sale {opt_out_link}", "link 1": "https://evil.example"}
    assert one("sms", "https://go.example/sale @x", [SALE], hostile) == Text(
        f"{url(SALE)} https://go.example/sale {{opt_out_link}}"
    )


@given(st.text(), st.dictionaries(st.sampled_from("abc"), st.text()))
def test_without_links_every_text_is_rendered_as_ever(text, fields):
    try:
        plain = contents.compile("sms", text)
        expected = plain.bind(dict.fromkeys(plain.variables, "v")).render(fields)
    except Invalid:
        return
    variables = dict.fromkeys(plain.variables, "v")
    found = linking.prepared("sms", text, variables, [])
    assert not isinstance(found, Linked)
    assert found.render(fields) == expected


@given(
    st.text(st.characters(exclude_characters="\ufdd0\ufdd1@{}", codec="utf-8"), max_size=300),
    st.text(max_size=50),
    st.integers(0, codes.LARGEST_SEQ),
)
def test_segments_are_counted_before_anybody_is_known(text, value, seq):
    """The sample that a plan counts is exactly as long as what is sent, to each recipient."""
    found = prepared("sms", f"https://go.example/sale {text} @x", [SALE, TRACKED])
    sample = found.render({"x": value}).text
    own = found.urls(9, seq, codes.sealer(KEY))
    sent = found.render({"x": value, **own}).text
    assert len(sent) == len(sample)
    assert segments(sent) == segments(sample)
    assert CODE in sample


def test_links_are_no_fields_of_the_contact():
    found = prepared("sms", "@name https://go.example/sale", [SALE])
    assert found.fields == {"name"}
    assert found.variables == frozenset()


MAIL = {
    "subject": "Sale https://go.example/sale",
    "text": "https://go.example/sale",
    "html": '<html><body><p>https://go.example/sale <a class="x" href="https://go.example/sale">now'
    "</a> <a href='https://shop.example/?a=1&amp;b=2'>b</a> <a href=\"mailto:a@b.example\">m</a>"
    '<a href="https://shop.example/?c=@c">mine</a></p></body></html>',
}
SHOP = Placed(6, "https://shop.example/?a=1&b=2", HOST)


def test_an_email_has_links_in_its_text_and_in_what_is_followed_of_its_html():
    found = one("email", MAIL, [SALE, SHOP], {"c": "1"})
    assert found == Mail(
        subject="Sale https://go.example/sale".replace("https://go.example/sale", url(SALE)),
        text=url(SALE),
        html=f'<html><body><p>https://go.example/sale <a class="x" href="{url(SALE)}">now'
        f"</a> <a href='{url(SHOP)}'>b</a> <a href=\"mailto:a@b.example\">m</a>"
        '<a href="https://shop.example/?c=1">mine</a></p></body></html>',
    )


def test_what_may_be_counted_is_told_with_what_is_personal_in_it():
    bound = contents.compile("email", json.dumps(MAIL)).bind({})
    found = {(w.url, w.is_anchor, w.is_personal) for w in linking.wanted(bound)}
    assert found == {
        ("https://go.example/sale", False, False),
        ("https://go.example/sale", True, False),
        ("https://shop.example/?a=1&b=2", True, False),
        ("https://shop.example/?c=\ufdd0", True, True),
    }


def test_one_click_goes_into_the_header_fields_unless_the_template_has_its_own():
    assert one("email", {"subject": "S", "text": "T"}, [OUT]) == Mail(
        "S", "T", unsubscribe_url=url(OUT)
    )
    own = {"subject": "S", "text": "T", "unsubscribe_url": "https://own.example/u"}
    assert one("email", own, [OUT]).unsubscribe_url == "https://own.example/u"
    written = {"subject": "S", "html": '<a href="{opt_out_link}">out</a> {opt_out_link}'}
    assert one("email", written, [OUT]) == Mail(
        "S", html=f'<a href="{url(OUT)}">out</a> {url(OUT)}', unsubscribe_url=url(OUT)
    )


@pytest.mark.parametrize(
    ("html", "before", "after"),
    [("<p>@x</p>", "<p>1</p>", ""),
     ("<body>@x</BODY></html>", "<body>1", "</BODY></html>"),
     ("<body>a</body>@x", "<body>a", "</body>1")],
)  # fmt: skip
def test_the_pixel_is_the_last_that_is_shown(html, before, after):
    image = f'<img src="{url(PIXEL)}.gif" width="1" height="1" alt="">'
    found = one("email", {"subject": "S", "html": html}, [PIXEL], {"x": "1"})
    assert found.html == before + image + after


def test_cards_and_notifications_have_links_too():
    card = {"messages": [{"body": {"cardMessage": {"content": {
        "description": "Now", "suggestions": [
            {"text": "Go", "openUrl": {"url": "https://go.example/sale"}},
            {"text": "Stop", "openUrl": {"url": "{opt_out_link}"}}]}}}}]}  # fmt: skip
    found = one("telegram", card, [SALE, OUT])
    assert isinstance(found, Card)
    assert [each.url for each in found.suggestions] == [url(SALE), url(OUT)]
    push = one("webpush", {"title": "T", "url": "{track_link}"}, [TRACKED])
    assert push == Push("T", url=url(TRACKED))


@pytest.mark.parametrize(
    ("channel", "template"),
    [("email", {"subject": "S", "text": "https://x.example/?u={track_link}", "html": "<p></p>"}),
     ("webpush", {"title": "T", "url": "https://x.example/?u={track_link}"}),
     ("email", {"subject": "S", "html": '<a href="https://x.example/?u={track_link}">x</a>'})],
)  # fmt: skip
def test_a_link_inside_of_another_url_is_refused(channel, template):
    if channel == "email" and "text" in template:
        # In a plain text the value stands as it is: it is a link of its own behind a URL.
        assert url(TRACKED) in one(channel, template, [TRACKED]).text
        return
    with pytest.raises(Invalid, match="within another URL"):
        prepared(channel, template, [TRACKED])


def test_a_document_without_a_place_for_its_link_is_refused():
    with pytest.raises(Invalid, match=r"must say with \{track_link\}"):
        prepared("webpush", {"title": "T"}, [TRACKED])


def test_a_text_that_is_too_long_with_its_links_is_refused():
    fits = "a" * (1600 - len(url(TRACKED)) - 1)
    assert len(one("sms", fits, [TRACKED]).text) == 1600
    with pytest.raises(Invalid, match="at most 1600 characters"):
        prepared("sms", fits + "a", [TRACKED])
    text = "a" * (1600 - len(SALE.source) - 1)
    with pytest.raises(Invalid, match="at most 1600 characters"):
        prepared("sms", f"{text} {SALE.source}", [SALE])
