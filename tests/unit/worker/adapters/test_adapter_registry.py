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


def test_reports_are_promised_only_where_they_are_set_up() -> None:
    """Or all that a carrier without reports accepted would fail at its expiry."""
    config = ProviderConfig(name="acme", adapter="sandbox", channel="sms", url=URL)
    assert not build(config).capabilities.reports
    assert build(config.model_copy(update={"reports": True})).capabilities.reports


def test_a_key_that_the_sandbox_does_not_know_is_refused() -> None:
    config = ProviderConfig(name="acme", adapter="sandbox", channel="sms", url=URL, colour="red")
    with pytest.raises(ConfigurationError, match=r"providers\.acme\.colour: is not a key"):
        build(config)


@pytest.mark.parametrize("adapter", ["http", "sandbox"])
def test_what_is_in_doubt_is_sent_again_only_where_a_repetition_is_recognised(adapter) -> None:
    table = {
        "name": "acme", "adapter": adapter, "channel": "sms", "url": URL, "in_doubt": "resend"
    }  # fmt: skip
    with pytest.raises(ConfigurationError) as refusal:
        build(ProviderConfig(**table))
    assert str(refusal.value) == (
        "providers.acme.in_doubt: 'resend' needs a provider that recognises a repeated message, "
        f"and the adapter {adapter!r} is not told of one (see idempotent in docs/providers.md)."
    )
    assert build(ProviderConfig(**table, idempotent=True)).capabilities.idempotent


def test_who_says_that_a_repetition_is_recognised_has_to_send_what_it_is_recognised_by() -> None:
    table = {"name": "acme", "adapter": "http", "channel": "sms", "url": URL, "idempotent": True}
    body = {"to": "{address}"}
    with pytest.raises(
        ConfigurationError, match=r"acme\.idempotent: needs {reference} in the body"
    ):
        build(ProviderConfig(**table, body=body))
    adapter = build(ProviderConfig(**table, body=body, idempotency_header="Idempotency-Key"))
    assert adapter.capabilities.idempotent
