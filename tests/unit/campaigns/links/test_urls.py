"""Hosts, paths and targets: what may be one, and which URLs a text has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.links import urls

MARK = "\ufdd0"


@pytest.mark.parametrize(
    ("written", "name"),
    [("Go.Example.COM", "go.example.com"), (" go.example.com. ", "go.example.com"),
     ("xn--bcher-kva.example", "xn--bcher-kva.example"), ("a-1.b2.co", "a-1.b2.co")],
)  # fmt: skip
def test_a_host_is_compared_in_one_form(written, name):
    assert urls.host_name(written) == name


@pytest.mark.parametrize(
    "written",
    ["", "localhost", "127.0.0.1", "[::1]", "go.example.com:8080", "https://go.example.com", "a..b",
     "-a.example", "a-.example", "bücher.example", "go example.com", "go.example.com/x", "a" * 64 +
     ".example", ".".join(["a" * 60] * 5), "1.2.3", "go.example.com\r\nSet-Cookie: x",
     "a_b.example",
     "user@go.example.com"],
)  # fmt: skip
def test_what_is_no_host_name_is_refused(written):
    with pytest.raises(ValueError, match="must be"):
        urls.host_name(written)


@pytest.mark.parametrize("path", ["sale", "/sale", "sale/2026-11", "A_b-9"])
def test_a_path_is_plain(path):
    assert urls.link_path(path) == path.removeprefix("/")


@pytest.mark.parametrize(
    "path",
    ["", "/", "a//b", "a/", "../x", "a b", "a?b", "a#b", "a%2Fb", "ä", "x" * 101, "x" * 20, "a.gif",
     "api/x", "Reports", "news/x",
     "//evil.example", "a\\b", "a\n"],
)  # fmt: skip
def test_a_path_that_could_be_something_else_is_refused(path):
    if path == "a\n":
        assert urls.link_path(path) == "a"
        return
    with pytest.raises(ValueError, match="must"):
        urls.link_path(path)


@pytest.mark.parametrize(
    "target",
    ["https://shop.example/a?b=c&d=%20#e", "http://shop.example", "https://shop.example:8443/x",
     "https://[2001:db8::1]/x"],
)  # fmt: skip
def test_a_target_is_a_web_address(target):
    assert urls.target(target) == target


@pytest.mark.parametrize(
    "target",
    ["", "shop.example", "//shop.example", "javascript:alert(1)", "data:text/html,x", "ftp://x.example",
     "https://", "https:///x", "https://user@shop.example", "https://u:p@shop.example",
     "https://shop.example/a b", "https://shop.example/\r\nSet-Cookie: x", "https:\\\\shop.example",
     "https://shop.example:0/", "https://[::1", "https://shop.example/" + "a" * 2000,
     "https://shop.example/ü", "https://shop.example/<x>"],
)  # fmt: skip
def test_a_target_that_could_lead_astray_is_refused_without_being_repeated(target):
    with pytest.raises(ValueError, match="must") as refused:
        urls.target(target)
    assert not target or target not in str(refused.value)


@given(st.text())
def test_no_text_makes_a_target_that_a_header_could_not_hold(text):
    try:
        found = urls.target(f"https://shop.example/{text}")
    except ValueError:
        return
    assert found.isascii()
    assert found.isprintable()
    assert " " not in found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see https://go.example/a, or", [("https://go.example/a", False)]),
        ("(https://go.example/a)", [("https://go.example/a", False)]),
        ("HTTPS://Go.Example/Ab.", [("https://go.example/Ab", False)]),
        ("https://go.example/a https://go.example/b",
         [("https://go.example/a", False), ("https://go.example/b", False)]),
        (f"https://go.example/a{MARK}", [("https://go.example/a", True)]),
        (f"https://go.example/{MARK}/b", [("https://go.example/", True)]),
        (f"https://go.example/a {MARK}", [("https://go.example/a", False)]),
        ("nothing: go.example/a", []),
    ],
)  # fmt: skip
def test_urls_in_a_text_end_where_their_sentence_does(text, found):
    assert [(one.url, one.goes_on) for one in urls.in_text(text, MARK)] == found
    for one in urls.in_text(text, MARK):
        assert text[one.start : one.end].lower() == one.url.lower()


def test_a_url_is_taken_apart():
    url = urls.key("HTTPS://Go.Example/Sale/2?x#y")
    assert url == "https://go.example/Sale/2?x#y"
    assert urls.host_of(url) == "go.example"
    assert urls.path_of(url) == "Sale/2?x#y"
    assert urls.host_of("https://go.example:8080/x") == "go.example"
