"""Trying an account: an access token, and one real message, outside of any campaign."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from campaigns import mailboxes
from campaigns.audience import addresses
from campaigns.audience.addresses import AddressKind
from campaigns.channels import ADDRESS_COLUMN
from campaigns.clock import SystemClock
from campaigns.errors import Invalid
from campaigns.providers import ProviderConfig
from campaigns.template.content import Content, Mail, Push, Text
from worker import reference
from worker.adapters.authorizing import Authorizer
from worker.adapters.base import NO_KEYS, Accepted, AnyAdapter, Message, Outcome
from worker.engine import PACE
from worker.throttle.base import Wait
from worker.throttle.limiter import RedisLimiter
from worker.transport import factory
from worker.transport.authorized import Authorized
from worker.transport.base import NotSent, Refused, TransportError
from worker.transport.httpx_transport import HttpxTransport

#: The longest that a test message waits for its turn at the account, in seconds.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a test message."""

    outcome: str
    message_ids: tuple[str, ...] = ()
    code: str | None = None

    @property
    def ok(self) -> bool:
        """Whether the provider took it."""
        return self.outcome == "accepted"

    def __str__(self) -> str:
        ids = f", with the id {' and '.join(self.message_ids)}" if self.message_ids else ""
        return _WORDS[self.outcome] + ids + (f" ({self.code})" if self.code else "")


_WORDS: Mapping[str, str] = {
    "accepted": "the provider took the message",
    "throttled": "not sent: the account is too fast",
    "blocked": "not sent: the provider refuses the account; see to its credentials, credit and "
    "permissions",
    "rejected": "not sent: the provider will not take this message, or not for this recipient",
    "failed": "not sent, for a reason that passes",
    "unknown": "the message may have arrived: the provider gave no answer that can be understood",
    "not_sent": "not sent: the provider was not reached",
}


async def token(config: ProviderConfig, adapter: AnyAdapter) -> str | None:
    """Why the account gets no access token; ``None`` where it gets one, or needs none."""
    if not isinstance(adapter, Authorizer):
        return None
    transport = Authorized(HttpxTransport(), adapter, SystemClock())
    async with aclosing(transport):
        try:
            await transport.authorize()
        except Refused as error:
            return (
                f"providers.{config.name}: the provider gives it no access token ({error.code}); "
                "see to its credentials."
            )
        except NotSent as error:
            return f"providers.{config.name}: no access token can be had now ({error.code})."
    return None


def message(
    config: ProviderConfig, adapter: AnyAdapter, to: str, sender: str, text: str
) -> Message:
    """A test message to an address as people write it.

    A push subscription is given as the browser's JSON: ``{"endpoint": .., "keys": {..}}``.

    Raises:
        Invalid: it is no address of the account's channel, its messages hold no plain words, or an
            e-mail would be from nobody.
    """
    keys = NO_KEYS
    if config.channel == "email" and not mailboxes.is_mailbox(sender):
        raise Invalid("sender", None, f"{mailboxes.RULE} (--sender)")
    if config.channel == "webpush":
        to, keys = _subscription(to)
    kind: AddressKind = ADDRESS_COLUMN[config.channel]  # type: ignore[assignment]
    try:
        address = addresses.normalise(kind, to)
    except Invalid as error:
        raise Invalid("send", None, error.rule) from None
    # Nobody's key signs it: a report on it is nobody's.
    own = reference.sign(0, 0, secrets.token_bytes(32))
    return Message(own, address, sender, _content(adapter, text), address_keys=keys)


async def send(
    config: ProviderConfig, adapter: AnyAdapter, one: Message, redis_url: str | None
) -> Trial:
    """Send one message, in its turn where the account's turns are known."""
    if redis_url is not None and not await _turn(config, redis_url):
        return Trial("throttled", code="no_turn")
    try:
        request = adapter.encode([one])
    except ValueError as error:
        raise Invalid("send", None, f"cannot be put in the provider's form: {error}") from None
    # The other client has threads of its own, one of which may still run while this process ends,
    # and then the interpreter aborts.
    transport = factory.connect(config.model_copy(update={"transport": "httpx"}), adapter)
    try:
        answer = await transport.send(request, timeout=config.timeout)
    except Refused as error:
        return Trial("blocked", code=error.code)
    except NotSent as error:
        return Trial("not_sent", code=error.code)
    except TransportError as error:
        return Trial("unknown", code=error.code)
    finally:
        await transport.aclose()
    (found,) = adapter.decode([one], answer)
    return _trial(found)


def _trial(found: Outcome) -> Trial:
    if isinstance(found, Accepted):
        return Trial("accepted", found.message_ids)
    return Trial(type(found).__name__.lower(), code=found.code)


async def _turn(config: ProviderConfig, redis_url: str) -> bool:
    """Whether the account's pace has room for one message, within a bearable time."""
    clock = SystemClock()
    limiter = RedisLimiter(redis_url, clock=clock, pace=PACE)
    async with aclosing(limiter):
        deadline = clock.monotonic() + PATIENCE
        while True:
            answer = await limiter.acquire(config.name, config.per_second, 1, period=config.period)
            if not isinstance(answer, Wait):
                await clock.sleep(max(answer.start - clock.monotonic(), 0.0))
                return True
            if clock.monotonic() + answer.seconds > deadline:
                return False
            await clock.sleep(answer.seconds)


def _content(adapter: AnyAdapter, text: str) -> Content:
    contents = adapter.capabilities.contents
    if Text in contents:
        return Text(text)
    if Mail in contents:
        return Mail(subject=text, text=text)
    if Push in contents:
        return Push(title=text)
    raise Invalid("send", None, "needs an adapter whose messages hold plain words")


def _subscription(text: str) -> tuple[str, Mapping[str, str]]:
    match _json(text):
        case {"endpoint": str(endpoint), "keys": {"p256dh": str(), "auth": str()} as keys}:
            return endpoint, {name: str(keys[name]) for name in ("p256dh", "auth")}
    raise Invalid(
        "send",
        None,
        'must be a push subscription as browsers give it: {"endpoint": .., "keys": ..}',
    )


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
