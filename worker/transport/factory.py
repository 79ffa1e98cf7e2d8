"""Opens transports: by the protocol that an adapter speaks, and for HTTP by the client's name."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Literal, get_args

from campaigns.clock import SystemClock
from campaigns.errors import ConfigurationError, Unavailable
from campaigns.providers import ProviderConfig
from worker.adapters import smpp_options, smtp_options
from worker.adapters.authorizing import Authorizer
from worker.adapters.base import AnyAdapter, HttpRequest, Report
from worker.adapters.options import read_options
from worker.adapters.receiving import Inbound, Receiver
from worker.transport.authorized import Authorized
from worker.transport.base import AnyTransport, HttpSender, HttpTransport
from worker.transport.bounded import BoundedTransport
from worker.transport.guarded import Guarded
from worker.transport.httpx_transport import HttpxTransport
from worker.transport.pin import Pin
from worker.transport.pyreqwest_transport import PyreqwestTransport
from worker.transport.smpp import SmppTransport
from worker.transport.smtp import SmtpTransport

TransportName = Literal["httpx", "pyreqwest"]

TRANSPORTS: tuple[TransportName, ...] = get_args(TransportName)

#: pyreqwest passes every case of tests/contract/test_transport_*.py. httpx passes all but
#: one (see :class:`HttpxTransport`) and carries a fraction of the requests per second.
DEFAULT_TRANSPORT: TransportName = "pyreqwest"

Opener = Callable[[ProviderConfig, AnyAdapter], AnyTransport]

log = logging.getLogger(__name__)


#: Keeps what an account reports over the connection that its messages go by; raises where it
#: cannot, for the provider to say it again.
Record = Callable[[str, Sequence[Report]], Awaitable[None]]


#: Does what the people ask for whose messages come over that connection; raises likewise.
Obey = Callable[[str, Sequence[Inbound]], Awaitable[None]]


async def nowhere(account: str, found: Sequence[object]) -> None:
    """Of whoever has no use for what comes in: it is for another process to take."""
    raise Unavailable(f"{account}: nobody keeps what comes in here.")


def connect(
    config: ProviderConfig, adapter: AnyAdapter, record: Record = nowhere, obey: Obey = nowhere
) -> AnyTransport:
    """A transport of its own for one account, in the protocol that its adapter speaks.

    ``record`` keeps the reports that come over it, and ``obey`` does what people ask for. Call it
    inside the event loop that will use it, and close it with ``aclose``.

    Raises:
        ConfigurationError: nothing here carries that protocol, or the account's keys are wrong
            for what does.
    """
    protocol = adapter.capabilities.protocol
    opener = OPENERS.get(protocol)
    if opener is None:
        raise ConfigurationError(
            f"providers.{config.name}.adapter: {config.adapter!r} speaks {protocol!r}, "
            f"and only {', '.join(sorted(OPENERS))} can be carried."
        )
    return opener(config, adapter, record, obey)


def connection(config: ProviderConfig, adapter: AnyAdapter) -> tuple[object, ...]:
    """What the transport of an account depends on: where it changes, a new one is opened."""
    capabilities = adapter.capabilities
    depends: tuple[object, ...] = (
        capabilities.protocol,
        config.max_in_flight,
        capabilities.trusted_hosts,
    )
    if capabilities.protocol == "http" and not isinstance(adapter, Authorizer):
        return (*depends, config.transport)
    # It holds what the account's own keys gave it: a session, a token.
    return (*depends, config.transport, config.url, config.options)


def open_http(config: ProviderConfig, adapter: AnyAdapter, *_: object) -> HttpTransport:
    """HTTP, with an access token where the adapter asks for one, and on the public Internet only
    where its requests go to whom the recipients named."""
    name = config.transport or DEFAULT_TRANSPORT
    trusted = adapter.capabilities.trusted_hosts
    if trusted is None:
        client = _client(name, config.max_in_flight)
    else:
        pinned = partial(_client, name, config.max_in_flight)
        client = Guarded(pinned, trusted, config.max_in_flight, SystemClock())
    if isinstance(adapter, Authorizer):
        client = Authorized(client, adapter, SystemClock())
    return BoundedTransport(client, config.max_in_flight)


def open_smtp(config: ProviderConfig, adapter: AnyAdapter, *_: object) -> AnyTransport:
    """SMTP, with a connection for each message that may be under way."""
    server = smtp_options.server(config, read_options(smtp_options.SmtpOptions, config))
    return BoundedTransport(SmtpTransport(server), config.max_in_flight)


def open_smpp(
    config: ProviderConfig, adapter: AnyAdapter, record: Record, obey: Obey
) -> AnyTransport:
    """SMPP, with as many messages under way as the window has places."""

    async def receive(unit: bytes) -> None:
        call = HttpRequest("SMPP", "", {}, unit)
        try:
            answers = adapter.parse_inbound(call) if isinstance(adapter, Receiver) else ()
        except ValueError:
            await keep(call)
            return
        if answers:
            await obey(config.name, answers)

    async def keep(call: HttpRequest) -> None:
        try:
            reports = adapter.parse_report(call)
        except ValueError:
            # In another form than any that is known: to repeat it would not help.
            log.info("%s: a deliver_sm is neither a message nor a receipt", config.name)
            return
        if reports:
            await record(config.name, reports)

    server = smpp_options.server(config, read_options(smpp_options.SmppOptions, config))
    return BoundedTransport(SmppTransport(server, receive), config.max_in_flight)


#: By :attr:`worker.adapters.base.Capabilities.protocol`.
OPENERS: Mapping[str, Callable[[ProviderConfig, AnyAdapter, Record, Obey], AnyTransport]] = {
    "http": open_http,
    "smpp": open_smpp,
    "smtp": open_smtp,
}


def open_transport(name: TransportName, max_connections: int) -> HttpTransport:
    """A transport with at most ``max_connections`` requests under way; close it with ``aclose``.

    Call it inside the event loop that will use it.
    """
    return BoundedTransport(_client(name, max_connections), max_connections)


def _client(name: TransportName, max_connections: int, pin: Pin | None = None) -> HttpSender:
    if name == "httpx":
        return HttpxTransport(pin)
    return PyreqwestTransport(max_connections, pin)
