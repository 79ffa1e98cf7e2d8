"""Whatever a contact's field or a variable holds, it stays a part of the text that asks for it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.template.content import Mail, Text
from tests.support.templates import (
    MESSENGERS,
    card,
    mail,
    named,
    rendered,
)

PIECES = [
    '"', "'", "\\", "{", "}", "[", "]", "<", ">", "&", "/", "?", "#", "%", "@", ":", ";", "=", "..",
    "\r\n", "\n", "\x00", "\x85", "\u2028", "\u202e", " ", "{city}", "@first_name", "{{x}}",
    '","url":"https://evil.example', "</style><script>", "-->", "javascript:", "//evil.example",
    "\r\nBcc: evil@example.com", "%2e%2e/", "\U0001f600", "a",
]  # fmt: skip
hostile = st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.text(max_size=20)

TEMPLATES: dict[str, Any] = {
    "telegram": card(
        title="t @x",
        media={"url": "https://host.example/a/@x/b.jpg"},
        suggestions=[{"text": "l @x", "openUrl": {"url": "https://host.example/?a=@x&b=1#c"}}],
    ),
    "whatsapp": named(parameters=["p @x"], header_image="https://host.example/@x", button_0="@x"),
    "webpush": {"title": "t @x", "body": "b @x", "url": "https://host.example/?a=@x&b=1#c"},
    "email": mail(subject="s @x", text="t @x", unsubscribe_url="https://host.example/?a=@x&b=1#c"),
}


def strings(content: object) -> dict[str, str]:
    """All texts of a content, by where they stand."""
    if isinstance(content, str):
        return {"": content}
    parts: dict[str, object] = {}
    if isinstance(content, Mapping):
        parts = dict(content)
    elif isinstance(content, tuple):
        parts = {str(number): part for number, part in enumerate(content)}
    elif dataclasses.is_dataclass(content):
        parts = {f.name: getattr(content, f.name) for f in dataclasses.fields(content)}
    return {f"{key}.{at}": text for key, one in parts.items() for at, text in strings(one).items()}


@given(value=hostile)
@pytest.mark.parametrize("channel", list(TEMPLATES))
def test_no_value_changes_anything_but_the_texts_that_ask_for_it(channel: str, value: str) -> None:
    found = rendered(channel, TEMPLATES[channel], {"x": value})
    usual = rendered(channel, TEMPLATES[channel], {"x": "v"})
    assert type(found) is type(usual)
    before, after = strings(usual), strings(found)
    assert before.keys() == after.keys()
    for place, text in before.items():
        if text.startswith("https://"):
            was, now = urlsplit(text), urlsplit(after[place])
            assert (was.scheme, was.netloc, was.fragment) == (now.scheme, now.netloc, now.fragment)
            assert was.path.count("/") == now.path.count("/")
            assert not {".", ".."} & set(now.path.split("/"))
            assert was.query.count("&") == now.query.count("&")
            assert after[place].isascii()
            assert after[place].isprintable()
        elif "v" not in text:
            assert after[place] == text


@given(value=hostile)
def test_no_value_adds_a_line_to_a_header(value: str) -> None:
    found = rendered("email", TEMPLATES["email"], {"x": value})
    assert isinstance(found, Mail)
    assert len(f"{found.subject}x".splitlines()) == 1
    assert not set(found.subject) & {chr(code) for code in (*range(32), *range(127, 160))}


@given(value=hostile)
def test_a_variable_is_refused_where_it_would_change_the_structure(value: str) -> None:
    template = mail(subject="s {v}", unsubscribe_url="https://host.example/{v}")
    try:
        found = rendered("email", template, {}, {"v": value})
    except Invalid:
        assert len(f"{value}x".splitlines()) > 1 or not value.isprintable()
        return
    assert isinstance(found, Mail)
    assert found.subject == f"s {value}"
    assert urlsplit(found.unsubscribe_url or "").netloc == "host.example"


@given(value=hostile)
@pytest.mark.parametrize("channel", ["sms", *MESSENGERS])
def test_a_plain_text_takes_values_as_they_are(channel: str, value: str) -> None:
    assert rendered(channel, "a @x {v}", {"x": value}, {"v": value}) == Text(f"a {value} {value}")
    assert rendered(channel, "a @x", {"x": value}) == Text(f"a {value}")
