"""Contents in the words of the WhatsApp Cloud API, and what of them it has no words for.

=====================================  ===========================================================
Text                                   ``text``
NamedTemplate                          ``template``; see ``_OTHERS`` for header and buttons
Card with nothing but a text           ``text``
Card with a picture                    ``image`` with a caption
Card with one link below it            ``interactive`` ``cta_url``
Card with one to three replies         ``interactive`` ``button``
Card with several links, or with both  refused: WhatsApp has that in templates only
=====================================  ===========================================================

Free texts and cards reach only people who wrote within the last 24 hours; for others they are
refused with 131047, and a template gets through (https://developers.facebook.com/docs/whatsapp/
cloud-api/guides/send-messages#customer-service-windows).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from campaigns.template.content import Card, Content, NamedTemplate, Suggestion, Text
from worker.adapters.fitting import at_most

#: https://developers.facebook.com/docs/whatsapp/cloud-api/messages/text-messages
_LONGEST_TEXT = 4096
#: .../messages/image-messages
_LONGEST_CAPTION = 1024
#: .../messages/interactive-cta-url-messages and interactive-reply-buttons-messages
_LONGEST_BODY = 1024
_LONGEST_LABEL = 20
_MOST_REPLIES = 3

#: The names in ``NamedTemplate.others``: ``header`` (a text), ``header_image``, ``header_video``
#: and ``header_document`` (a link), ``button_0`` (the end of its URL), ``button_0_payload`` (what a
#: quick reply sends back) and ``button_0_code`` (what is copied), the buttons counted from 0.
_OTHERS = re.compile(r"header(?:_(image|video|document))?|button_([0-9])(?:_(payload|code))?")


def translated(content: Content) -> Mapping[str, Any]:
    """The fields of the request that say what is sent.

    Raises:
        ValueError: WhatsApp has no form for it; says why, and nothing of the content.
    """
    match content:
        case Text(text):
            return _text(text)
        case NamedTemplate() as template:
            return {"type": "template", "template": _template(template)}
        case Card() as card:
            return _card(card)
    raise ValueError("WhatsApp carries texts, templates and cards only")


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": {"body": at_most(_LONGEST_TEXT, text, "the text")}}


def _template(template: NamedTemplate) -> dict[str, Any]:
    components: list[dict[str, Any]] = [
        _component(name, value) for name, value in sorted(template.others.items())
    ]
    if template.parameters:
        texts = [{"type": "text", "text": each} for each in template.parameters]
        components.append({"type": "body", "parameters": texts})
    found: dict[str, Any] = {"name": template.name, "language": {"code": template.language}}
    if components:
        found["components"] = components
    return found


def _component(name: str, value: str) -> dict[str, Any]:
    match = _OTHERS.fullmatch(name)
    if match is None:
        raise ValueError("a name beside the parameters must be header, header_image, button_0, ...")
    media, index, kind = match.groups()
    if index is not None:
        return _button(index, kind, value)
    parameter = (
        {"type": media, media: {"link": value}} if media else {"type": "text", "text": value}
    )
    return {"type": "header", "parameters": [parameter]}


def _button(index: str, kind: str | None, value: str) -> dict[str, Any]:
    match kind:
        case "payload":
            sub_type, parameter = "quick_reply", {"type": "payload", "payload": value}
        case "code":
            sub_type, parameter = "copy_code", {"type": "coupon_code", "coupon_code": value}
        case _:
            sub_type, parameter = "url", {"type": "text", "text": value}
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": [parameter]}


def _card(card: Card) -> dict[str, Any]:
    # WhatsApp's own markup: *bold*. A title as a header would leave no room for the picture.
    text = f"*{card.title}*\n{card.text}" if card.title else card.text
    if card.suggestions:
        return {"type": "interactive", "interactive": _interactive(card, text)}
    if card.media_url is None:
        return _text(text)
    image = {"link": card.media_url}
    if text:
        image["caption"] = at_most(_LONGEST_CAPTION, text, "the caption")
    return {"type": "image", "image": image}


def _interactive(card: Card, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {"body": {"text": at_most(_LONGEST_BODY, text, "the text of the card")}}
    if card.media_url:
        found["header"] = {"type": "image", "image": {"link": card.media_url}}
    links = [each for each in card.suggestions if each.url]
    match card.suggestions:
        case [Suggestion(text=label, url=str(url))]:
            parameters = {"display_text": _label(label), "url": url}
            action = {"name": "cta_url", "parameters": parameters}
            return {**found, "type": "cta_url", "action": action}
        case replies if not links and len(replies) <= _MOST_REPLIES:
            buttons = [
                {"type": "reply", "reply": {"id": str(number), "title": _label(each.text)}}
                for number, each in enumerate(replies)
            ]
            return {**found, "type": "button", "action": {"buttons": buttons}}
    raise ValueError("WhatsApp carries one link, or up to three replies, below a card")


def _label(text: str) -> str:
    return at_most(_LONGEST_LABEL, text, "the text of a button")
