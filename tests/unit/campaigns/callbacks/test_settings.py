"""The settings of callbacks: what they are unless set, and what is refused."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from campaigns import settings
from campaigns.errors import ConfigurationError


def test_unless_set_callbacks_go_to_the_public_internet_within_a_minute() -> None:
    found = settings.load({})
    assert (found.callback_seconds, found.callback_networks, found.callback_days) == (60, (), 7)


def test_networks_are_read_one_by_one() -> None:
    found = settings.load({"SLUICE_CALLBACK_NETWORKS": "10.1.0.0/16, fd00::/8,,127.0.0.1"})
    expected = map(ip_network, ("10.1.0.0/16", "fd00::/8", "127.0.0.1/32"))
    assert found.callback_networks == tuple(expected)


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("SLUICE_CALLBACK_SECONDS", "0", "must be whole seconds, from 1 to 240"),
        # Five minutes are promised from an event to its callback.
        ("SLUICE_CALLBACK_SECONDS", "241", "must be whole seconds, from 1 to 240"),
        ("SLUICE_CALLBACK_DAYS", "a week", "must be whole days, from 1 to 365"),
        ("SLUICE_CALLBACK_NETWORKS", "10.0.0.0/33", "must be an address or a network"),
        ("SLUICE_CALLBACK_NETWORKS", "10.0.0.1/8", "must be an address or a network"),
        ("SLUICE_CALLBACK_NETWORKS", "internal.example.com", "must be an address or a network"),
    ],
)
def test_anything_else_is_refused_in_a_sentence(name: str, text: str, rule: str) -> None:
    with pytest.raises(ConfigurationError, match=rule):
        settings.load({name: text})
