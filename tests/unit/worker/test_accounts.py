"""Accounts follow their configuration while messages are being sent through them."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig, Providers
from worker.accounts import Accounts
from worker.adapters.base import AnyAdapter, HttpRequest, HttpResponse
from worker.adapters.registry import build
from worker.transport.base import HttpTransport
from worker.transport.bounded import BoundedTransport

REQUEST = HttpRequest("POST", "http://127.0.0.1/", {}, b"{}")


class SlowTransport:
    """Answers when it is told."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.closed = False
        self.broken_off = False

    async def send(
        self, request: HttpRequest, *, timeout: float, leave_within: float = math.inf
    ) -> HttpResponse:
        await self.may_answer.wait()
        return HttpResponse(202, {}, b"{}")

    def break_off(self) -> None:
        self.broken_off = True

    async def aclose(self) -> None:
        self.closed = True


class World:
    """A configuration that the test changes, and the accounts that follow it."""

    def __init__(self) -> None:
        self.opened: list[SlowTransport] = []
        self.providers = Providers({})

    def configure(self, **accounts: dict[str, Any]) -> None:
        basics = {"adapter": "sandbox", "channel": "sms", "url": "http://127.0.0.1:1/messages"}
        self.providers = Providers(
            {name: ProviderConfig(name=name, **basics | keys) for name, keys in accounts.items()}
        )

    def current(self) -> Providers:
        return self.providers

    def connect(self, config: ProviderConfig, adapter: AnyAdapter) -> HttpTransport:
        self.opened.append(SlowTransport())
        return BoundedTransport(self.opened[-1], config.max_in_flight)

    def accounts(self) -> Accounts:
        return Accounts(self, build=build, connect=self.connect)


def play(story: Callable[[World], Awaitable[None]]) -> None:
    asyncio.run(story(World()))


async def turns() -> None:
    """Let everything happen that does not wait for the test."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_a_new_rate_counts_for_whoever_is_sending_and_costs_no_connection():
    async def story(world: World) -> None:
        world.configure(a={"rate": "10/s"})
        accounts = world.accounts()
        account = accounts.get("a")
        world.configure(a={"rate": "20/s"})
        assert accounts.get("a") is account
        assert account.config.per_second == 20.0
        assert len(world.opened) == 1

    play(story)


def test_a_new_url_gets_another_adapter():
    async def story(world: World) -> None:
        world.configure(a={})
        account = (accounts := world.accounts()).get("a")
        world.configure(a={"url": "http://127.0.0.1:2/other"})
        accounts.refresh()
        assert account.adapter._url == "http://127.0.0.1:2/other"

    play(story)


def test_an_unchanged_account_is_left_as_it_is():
    async def story(world: World) -> None:
        world.configure(a={}, b={})
        accounts = world.accounts()
        kept = accounts.get("b").adapter
        world.configure(a={"rate": "1/s"}, b={})
        assert accounts.get("b").adapter is kept

    play(story)


def test_a_connection_that_is_replaced_is_closed_after_its_last_request():
    async def story(world: World) -> None:
        world.configure(a={"max_in_flight": 2})
        account = (accounts := world.accounts()).get("a")
        request = asyncio.create_task(account.transport.send(REQUEST, timeout=5))
        await turns()
        world.configure(a={"max_in_flight": 5})
        accounts.refresh()
        await turns()
        before, after = world.opened
        assert (before.closed, account.slots.free) == (False, 5)
        before.may_answer.set()
        assert (await request).status == 202
        await turns()
        assert (before.closed, after.closed) == (True, False)

    play(story)


def test_a_removed_account_takes_nothing_more_and_goes_when_it_is_idle():
    async def story(world: World) -> None:
        world.configure(a={}, b={})
        account = (accounts := world.accounts()).get("a")
        request = asyncio.create_task(account.transport.send(REQUEST, timeout=5))
        await turns()
        world.configure(b={})
        assert accounts.get("a") is None
        assert account.removed
        assert not world.opened[0].closed
        world.opened[0].may_answer.set()
        await request
        await turns()
        assert [each.closed for each in world.opened] == [True, False]

    play(story)


def test_what_was_claimed_for_an_account_still_goes_out_when_it_is_removed():
    """A row holds a place from its claim on; its request may leave a moment later."""

    async def story(world: World) -> None:
        world.configure(a={}, b={})
        account = (accounts := world.accounts()).get("a")
        places = await account.slots.take(1)
        world.configure(b={})
        accounts.refresh()
        await turns()
        request = asyncio.create_task(account.transport.send(REQUEST, timeout=5))
        await turns()
        world.opened[0].may_answer.set()
        await turns()
        assert request.done()
        assert (await request).status == 202
        assert not world.opened[0].closed
        account.slots.give(places)
        await turns()
        assert world.opened[0].closed

    play(story)


def test_keys_that_the_adapter_refuses_leave_the_account_as_it_was(caplog):
    async def story(world: World) -> None:
        world.configure(a={"rate": "10/s"})
        accounts = world.accounts()
        world.configure(a={"rate": "20/s", "colour": "red"}, b={})
        for _ in range(3):
            assert accounts.get("a").config.per_second == 10.0
        assert accounts.get("b") is not None

    play(story)
    (record,) = caplog.records
    assert "providers.a.colour" in record.getMessage()


def test_an_account_that_may_not_send_again_what_is_in_doubt_stays_as_it_was(caplog):
    async def story(world: World) -> None:
        world.configure(a={"rate": "10/s"})
        accounts = world.accounts()
        world.configure(a={"rate": "20/s", "in_doubt": "resend"})
        assert accounts.get("a").config.per_second == 10.0
        assert accounts.resending() == []
        world.configure(a={"in_doubt": "resend", "idempotent": True})
        accounts.refresh()
        assert accounts.resending() == ["a"]

    play(story)
    (record,) = caplog.records
    assert "providers.a.in_doubt: 'resend' needs a provider" in record.getMessage()


def test_at_the_start_refused_keys_are_an_error():
    async def story(world: World) -> None:
        world.configure(a={"colour": "red"})
        with pytest.raises(ConfigurationError):
            world.accounts()

    play(story)


def test_attempts_are_counted_over_the_chain():
    async def story(world: World) -> None:
        world.configure(
            a={"max_attempts": 2, "fallback": "b"}, b={"max_attempts": 3}, c={"max_attempts": 7}
        )
        accounts = world.accounts()
        assert [accounts.most_attempts(name) for name in "abcd"] == [5, 3, 7, 0]

    play(story)
