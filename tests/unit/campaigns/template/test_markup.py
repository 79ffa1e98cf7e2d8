"""HTML: where a value may stand, and that it never becomes markup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.template import contents
from campaigns.template.content import Mail


def rendered(html: str, fields: Mapping[str, str], variables: Mapping[str, str] = {}) -> str:
    template = json.dumps({"subject": "x", "html": html})
    found = contents.compile("email", template).bind(variables).render(fields)
    assert isinstance(found, Mail)
    assert found.html is not None
    return found.html


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>@x</p>", "<p>&lt;&amp;&quot;&#x27;&gt; /</p>"),
        ('<p title="a @x">', '<p title="a &lt;&amp;&quot;&#x27;&gt; /">'),
        ("<p title='@x' class=b>", "<p title='&lt;&amp;&quot;&#x27;&gt; /' class=b>"),
        ('<a href="https://a.example/@x">', '<a href="https://a.example/%3C%26%22%27%3E%20%2F">'),
        ('<a HREF = "https://a.example/?@x">',
         '<a HREF = "https://a.example/?%3C%26%22%27%3E%20%2F">'),
        ('<img src="https://a.example/@x"/>',
         '<img src="https://a.example/%3C%26%22%27%3E%20%2F"/>'),
        ('<a href="mailto:a?subject=@x">', '<a href="mailto:a?subject=%3C%26%22%27%3E%20%2F">'),
        ("<!-- @x --><b>@x", "<!-- &lt;&amp;&quot;&#x27;&gt; / --><b>&lt;&amp;&quot;&#x27;&gt; /"),
        ('<!--[if mso]><v:rect href="https://a.example/@x"><![endif]-->',
         '<!--[if mso]><v:rect href="https://a.example/%3C%26%22%27%3E%20%2F"><![endif]-->'),
        ("<style>a { color: red } @@media x {}</style>@x",
         "<style>a { color: red } @media x {}</style>&lt;&amp;&quot;&#x27;&gt; /"),
        ("a < b @x", "a < b &lt;&amp;&quot;&#x27;&gt; /"),
    ],
)  # fmt: skip
def test_a_value_is_written_as_its_place_asks_for(html: str, expected: str) -> None:
    assert rendered(html, {"x": "<&\"'> /"}) == expected


def test_a_variable_may_begin_a_link_and_stand_in_a_style() -> None:
    html = '<a href="{shop}/?a=@x" style="color: {colour}">{shop}</a>'
    variables = {"shop": "https://shop.example/?a=1&b", "colour": '#fff;"'}
    assert rendered(html, {"x": "&"}, variables) == (
        '<a href="https://shop.example/?a=1&amp;b/?a=%26" style="color: #fff;&quot;">'
        "https://shop.example/?a=1&amp;b</a>"
    )


@pytest.mark.parametrize(
    ("html", "rule"),
    [
        ("<a href=@x>", "must not have @x in an attribute without quotes"),
        ("<p title=a{v}>", "must not have {v} in an attribute without quotes"),
        ("<@x>", None),
        ("<p{v}>", "must not have {v} in the name of a tag"),
        ("<p @x>", "must not have @x in a tag outside of quotes"),
        ("<p {v}='a'>", "must not have {v} in a tag outside of quotes"),
        ("</p {v}>", "must not have {v} in a tag outside of quotes"),
        ('<p title="@x>', "must not have @x in a tag outside of quotes"),
        ("<p '", None),
        ("<p a ='b' @x", "must not have @x in a tag outside of quotes"),
        ("<p title='a' @x", "must not have @x in a tag outside of quotes"),
        ("<script>@x</script>", "must not have @x in <script>"),
        ("<STYLE>@media print {}</STYLE>", "must not have @media in <style>"),
        ("<style>a</styles>@x</style>", "must not have @x in <style>"),
        ('<p onclick="@x">', "must not have @x in onclick"),
        ('<p style="@x">', "must not have @x in style"),
        ('<a href="@x">', "must name scheme and host before @x in href"),
        ('<a href=" @x">', "must name scheme and host before @x in href"),
        ('<a href="/@x">', "must name scheme and host before @x in href"),
        ('<a href="https://a:@x">', "must name scheme and host before @x in href"),
        ('<a href="{v}/@x">', "needs {v} to begin with http://, https://, mailto:, tel: or sms:"),
        ('<a href="{shop}@x">', "must name scheme and host before @x in href"),
        ('<a href="https&colon;//a.example/@x">', None),
    ],
)
def test_a_value_is_refused_where_it_could_change_the_markup(html: str, rule: str | None) -> None:
    variables = {"v": "javascript:alert(1)", "shop": "https://shop.example"}
    if rule is None:
        rendered(html, {"x": "y"}, variables)
        return
    with pytest.raises(Invalid) as refused:
        rendered(html, {"x": "y"}, variables)
    assert str(refused.value).startswith(f"template.html: {rule}")


class Skeleton(HTMLParser):
    """The markup without what it says."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        links = [urlsplit(value or "")[:2] for name, value in attrs if name == "href"]
        self.found.append((tag, [name for name, _ in attrs], links))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(("end", tag))

    def handle_comment(self, data: str) -> None:
        self.found.append("comment")

    def handle_decl(self, decl: str) -> None:
        self.found.append("declaration")

    def handle_pi(self, data: str) -> None:
        self.found.append("instruction")


HTML = (
    "<!-- @x --><!DOCTYPE html><style>a{}</style><h1 title=\"@x\" class='@x'>@x</h1>"
    "<a href=\"https://host.example/@x?y=@x#@x\" title='@x'>@x</a><title>@x</title>@x"
)
values = (
    st.lists(
        st.sampled_from(
            ['"', "'", "<", ">", "&", "=", "/", " ", "-->", "--!>", "<!--", "<b>", "</h1>", "&lt;",
             "</title>", "<script>", " onload=", "javascript:", "//evil.example", "..", "\n", "`"]
        ),
        max_size=6,
    ).map("".join)
    | st.text(max_size=20)
)  # fmt: skip


@given(values)
def test_no_value_changes_the_markup(value: str) -> None:
    assert Skeleton(rendered(HTML, {"x": value})).found == Skeleton(rendered(HTML, {"x": ""})).found


@given(st.text(alphabet="<>\"'=/!-? asx@{}", max_size=40))
def test_whatever_markup_is_accepted_keeps_its_elements(html: str) -> None:
    """However it is written: what takes a value takes any."""
    template = html + " @x"
    try:
        usual = rendered(template, dict.fromkeys("asx", ""), dict.fromkeys("asx", ""))
    except (Invalid, KeyError):
        return
    bad = "\"'><b onload=x></b><!-- --><a href='"
    hostile = rendered(template, dict.fromkeys("asx", bad), dict.fromkeys("asx", ""))
    assert hostile.count("<") == usual.count("<")
    assert hostile.count(">") == usual.count(">")
    assert hostile.count('"') == usual.count('"')
    assert hostile.count("'") == usual.count("'")
