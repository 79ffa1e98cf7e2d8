"""Contents in the words of Vonage's Messages API, and what of them a channel has no words for.

======  ==============================  =====================================================
sms     Text                            ``text``
viber   Text                            ``text``
viber   Card, perhaps with one link     ``image`` with a caption where it has a picture, else
                                        ``text``; the link is its button
viber   Card with replies, or links     refused: Viber has one button, which opens a link
rbm     Text                            ``text``
rbm     Card                            ``custom``: handed on as it is to RCS Business
                                        Messaging, since Vonage's own cards must have a
                                        picture and a title
======  ==============================  =====================================================

https://developer.vonage.com/en/api/messages and
https://developer.vonage.com/en/messages/guides/rcs/rcs-custom-messages
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from campaigns.template.content import Card, Content, Suggestion, Text
from worker.adapters.fitting import at_most, titled

_LONGEST_SMS = 1000
_LONGEST_VIBER = 1000
_LONGEST_VIBER_BUTTON = 30
_LONGEST_RCS = 3072

# https://developers.google.com/business-communications/rcs-business-messaging/reference/rest/v1/
# phones.agentMessages
_LONGEST_TITLE = 200
_LONGEST_DESCRIPTION = 2000
_LONGEST_SUGGESTION = 25
_MOST_ON_A_CARD = 4
_MOST_BELOW_A_TEXT = 11


def sms(content: Content) -> Mapping[str, Any]:
    """The fields that say what an SMS says.

    Raises:
        ValueError: it is too long, or no text.
    """
    if not isinstance(content, Text):
        raise ValueError("an SMS carries texts only")  # noqa: TRY004
    return {"message_type": "text", "text": at_most(_LONGEST_SMS, content.text, "the text")}


def viber(content: Content) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The fields of a Viber message, and those of its ``viber_service``.

    Raises:
        ValueError: Viber has no form for it.
    """
    match content:
        case Text(text):
            return _viber_text(text), {}
        case Card(media_url=media_url, suggestions=suggestions) as card:
            text = titled(card)
            options = {"action": _viber_button(suggestions)} if suggestions else {}
            if media_url is None:
                return _viber_text(text), options
            image = {"url": media_url}
            if text:
                image["caption"] = at_most(_LONGEST_VIBER, text, "the text")
            return {"message_type": "image", "image": image}, options
    raise ValueError("Viber carries texts and cards only")


def _viber_text(text: str) -> Mapping[str, Any]:
    return {"message_type": "text", "text": at_most(_LONGEST_VIBER, text, "the text")}


def _viber_button(suggestions: tuple[Suggestion, ...]) -> Mapping[str, Any]:
    if len(suggestions) > 1 or suggestions[0].url is None:
        raise ValueError("Viber has one button below a message, and it opens a link")
    text = at_most(_LONGEST_VIBER_BUTTON, suggestions[0].text, "the button")
    return {"url": suggestions[0].url, "text": text}


def rcs(content: Content) -> Mapping[str, Any]:
    """The fields of an RCS message.

    Raises:
        ValueError: RCS has no form for it.
    """
    match content:
        case Text(text):
            return {"message_type": "text", "text": at_most(_LONGEST_RCS, text, "the text")}
        case Card() as card:
            return {"message_type": "custom", "custom": {"contentMessage": _rcs_card(card)}}
    raise ValueError("RCS carries texts and cards only")


def _rcs_card(card: Card) -> Mapping[str, Any]:
    plain = card.media_url is None and card.title is None
    most = _MOST_BELOW_A_TEXT if plain else _MOST_ON_A_CARD
    if len(card.suggestions) > most:
        raise ValueError(f"there are more than {most} suggestions")
    found: dict[str, Any] = {}
    if card.suggestions:
        found["suggestions"] = [_suggestion(each) for each in card.suggestions]
    if plain:
        return {"text": at_most(_LONGEST_RCS, card.text, "the text"), **found}
    if card.title:
        found["title"] = at_most(_LONGEST_TITLE, card.title, "the title")
    if card.text:
        found["description"] = at_most(_LONGEST_DESCRIPTION, card.text, "the text")
    if card.media_url is not None:
        # A vertical card has to say how high its picture is.
        found["media"] = {"height": "MEDIUM", "contentInfo": {"fileUrl": card.media_url}}
    return {"richCard": {"standaloneCard": {"cardOrientation": "VERTICAL", "cardContent": found}}}


def _suggestion(suggestion: Suggestion) -> Mapping[str, Any]:
    text = at_most(_LONGEST_SUGGESTION, suggestion.text, "a suggestion")
    button: dict[str, Any] = {"text": text, "postbackData": text}
    if suggestion.url is None:
        return {"reply": button}
    return {"action": {**button, "openUrlAction": {"url": suggestion.url}}}
