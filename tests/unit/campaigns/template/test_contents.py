"""Each channel's template, and the content that it becomes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from campaigns.template import contents
from campaigns.template.content import (
    Card,
    Mail,
    NamedTemplate,
    Push,
    Suggestion,
    Text,
)
from tests.support.templates import (
    FIELDS,
    MESSENGERS,
    card,
    link,
    mail,
    named,
    rendered,
    standard,
    text,
)


@pytest.mark.parametrize("channel", ["sms", *MESSENGERS])
def test_a_plain_text_is_a_text(channel: str) -> None:
    assert rendered(channel, "Hi @first_name of {city}") == Text("Hi Ann of Leeds")


@pytest.mark.parametrize("channel", ["sms", *MESSENGERS])
@pytest.mark.parametrize("start", ["{city} calls", "{", "{}", "{ city }", "{{city}}", "{'a': 1}"])
def test_a_brace_does_not_make_json_of_a_text(channel: str, start: str) -> None:
    assert isinstance(rendered(channel, start), Text)


def test_the_mark_of_an_editor_does_not_make_a_text_of_json() -> None:
    """Everybody would read the JSON."""
    assert rendered("viber", f"\ufeff{json.dumps(standard(text('Hello')))}") == Text("Hello")


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


def test_taking_templates_apart_brings_in_no_io_library() -> None:
    code = (
        "import sys, campaigns.template.contents; "
        "print(sorted({'psycopg', 'socket', 'asyncio', 'httpx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
