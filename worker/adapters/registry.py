"""The adapters there are. A new one is written in its own file and named here.

Others come with packages of their own, by the entry point group :data:`GROUP` (Python packaging
guide, "Entry points"): ``pigeon = "sluice_pigeon:build"``. They are loaded when an account names
them, never before, and never in the place of one that is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points

from campaigns.clock import Clock, SystemClock
from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters import (
    aws,
    horisen,
    http,
    infobip,
    mailgun,
    messagebird,
    postmark,
    rbm,
    sandbox,
    sendgrid,
    ses,
    sinch,
    smpp,
    smtp,
    telegram,
    telnyx,
    twilio,
    viber,
    vonage,
    vonage_messages,
    webpush,
    whatsapp,
)
from worker.adapters.base import AnyAdapter

Factory = Callable[[ProviderConfig, Clock], AnyAdapter]

#: The entry point group of adapters that other packages bring.
GROUP = "sluice.adapters"

#: What ``adapter = "..."`` in the providers file stands for.
ADAPTERS: Mapping[str, Factory] = {
    "aws": aws.build,
    "horisen": horisen.build,
    "http": http.build,
    "infobip": infobip.build,
    "mailgun": mailgun.build,
    "messagebird": messagebird.build,
    "postmark": postmark.build,
    "rbm": rbm.build,
    "sandbox": sandbox.build,
    "sendgrid": sendgrid.build,
    "ses": ses.build,
    "sinch": sinch.build,
    "smpp": smpp.build,
    "smtp": smtp.build,
    "telegram": telegram.build,
    "telnyx": telnyx.build,
    "twilio": twilio.build,
    "viber": viber.build,
    "vonage": vonage.build,
    "vonage_messages": vonage_messages.build,
    "webpush": webpush.build,
    "whatsapp": whatsapp.build,
}


def build(config: ProviderConfig, clock: Clock | None = None) -> AnyAdapter:
    """The adapter for a configured account.

    ``clock`` says how long a message is still valid and how far off a date of the provider's is;
    default: the machine's.

    Raises:
        ConfigurationError: the adapter is not known or cannot be loaded, does not carry the
            channel, refuses a key, or cannot send again without doubling what is to be sent again.
    """
    factory = ADAPTERS.get(config.adapter) or _foreign(config)
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


def _foreign(config: ProviderConfig) -> Factory:
    """The adapter that another package brings under this name."""
    where, name = f"providers.{config.name}.adapter", config.adapter
    offered = entry_points(group=GROUP)
    found = list(offered.select(name=name))
    if not found:
        known = ", ".join(sorted({*ADAPTERS, *offered.names}))
        raise ConfigurationError(f"{where}: {name!r} is not known; known are {known}.")
    if len(found) > 1:
        packages = " and ".join(sorted(map(_package, found)))
        raise ConfigurationError(f"{where}: {name!r} comes with {packages}; remove all but one.")
    (point,) = found
    try:
        loaded = point.load()
    # Whatever a stranger's module does while it is imported, it concerns this account alone.
    except Exception as error:
        raise ConfigurationError(
            f"{where}: {name!r} of the package {_package(point)} cannot be loaded "
            f"({type(error).__name__}: {error})."
        ) from error
    if not callable(loaded):
        raise ConfigurationError(
            f"{where}: {name!r} of the package {_package(point)} must name a function that takes "
            f"the account and a clock, but {point.value!r} is none."
        )
    built: Factory = loaded
    return _guarded(where, point, built)


def _guarded(where: str, point: EntryPoint, factory: Factory) -> Factory:
    def build(config: ProviderConfig, clock: Clock) -> AnyAdapter:
        try:
            return factory(config, clock)
        except ConfigurationError:
            raise
        # Its words may hold a secret of the account.
        except Exception as error:
            raise ConfigurationError(
                f"{where}: {point.name!r} of the package {_package(point)} cannot be built "
                f"({type(error).__name__})."
            ) from None

    return build


def _package(point: EntryPoint) -> str:
    return repr(point.dist.name) if point.dist is not None else "an unnamed package"
