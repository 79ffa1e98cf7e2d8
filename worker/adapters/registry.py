"""The adapters there are. A new one is written in its own file and named here."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from campaigns.clock import Clock, SystemClock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters import http, infobip, sandbox, telegram, twilio, vonage, whatsapp
from worker.adapters.base import AnyAdapter

#: What ``adapter = "..."`` in the providers file stands for.
ADAPTERS: Mapping[str, Callable[[ProviderConfig, Clock], AnyAdapter]] = {
    "http": http.build,
    "infobip": infobip.build,
    "sandbox": sandbox.build,
    "telegram": telegram.build,
    "twilio": twilio.build,
    "vonage": vonage.build,
    "whatsapp": whatsapp.build,
}


def build(config: ProviderConfig, clock: Clock | None = None) -> AnyAdapter:
    """The adapter for a configured account.

    ``clock`` says how long a message is still valid and how far off a date of the provider's is;
    default: the machine's.

    Raises:
        ConfigurationError: the adapter is not known, does not carry the channel, refuses a key, or
            cannot send again without doubling what is to be sent again.
    """
    factory = ADAPTERS.get(config.adapter)
    if factory is None:
        raise ConfigurationError(
            f"providers.{config.name}.adapter: {config.adapter!r} is not known; "
            f"known are {', '.join(sorted(ADAPTERS))}."
        )
    adapter = factory(config, clock or SystemClock())
    carried = adapter.capabilities.channels
    if config.channel not in carried:
        raise ConfigurationError(
            f"providers.{config.name}.channel: the adapter {config.adapter!r} does not carry "
            f"{config.channel!r}; it carries {', '.join(sorted(carried))}."
        )
    if config.in_doubt == "resend" and not adapter.capabilities.idempotent:
        raise ConfigurationError(
            f"providers.{config.name}.in_doubt: 'resend' needs a provider that recognises a "
            f"repeated message, and the adapter {config.adapter!r} is not told of one "
            "(see idempotent in docs/providers.md)."
        )
    return adapter
