"""Accounts of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from campaigns.providers import ProviderConfig, Providers

ACCOUNTS: Mapping[str, Mapping[str, Any]] = {
    "fast": {"rate": "100/s"},
    "steady": {"rate": "20/s"},
    "slow": {"rate": "2/s"},
    "minute": {"rate": "90/min"},
    "senders": {"rate": "20/s", "sender_rate": "1/s"},
    "first": {"rate": "10/s", "fallback": "second", "max_attempts": 2},
    "second": {"rate": "5/s", "max_attempts": 3},
    "open": {},
    "segments": {"rate": "20/s", "rate_unit": "segment", "burst": 3},
    "bursts": {"rate": "120/min", "burst": 10},
}

_COMMON = {"adapter": "sandbox", "channel": "sms", "rate_unit": "message"}


def providers() -> Providers:
    """All of them, as a providers file has them."""
    return Providers(
        MappingProxyType(
            {
                name: ProviderConfig.model_validate(
                    {**_COMMON, "name": name, **settings},
                )
                for name, settings in ACCOUNTS.items()
            }
        )
    )
