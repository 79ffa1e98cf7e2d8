"""What is no template of a channel: named by its place, its type and the rule."""

from __future__ import annotations

import pytest

from tests.support.templates import (
    card,
    link,
    mail,
    named,
    refusal,
    rendered,
    standard,
    text,
)

MAILBOX = "must be one e-mail address such as news@example.com, or Shop <news@example.com>."
PICTURE = {"url": "https://example.com/boat.jpg"}
REPLY = {"text": "Yes"}
LINK = {"text": "Go", "openUrl": PICTURE}


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
         "template.reply_to: " + MAILBOX),
        ("email", mail(reply_to="a@example.com\nBcc: b@example.com"),
         "template.reply_to: " + MAILBOX),
        ("email", mail(reply_to="service@münchen.example"), "template.reply_to: " + MAILBOX),
        ("email", mail(reply_to=" " * 90_000 + "<"), "template.reply_to: " + MAILBOX),
        ("email", mail(reply_to=""), "template.reply_to: " + MAILBOX),
        ("email", mail(unsubscribe_url="https://example.com/ä?c=@code"),
         "template.unsubscribe_url: must have ASCII characters only; write others as %C3%A4."),
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
        ("whatsapp", named(parameters=["a     b"]),
         "template.template.parameters[0]: must be one line without five blanks in a row."),
        ("whatsapp", named(header="a\nb"),
         "template.template.header: must be one line without five blanks in a row."),
        ("whatsapp", named(components=[]),
         "template.template.components: is not known; beside name, language and parameters there "
         "are header, header_image, button_0 and the like."),
        ("whatsapp", named(header="x", header_image="https://example.com/a.jpg"),
         "template.template.header_image: fills the same place as header; give one of them."),
        ("whatsapp", named(button_1_code="x", button_1="y"),
         "template.template.button_1: fills the same place as button_1_code; give one of them."),
        ("telegram", named(), "template: has template, must have only messages."),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place_the_type_and_the_rule(
    channel: str, template: object, sentence: str
) -> None:
    assert refusal(channel, template) == sentence


@pytest.mark.parametrize(
    ("channel", "parts", "where", "rule"),
    [
        ("telegram", {"description": "x" * 4089}, "description with its title", "at most 4096"),
        ("viber", {"description": "x" * 761, "media": PICTURE}, "description with its title",
         "at most 768"),
        ("viber", {"description": "x" * 6993}, "description with its title", "at most 7000"),
        ("whatsapp", {"description": "x" * 1015, "media": PICTURE}, "description with its title",
         "at most 1024"),
        ("whatsapp", {"description": "x" * 1015, "suggestions": [LINK]},
         "description with its title", "at most 1024"),
        ("whatsapp", {"suggestions": [LINK, LINK]}, "suggestions", "one with openUrl, or up to"),
        ("whatsapp", {"suggestions": [LINK, REPLY]}, "suggestions", "one with openUrl, or up to"),
        ("whatsapp", {"suggestions": [REPLY] * 4}, "suggestions", "one with openUrl, or up to"),
        ("whatsapp", {"suggestions": [{"text": "x" * 21}]}, "suggestions[0].text", "at most 20"),
        ("rbm", {"title": "x" * 201}, "title", "at most 200"),
        ("rbm", {"description": "x" * 2001}, "description", "at most 2000"),
    ],
)  # fmt: skip
def test_what_no_card_of_the_channel_can_be_is_refused_when_it_is_saved(
    channel: str, parts: dict[str, object], where: str, rule: str
) -> None:
    """And not once for each recipient, when it is sent."""
    sentence = refusal(channel, card(**{"title": "A title", **parts}))
    path, _, said = sentence.partition(": ")
    assert path == f"template.messages[0].body.cardMessage.content.{where}"
    assert rule in said


@pytest.mark.parametrize(
    ("channel", "parts"),
    [
        ("telegram", {"description": "x" * 4088}),
        ("viber", {"description": "x" * 760, "media": PICTURE}),
        ("whatsapp", {"description": "x" * 4084}),
        ("whatsapp", {"description": "x" * 1012, "media": PICTURE, "suggestions": [REPLY] * 3}),
        ("rbm", {"title": "x" * 200, "description": "x" * 2000, "suggestions": [LINK] * 11}),
    ],
)
def test_the_longest_cards(channel: str, parts: dict[str, object]) -> None:
    rendered(channel, card(**{"title": "A title", **parts}))


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
