"""Templates of each channel, as they are saved with campaigns, changed, shown and tested."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import pytest

from campaigns.audience import contacts, groups
from campaigns.campaign import samples, service
from campaigns.campaign.show import as_answer
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid, Locked
from campaigns.template import templates
from tests.support.campaigns import MAIL, NOW, PROVIDERS, World, submit
from tests.support.live_campaigns import edit as edit_live
from tests.support.live_campaigns import sending

CARD: dict[str, Any] = {
    "messages": [
        {
            "allowedChannels": ["telegram"],
            "body": {
                "cardMessage": {
                    "content": {
                        "description": "Hello @first_name",
                        "media": {"url": "https://example.com/boat.jpg"},
                        "suggestions": [
                            {"text": "Visit", "openUrl": {"url": "{shop}/?n=@first_name"}}
                        ],
                    }
                }
            },
        }
    ]
}
TELEGRAM: dict[str, Any] = {
    "sending_type": "telegram",
    "sender": "Acme",
    "template_uuid": None,
    "template_vars": {"shop": "https://shop.example.com"},
}
PUSH: dict[str, Any] = {
    "sending_type": "webpush",
    "sender": "Acme",
    "template_uuid": None,
    "webpush_title": "Sale, @first_name",
    "webpush_body": "Today only",
    "webpush_target_url": "https://example.com/sale",
    "webpush_icon": "https://example.com/icon.png",
    "webpush_image": "https://example.com/boat.jpg",
}
FOLDED = {
    "title": "Sale, @first_name",
    "body": "Today only",
    "url": "https://example.com/sale",
    "icon": "https://example.com/icon.png",
    "image": "https://example.com/boat.jpg",
}


def edit(world: World, campaign: Campaign, body: dict[str, Any]) -> Campaign:
    return service.edit(world.conn, world.team.id, campaign.id, body, providers=PROVIDERS, now=NOW)


def refusal(world: World, body: dict[str, Any]) -> str:
    before = world.rows("campaigns")
    with pytest.raises(Invalid) as refused:
        submit(world, body)
    assert world.rows("campaigns") == before
    return str(refused.value)


def test_a_card_may_be_given_as_a_text_or_as_the_object_that_it_is(
    world: World, simple: dict[str, Any]
) -> None:
    """HORISEN serializes it; whoever writes a file need not."""
    serialized = submit(world, {**simple, **TELEGRAM, "template": json.dumps(CARD)})
    plain = submit(world, {**simple, **TELEGRAM, "template": CARD})
    assert serialized.template == plain.template == json.dumps(CARD)
    assert (plain.provider, plain.segments) == ("bot", 1)


def test_a_refused_template_is_named_by_its_place_and_nothing_is_stored(
    world: World, simple: dict[str, Any]
) -> None:
    body = {**simple, **TELEGRAM}
    assert refusal(world, {**body, "template": CARD, "template_vars": {"shop": "shop"}}) == (
        "template.messages[0].body.cardMessage.content.suggestions[0].openUrl.url: "
        "must begin with http:// or https://."
    )
    assert refusal(world, {**body, "template": CARD, "template_vars": {}}) == (
        "template: uses {shop}, which is not in template_vars; known are: none "
        "(write {{shop}} for the text itself)."
    )
    unknown = json.loads(json.dumps(CARD).replace("first_name", "surname"))
    assert refusal(world, {**body, "template": unknown}) == (
        "template: uses @surname, which no contact in the included groups has; known are: "
        "first_name (write @@surname for the text itself)."
    )


def test_a_stored_template_may_be_of_any_form(world: World, simple: dict[str, Any]) -> None:
    stored = templates.create(world.conn, world.team.id, {"name": "Card", "body": CARD}, now=NOW)
    assert stored.body == json.dumps(CARD)
    body = {**simple, **TELEGRAM, "template_uuid": str(stored.id)}
    assert submit(world, body).template == stored.body
    assert refusal(
        world, {**body, "sending_type": "email", "sender": "news@example.com"}
    ).startswith("template: is a standardized message without a subject;")


def test_another_channel_needs_a_template_of_its_own(world: World, simple: dict[str, Any]) -> None:
    """Or somebody would get JSON as a text message."""
    campaign = submit(world, {**simple, **MAIL})
    with pytest.raises(Invalid, match="template: is JSON for another channel; an SMS is a text"):
        edit(world, campaign, {"sending_type": "sms", "sender": "Acme"})
    assert edit(world, campaign, {"template": {"subject": "x", "html": "<p>"}}).provider == "mail"


def test_horisens_fields_of_a_notification_are_one_template(
    world: World, simple: dict[str, Any]
) -> None:
    campaign = submit(world, {**simple, **PUSH})
    assert json.loads(campaign.template) == FOLDED
    answer = as_answer(campaign)
    assert {name: answer[name] for name in answer if name.startswith("webpush")} == {
        name: value for name, value in PUSH.items() if name.startswith("webpush")
    }
    same = submit(world, {**simple, **PUSH, "template": FOLDED, "webpush_title": None})
    assert same.template == campaign.template
    assert as_answer(submit(world, simple))["webpush_title"] is None


def test_the_body_of_a_notification_is_the_template_unless_it_is_given(
    world: World, simple: dict[str, Any]
) -> None:
    body = {**simple, **PUSH, "template": "Hi"}
    assert json.loads(submit(world, body).template)["body"] == "Today only"
    assert json.loads(submit(world, {**body, "webpush_body": None}).template)["body"] == "Hi"
    stored = {**simple, **PUSH, "webpush_body": None, "template_uuid": simple["template_uuid"]}
    assert json.loads(submit(world, stored).template)["body"] == "Hello @first_name"
    bare = {**PUSH, "webpush_body": None}
    assert "body" not in json.loads(submit(world, {**simple, **bare}).template)


def test_a_field_of_a_notification_is_edited_alone(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, {**simple, **PUSH})
    edited = edit(world, campaign, {"webpush_title": "Last day"})
    assert json.loads(edited.template) == {**FOLDED, "title": "Last day"}
    edited = edit(world, campaign, {"name": "Renamed"})
    assert json.loads(edited.template) == {**FOLDED, "title": "Last day"}
    full = {"title": "New", "urgency": "high", "topic": "sale"}
    assert json.loads(edit(world, campaign, {"template": full}).template) == full


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"webpush_title": None}, "template: is required; give either template or template_uuid."),
        ({"webpush_title": None, "template": "x"}, "webpush_title: is required for webpush."),
        ({"webpush_title": ""}, "webpush_title: is required for webpush."),
        ({"webpush_title": " "}, "webpush_title: must not be blank."),
        ({"webpush_target_url": "/sale"},
         "webpush_target_url: must begin with http:// or https://."),
        ({"webpush_icon": "@first_name"}, "webpush_icon: must begin with http:// or https://."),
        ({"webpush_target_url": "https://example.com/" + "x" * 4000},
         "webpush_target_url: must have at most 4000 characters."),
        ({"webpush_body": "{v}"},
         "template: uses {v}, which is not in template_vars; known are: none "
         "(write {{v}} for the text itself)."),
        ({"template": '{"title" "x"}'},
         "template: begins like JSON and is none: line 1, column 10: expecting ':' delimiter."),
        ({"template": {"title": "x", "sound": "y"}},
         "template: has sound, must have title, body, url, icon, image, urgency or topic."),
        ({"sending_type": "telegram", "template": "x"},
         "webpush_title: is for webpush, not for telegram."),
        ({"transliterate": True}, "transliterate: True is for sms, not for webpush."),
        ({"max_parts": 2}, "max_parts: 2 is for sms, not for webpush."),
    ],
)  # fmt: skip
def test_a_notification_that_is_none_gets_one_sentence(
    world: World, simple: dict[str, Any], changes: dict[str, Any], sentence: str
) -> None:
    assert refusal(world, {**simple, **PUSH, **changes}) == sentence


def test_a_test_send_takes_the_same_forms(world: World) -> None:
    sample = {
        **{name: value for name, value in PUSH.items() if name != "template_uuid"},
        "name": "Test",
        "address": "https://push.example.com/abc",
    }
    found = samples.send_test(world.conn, world.team.id, sample, providers=PROVIDERS, now=NOW)
    assert json.loads(found.template) == FOLDED
    again = samples.send_test(
        world.conn,
        world.team.id,
        {"campaign": str(found.id), "address": "https://push.example.com/abc"},
        providers=PROVIDERS,
        now=NOW,
    )
    assert again.template == found.template
    parts = {"name": "Test", "sender": "Acme", "contact_number": "447785856985",
             "template": "“" + "x" * 100, "transliterate": True, "max_parts": 1}  # fmt: skip
    short = samples.send_test(world.conn, world.team.id, parts, providers=PROVIDERS, now=NOW)
    assert (short.segments, short.transliterate, short.max_parts) == (1, True, 1)


LONG = {"template_uuid": None, "template": "“Sale” " + "x" * 100}


def test_segments_are_those_of_the_text_as_it_leaves(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, {**simple, **LONG})
    assert (campaign.segments, campaign.transliterate, campaign.max_parts) == (2, False, None)
    edited = edit(world, campaign, {"transliterate": True, "max_parts": 1})
    assert (edited.segments, edited.transliterate, edited.max_parts) == (1, True, 1)
    answer = as_answer(edit(world, campaign, {"name": "Renamed"}))
    assert (answer["segments"], answer["transliterate"], answer["max_parts"]) == (1, True, 1)


def test_a_text_that_takes_too_many_parts_for_everybody_is_refused(
    world: World, simple: dict[str, Any]
) -> None:
    sentence = "template: has 2 parts at least, and max_parts allows 1."
    assert refusal(world, {**simple, **LONG, "max_parts": 1}) == sentence
    # With its fields it may be longer for some, who get none.
    with_field = {"template_uuid": None, "template": "x" * 159 + " @first_name", "max_parts": 1}
    campaign = submit(world, {**simple, **with_field})
    assert campaign.segments == 1
    with pytest.raises(Invalid, match="has 2 parts at least"):
        edit(world, campaign, {"template": "x" * 161})


@pytest.mark.parametrize("value", [0, 21, "2", 1.5, True])
def test_parts_are_a_whole_number_that_an_sms_can_have(
    world: World, simple: dict[str, Any], value: object
) -> None:
    assert refusal(world, {**simple, "max_parts": value}).startswith("max_parts: ")


def test_another_channel_leaves_the_parts_behind(world: World, simple: dict[str, Any]) -> None:
    campaign = submit(world, {**simple, "transliterate": True, "max_parts": 3})
    edited = edit(world, campaign, MAIL)
    assert (edited.transliterate, edited.max_parts) == (False, None)


@pytest.mark.parametrize(
    "change", [{"transliterate": True}, {"max_parts": 3}, {"webpush_title": "x"}]
)
def test_what_is_said_stays_while_it_is_sent(
    world: World, throttled: dict[str, Any], change: dict[str, Any]
) -> None:
    campaign = sending(world, throttled)
    with pytest.raises(Locked, match=rf"^{next(iter(change))}: cannot be changed in campaign"):
        edit_live(world, campaign, change)
    assert edit_live(world, campaign, {"weight": 3}).max_parts is None


def test_fields_of_a_template_must_be_known_wherever_they_stand(
    world: World, simple: dict[str, Any]
) -> None:
    group = groups.create(world.conn, world.team.id, f"Mail {uuid4()}")
    contacts.add(
        world.conn, world.team, group.id,
        [{"email": "a@example.com", "custom_fields": {"city": "Bath"}}],
    )  # fmt: skip
    body = {**simple, **MAIL, "included_contact_groups": [str(group.id)]}
    template = {"subject": "x", "html": '<a href="https://example.com/@city">@city</a>'}
    assert submit(world, {**body, "template": template}).provider == "mail"
    wrong = {"subject": "x", "html": '<a href="https://example.com/@town">'}
    assert "uses @town, which no contact" in refusal(world, {**body, "template": wrong})
