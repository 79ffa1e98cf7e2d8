"""What each channel can show of a card, whoever carries it there: refused when a campaign is saved.

=========  ========================================================================================
telegram   title and text together are one text
viber      the same, and short below a picture
whatsapp   the same, shorter below a picture or above buttons; one link, or up to three replies
rbm        a title, a text, and up to 11 suggestions, in a rich card unless it is a text alone
=========  ========================================================================================

Lengths are those of the texts with their variables put in, for a contact without any field. Pure.
"""

from __future__ import annotations

from campaigns.errors import Invalid
from campaigns.template.content import Card
from campaigns.template.leaf import check_length
from campaigns.template.text import LONGEST

#: https://developers.viber.com/docs/api/rest-bot-api/#picture-message
_VIBER_CAPTION = 768

#: https://developers.facebook.com/docs/whatsapp/cloud-api/messages/image-messages, and
#: .../interactive-cta-url-messages, .../interactive-reply-buttons-messages
_WHATSAPP_CAPTION = 1024
_WHATSAPP_LABEL = 20
_WHATSAPP_REPLIES = 3

#: https://developers.google.com/business-communications/rcs-business-messaging/reference/rest/v1/
#: phones.agentMessages#CardContent
_RBM_TITLE = 200
_RBM_DESCRIPTION = 2000


def check(card: Card, channel: str, path: str) -> None:
    """That ``channel`` has a form for ``card``, which stands at ``path`` of the template.

    Raises:
        Invalid: it has none.
    """
    if channel == "rbm":
        _check_rich(card, path)
        return
    longest = LONGEST[channel]
    if channel == "viber" and card.media_url:
        longest = _VIBER_CAPTION
    if channel == "whatsapp":
        _check_buttons(card, path)
        if card.media_url or card.suggestions:
            longest = _WHATSAPP_CAPTION
    # A title becomes the first line of the text; WhatsApp marks it as bold with two asterisks.
    marks = 2 if channel == "whatsapp" else 0
    title = f"{card.title}\n{'*' * marks}" if card.title else ""
    where = f"{path}.description" + (" with its title" if title else "")
    check_length(where, title + card.text, longest, channel)


def _check_rich(card: Card, path: str) -> None:
    if card.title is None and card.media_url is None:
        return
    check_length(f"{path}.title", card.title or "", _RBM_TITLE, "rbm")
    check_length(f"{path}.description", card.text, _RBM_DESCRIPTION, "rbm")


def _check_buttons(card: Card, path: str) -> None:
    links = [one for one in card.suggestions if one.url is not None]
    one_link = len(links) == len(card.suggestions) == 1
    if not (one_link or (not links and len(card.suggestions) <= _WHATSAPP_REPLIES)):
        rule = "must be one with openUrl, or up to three without, for whatsapp"
        raise Invalid(f"{path}.suggestions", None, rule)
    for number, one in enumerate(card.suggestions):
        where = f"{path}.suggestions[{number}].text"
        check_length(where, one.text, _WHATSAPP_LABEL, "whatsapp")
