"""A provider's table names an adapter that exists and carries its channel."""

from __future__ import annotations

import pytest

from campaigns.channels import CHANNELS
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from tests.support.adapters import PROFILES, URL, Profile
from worker.adapters.registry import ADAPTERS, build


@pytest.mark.parametrize("profile", PROFILES, ids=[each.name for each in PROFILES])
def test_a_channel_is_carried_or_refused(profile: Profile) -> None:
    for channel in CHANNELS:
        if channel in profile.adapter().capabilities.channels:
            assert channel in profile.adapter(channel=channel).capabilities.channels
        else:
            with pytest.raises(ConfigurationError, match="does not carry"):
                profile.adapter(channel=channel)


def test_an_unknown_adapter_is_refused_with_the_known_ones() -> None:
    config = ProviderConfig(name="acme", adapter="pigeon", channel="sms", url=URL)
    with pytest.raises(ConfigurationError) as caught:
        build(config)
    assert "providers.acme.adapter: 'pigeon' is not known" in str(caught.value)
    assert all(name in str(caught.value) for name in ADAPTERS)


def test_the_sandbox_has_no_keys_of_its_own() -> None:
    config = ProviderConfig(name="acme", adapter="sandbox", channel="sms", url=URL, colour="red")
    with pytest.raises(ConfigurationError, match=r"providers\.acme\.colour: is not a key"):
        build(config)
