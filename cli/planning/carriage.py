"""Whether the account of a campaign can carry what it says."""

from __future__ import annotations

from collections.abc import Mapping

from campaigns.campaign.store import Campaign
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from campaigns.template import contents
from campaigns.template.content import Card, Content, Mail, NamedTemplate, Push, Text
from worker.adapters.registry import build

_KINDS: Mapping[type[Content], str] = {
    Text: "a text",
    Card: "a card",
    Mail: "an e-mail",
    Push: "a notification",
    NamedTemplate: "a stored template",
}


def uncarried(campaign: Campaign, provider: ProviderConfig) -> str | None:
    """What the account's adapter has no words for; ``None`` where it has them.

    An account that is set up wrongly is a matter of `sluice providers check`.
    """
    try:
        carried = build(provider).capabilities.contents
    except ConfigurationError:
        return None
    template = contents.compile(campaign.sending_type, campaign.template)
    kind = type(template.bind(campaign.template_vars).render({}))
    return None if kind in carried else _KINDS[kind]
