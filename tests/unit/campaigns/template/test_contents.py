"""Each channel's template: what it becomes, what is refused, and that values stay values."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.errors import Invalid
from campaigns.template import contents
from campaigns.template.content import (
    Card,
    Content,
    Mail,
    NamedTemplate,
    Push,
    Suggestion,
    Text,
)

MESSENGERS = ("telegram", "viber", "whatsapp", "rbm")
FIELDS = {"first_name": "Ann", "code": "a b/c?d#e&f%g"}
VARIABLES = {"city": "Leeds", "shop": "https://shop.example.com", "bad": "javascript:alert(1)"}


def written(template: object) -> str:
    return template if isinstance(template, str) else json.dumps(template)


def rendered(
    channel: str,
    template: object,
    fields: Mapping[str, str] = FIELDS,
    variables: Mapping[str, str] = VARIABLES,
) -> Content:
    return contents.compile(channel, written(template)).bind(variables).render(fields)


def refusal(channel: str, template: object) -> str:
    with pytest.raises(Invalid) as refused:
        rendered(channel, template)
    return str(refused.value)


def standard(body: object, **more: object) -> dict[str, Any]:
    return {"messages": [{"body": body, **more}]}


def text(content: object) -> dict[str, Any]:
    return {"textMessage": {"content": content}}


def card(**content: object) -> dict[str, Any]:
    return standard({"cardMessage": {"content": {"description": "Card", **content}}})


def link(url: object) -> dict[str, Any]:
    return card(suggestions=[{"text": "Go", "openUrl": {"url": url}}])


def mail(**parts: object) -> dict[str, Any]:
    return {"subject": "Sale", "text": "Hello", **parts}


def named(**parts: object) -> dict[str, Any]:
    return {"template": {"name": "sale", "language": "en_GB", **parts}}


# What becomes of a template


@pytest.mark.parametrize("channel", ["sms", *MESSENGERS])
def test_a_plain_text_is_a_text(channel: str) -> None:
    assert rendered(channel, "Hi @first_name of {city}") == Text("Hi Ann of Leeds")


@pytest.mark.parametrize("channel", ["sms", *MESSENGERS])
@pytest.mark.parametrize("start", ["{city} calls", "{", "{}", "{ city }", "{{city}}", "{'a': 1}"])
def test_a_brace_does_not_make_json_of_a_text(channel: str, start: str) -> None:
    assert isinstance(rendered(channel, start), Text)


@pytest.mark.parametrize("channel", MESSENGERS)
def test_horisens_text_message(channel: str) -> None:
    assert rendered(channel, standard(text("Hello @first_name"))) == Text("Hello Ann")


def test_horisens_card_message() -> None:
    """The example of the Campaign API, with a title, a reply and values in it."""
    template = {
        "messages": [
            {
                "allowedChannels": ["telegram"],
                "body": {
                    "cardMessage": {
                        "content": {
                            "title": "@first_name",
                            "description": "Card {city}",
                            "media": {"url": "https://assets.example.com/@code.jpg"},
                            "suggestions": [
                                {"text": "Visit {city}", "openUrl": {"url": "{shop}/?c=@code"}},
                                {"text": "No"},
                            ],
                        }
                    }
                },
            }
        ]
    }
    encoded = "a%20b%2Fc%3Fd%23e%26f%25g"
    assert rendered("telegram", template) == Card(
        text="Card Leeds",
        media_url=f"https://assets.example.com/{encoded}.jpg",
        suggestions=(
            Suggestion("Visit Leeds", f"https://shop.example.com/?c={encoded}"),
            Suggestion("No"),
        ),
        title="Ann",
    )
    assert rendered("telegram", json.dumps(template, indent=2)) == rendered("telegram", template)


def test_the_first_message_that_allows_the_channel_is_meant() -> None:
    template = {
        "messages": [
            {"allowedChannels": ["viber", "rbm"], "body": text("viber")},
            {"body": text("any")},
            {"allowedChannels": ["telegram"], "body": text("telegram")},
        ]
    }
    assert [rendered(channel, template) for channel in MESSENGERS] == [
        Text("any"), Text("viber"), Text("any"), Text("viber"),
    ]  # fmt: skip


def test_a_named_template_of_whatsapp() -> None:
    template = named(
        parameters=["@first_name", "{city}\u00a0now", "@code"],
        header_image="{shop}/boat.jpg",
        button_0="?c=@code",
        button_1_code="@code",
    )
    found = rendered("whatsapp", template)
    assert isinstance(found, NamedTemplate)
    assert (found.name, found.language) == ("sale", "en_GB")
    assert found.parameters == ("Ann", "Leeds\u00a0now", FIELDS["code"])
    assert found.others == {
        "header_image": "https://shop.example.com/boat.jpg",
        "button_0": "?c=a%20b%2Fc%3Fd%23e%26f%25g",
        "button_1_code": FIELDS["code"],
    }


def test_a_parameter_of_a_named_template_is_one_line_whatever_its_field_holds() -> None:
    """WhatsApp refuses line breaks, tabs and more than four blanks in a row."""
    found = rendered("whatsapp", named(parameters=["@a"]), {"a": " x\r\n\n y\t\tz     w "})
    assert isinstance(found, NamedTemplate)
    assert found.parameters == ("x y z w",)


def test_an_e_mail() -> None:
    template = mail(
        subject="For @first_name",
        text="Hi @first_name",
        html='<p title="@first_name">{city}</p><a href="{shop}/?c=@code">Go</a>',
        reply_to="Acme Shop <service@example.com>",
        unsubscribe_url="https://example.com/out?c=@code",
    )
    assert rendered("email", template, {**FIELDS, "first_name": "<b>\"A&B'"}) == Mail(
        subject="For <b>\"A&B'",
        text="Hi <b>\"A&B'",
        html='<p title="&lt;b&gt;&quot;A&amp;B&#x27;">Leeds</p>'
        '<a href="https://shop.example.com/?c=a%20b%2Fc%3Fd%23e%26f%25g">Go</a>',
        reply_to="Acme Shop <service@example.com>",
        unsubscribe_url="https://example.com/out?c=a%20b%2Fc%3Fd%23e%26f%25g",
    )
    assert rendered("email", {"subject": "Hi", "html": "<p>"}) == Mail("Hi", "", "<p>")


def test_a_notification() -> None:
    template = {
        "title": "Hi @first_name", "body": "{city}", "url": "{shop}/", "icon": "https://a.example/i",
        "image": "https://a.example/b?@code", "urgency": "high", "topic": "sale-1",
    }  # fmt: skip
    assert rendered("webpush", template) == Push(
        title="Hi Ann", text="Leeds", url="https://shop.example.com/",
        icon_url="https://a.example/i", image_url="https://a.example/b?a%20b%2Fc%3Fd%23e%26f%25g",
        urgency="high", topic="sale-1",
    )  # fmt: skip
    assert rendered("webpush", {"title": "Hi"}) == Push("Hi")


def test_null_is_as_good_as_left_out() -> None:
    assert rendered("webpush", {"title": "Hi", "icon": None}) == Push("Hi")
    assert rendered("viber", card(title=None, media=None)) == Card("Card")


def test_fields_and_variables_are_those_of_all_texts() -> None:
    found = contents.compile("viber", json.dumps(link("{base}/@A?b=@b")))
    assert (found.fields, found.variables) == ({"a", "b"}, {"base"})
    assert found.bind({"base": "https://x.example"}).variables == frozenset()
    with pytest.raises(KeyError):
        found.bind({})


# What is refused


@pytest.mark.parametrize(
    ("channel", "template", "sentence"),
    [
        ("viber", standard({"carouselMessage": {}}),
         "template.messages[0].body: has carouselMessage, must have textMessage or cardMessage."),
        ("viber", standard({}),
         "template.messages[0].body: must have either textMessage or cardMessage."),
        ("viber", standard({**text("x"), "cardMessage": {}}),
         "template.messages[0].body: must have either textMessage or cardMessage."),
        ("viber", standard("x"), "template.messages[0].body: is a text and must be an object."),
        ("viber", standard(text(5)),
         "template.messages[0].body.textMessage.content: is a number and must be a text."),
        ("viber", standard(text(True)),
         "template.messages[0].body.textMessage.content: is true and must be a text."),
        ("viber", standard(text(" ")),
         "template.messages[0].body.textMessage.content: must not be blank."),
        ("viber", standard(text("a\x00")),
         "template.messages[0].body.textMessage.content: must not contain NUL characters."),
        ("viber", '{"messages": [{"body": {"textMessage": {"content": "\\ud83d"}}}]}',
         "template.messages[0].body.textMessage.content: "
         "must be a text of valid Unicode characters."),
        ("viber", {"messages": []}, "template.messages: has no message that allows viber."),
        ("viber", {"messages": {}}, "template.messages: is an object and must be a list."),
        ("viber", standard(text("x"), allowedChannels=["rbm"]),
         "template.messages: has no message that allows viber."),
        ("viber", standard(text("x"), allowedChannels="viber"),
         "template.messages[0].allowedChannels: is a text and must be a list."),
        ("viber", standard(text("x"), channels=["viber"]),
         "template.messages[0]: has channels, must have allowedChannels or body."),
        ("viber", {"text": "x"}, "template: has text, must have only messages."),
        ("viber", card(media={"href": "x"}),
         "template.messages[0].body.cardMessage.content.media: has href, must have only url."),
        ("viber", card(suggestions=[{"text": "x"}] * 12),
         "template.messages[0].body.cardMessage.content.suggestions: "
         "has 12 entries, must have up to 11."),
        ("viber", card(suggestions=[{"text": "x" * 26}]),
         "template.messages[0].body.cardMessage.content.suggestions[0].text: "
         "must have at most 25 characters."),
        ("viber", '{"messages": [\n  {"body": }]}',
         "template: begins like JSON and is none: line 2, column 12: expecting value."),
        ("viber", '{"city" calls',
         "template: begins like JSON and is none: line 1, column 9: expecting ':' delimiter."),
        ("viber", '{"messages": [], "messages": []}',
         "template: has messages twice in one object."),
        ("viber", '{"a":' + "[" * 20_000, "template: is JSON that is nested too deeply."),
        ("viber", '{"messages": ' + "9" * 5_000 + "}",
         "template: is JSON with a value that cannot be read."),
        ("sms", mail(), "template: is JSON for another channel; an SMS is a text."),
        ("sms", standard(text("x")), "template: is JSON for another channel; an SMS is a text."),
        ("email", "Hello", 'template: is a text without a subject; '
         'write {"subject": "..", "text": "..", "html": ".."}.'),
        ("email", standard(text("x")), "template: is a standardized message without a subject; "
         'write {"subject": "..", "text": "..", "html": ".."}.'),
        ("email", {"text": "x"}, "template.subject: is required."),
        ("email", {"subject": "x"}, "template: has no text and no html; "
         "an e-mail needs one of them."),
        ("email", mail(subject=" "), "template.subject: must not be blank."),
        ("email", mail(body="x"), "template: has body, must have "
         "subject, text, html, reply_to or unsubscribe_url."),
        ("email", mail(subject="Hi\r\nBcc: a@example.com"),
         "template.subject: must be one line without control characters."),
        ("email", mail(subject="Hi\u2028"),
         "template.subject: must be one line without control characters."),
        ("email", mail(reply_to="@first_name"),
         "template.reply_to: must be the same for all, so not with @first_name."),
        ("email", mail(reply_to="a@example.com, b@example.com"),
         "template.reply_to: must be one address such as 'Acme Shop <service@example.com>'."),
        ("email", mail(reply_to="a@example.com\nBcc: b@example.com"),
         "template.reply_to: must be one address such as 'Acme Shop <service@example.com>'."),
        ("email", mail(unsubscribe_url="http://example.com/"),
         "template.unsubscribe_url: must begin with https://."),
        ("webpush", "Hello", 'template: is a text without a title; '
         'write {"title": "..", "body": ".."}, or give webpush_title beside it.'),
        ("webpush", {"body": "x"}, "template.title: is required."),
        ("webpush", {"title": "x", "urgency": "fast"},
         "template.urgency: must be very-low, low, normal or high."),
        ("webpush", {"title": "x", "topic": "a b"},
         "template.topic: must have up to 32 letters, digits, hyphens and underscores."),
        ("webpush", {"title": "x", "url": "/sale"},
         "template.url: must begin with http:// or https://."),
        ("whatsapp", named(name="Sale"),
         "template.template.name: must have lower-case letters, digits and underscores only."),
        ("whatsapp", named(language="english"),
         "template.template.language: must be the code of a language such as 'en_GB'."),
        ("whatsapp", {"template": {"name": "sale"}}, "template.template.language: is required."),
        ("whatsapp", named(parameters=[1]),
         "template.template.parameters[0]: is a number and must be a text."),
        ("whatsapp", named(parameters=["a\nb"]),
         "template.template.parameters[0]: must be one line without control characters."),
        ("whatsapp", named(components=[]),
         "template.template.components: is not known; beside name, language and parameters there "
         "are header, header_image, button_0 and the like."),
        ("telegram", named(), "template: has template, must have only messages."),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place_the_type_and_the_rule(
    channel: str, template: object, sentence: str
) -> None:
    assert refusal(channel, template) == sentence


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ftp://example.com/", "must begin with http:// or https://"),
        ("javascript:alert(1)", "must begin with http:// or https://"),
        ("example.com", "must begin with http:// or https://"),
        ("", "must begin with http:// or https://"),
        ("@code", "must begin with http:// or https://"),
        ("{bad}", "must begin with http:// or https://"),
        ("{city}/x", "must begin with http:// or https://"),
        ("https://", "must begin with http:// or https:// and a host"),
        ("https:///x", "must begin with http:// or https:// and a host"),
        ("https://[x/", "must begin with http:// or https:// and a host"),
        ("https://@code.example.com/",
         "must begin with http:// or https:// and a host"),
        ("https://example.com:@code/", "must not have @code in its host; write a / before it"),
        # A value right behind the host would become a part of it.
        ("{shop}@code", "must not have @code in its host; write a / before it"),
        ("{shop}:@code", "must not have @code in its host; write a / before it"),
        ("https://example.com\\@code", "must not hold blanks, quotes, backslashes, < or >"),
        ("https://example.com/a b", "must not hold blanks, quotes, backslashes, < or >"),
        ("https://example.com/a\n", "must not hold blanks, quotes, backslashes, < or >"),
        ('https://example.com/"', "must not hold blanks, quotes, backslashes, < or >"),
        ("https://example.com/@code", None),
        ("HTTP://example.com?@code", None),
        ("{shop}", None),
        ("{shop}/@code", None),
        ("https://{city}.example.com/", None),
    ],
)  # fmt: skip
def test_where_a_link_leads_is_fixed_when_it_is_saved(url: str, rule: str | None) -> None:
    if rule is None:
        rendered("rbm", link(url))
        return
    path = "template.messages[0].body.cardMessage.content.suggestions[0].openUrl.url"
    assert refusal("rbm", link(url)) == f"{path}: {rule}."


def test_no_refusal_says_what_the_template_holds() -> None:
    secret = "Zoe zoe@example.com "
    for template in (
        standard(text({secret: 1})), standard({secret: 1}), mail(html=f"<a href={secret}@x>"),
        '{"a": "' + secret, named(language=secret), {secret: secret}, link(f"x:{secret}"),
    ):  # fmt: skip
        for channel in ("viber", "whatsapp", "email", "webpush"):
            assert "zoe" not in refusal(channel, template).lower()


@pytest.mark.parametrize(
    ("channel", "longest"),
    [("sms", 1600), ("telegram", 4096), ("viber", 7000), ("whatsapp", 4096), ("rbm", 3072)],
)
def test_the_longest_text_of_each_channel(channel: str, longest: int) -> None:
    rendered(channel, "x" * longest)
    rendered(channel, "\U0001f600" * (longest // 2) + "@first_name")
    for template in ("x" * (longest + 1), "\U0001f600" * (longest // 2) + "x"):
        message = f"template: must have at most {longest} characters for {channel}."
        assert refusal(channel, template) == message
    if channel != "sms":
        rendered(channel, standard(text("x" * longest)))
        assert "must have at most" in refusal(channel, standard(text("x" * (longest + 1))))


# Values stay values

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


def test_taking_templates_apart_brings_in_no_io_library() -> None:
    code = (
        "import sys, campaigns.template.contents; "
        "print(sorted({'psycopg', 'socket', 'asyncio', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
