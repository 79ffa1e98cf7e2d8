"""Access tokens: asked for once at a time, kept, renewed in time, and never a reason for doubt."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from campaigns.providers import ProviderConfig
from tests.support.clock import FakeClock
from worker.adapters.authorizing import Token
from worker.adapters.base import Capabilities, HttpRequest, HttpResponse
from worker.transport import factory
from worker.transport.authorized import RENEW_BEFORE, RENEW_PAUSE, Authorized
from worker.transport.base import NotSent, Refused, TooLate, Uncertain

MESSAGE = HttpRequest("POST", "http://vendor/messages", {"x-own": "1"}, b"{}")
SECRET = "s3cret-7f3a9c"


class Vendor:
    """Gives tokens ``t1``, ``t2`` and so on, good for an hour, and takes messages."""

    def __init__(self) -> None:
        self.asked = 0
        #: What is answered instead of a token, or raised.
        self.instead: HttpResponse | Exception | None = None
        #: What a request for a token waits for.
        self.gate = asyncio.Event()
        self.gate.set()
        self.statuses: list[int] = []
        self.carried: list[str] = []
        self.closed = False

    async def send(
        self, request: HttpRequest, *, timeout: float, leave_within: float = math.inf
    ) -> HttpResponse:
        if request.url.endswith("/token"):
            self.asked += 1
            await self.gate.wait()
            if isinstance(self.instead, Exception):
                raise self.instead
            token = {"access_token": f"t{self.asked}", "expires_in": 3600}
            return self.instead or HttpResponse(200, {}, json.dumps(token).encode())
        assert request.headers["x-own"] == "1"
        self.carried.append(request.headers["authorization"])
        return HttpResponse(self.statuses.pop(0) if self.statuses else 202, {}, b"{}")

    async def aclose(self) -> None:
        self.closed = True


class Tokens:
    """The adapter's part."""

    capabilities = Capabilities()
    request: Callable[[], HttpRequest] = staticmethod(
        lambda: HttpRequest("POST", "http://vendor/token", {}, SECRET.encode())
    )

    def token_request(self) -> HttpRequest:
        return self.request()

    def decode_token(self, response: HttpResponse) -> Token:
        match json.loads(response.body):
            case {"access_token": str(value), "expires_in": seconds}:
                return Token(value, seconds)
            case {"error": str(code)}:
                raise ValueError(code)
        raise ValueError("no_token")


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.vendor = Vendor()
        self.tokens = Tokens()
        self.transport = Authorized(self.vendor, self.tokens, self.clock)

    async def send(self, **more: Any) -> HttpResponse:
        return await self.transport.send(MESSAGE, **{"timeout": 10.0} | more)


def play(story: Callable[[World], Awaitable[None]]) -> None:
    async def told() -> None:
        await story(World())

    asyncio.run(told())


async def turns() -> None:
    """Let everything happen that does not wait for the test."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_first_message_asks_and_all_after_it_use_the_same_token():
    async def story(world: World) -> None:
        for _ in range(3):
            assert (await world.send()).status == 202
        assert world.vendor.asked == 1
        assert world.vendor.carried == ["Bearer t1"] * 3

    play(story)


def test_before_its_end_it_is_renewed_in_the_background_while_it_is_used():
    async def story(world: World) -> None:
        await world.send()
        world.clock.advance(3600 - RENEW_BEFORE)
        world.vendor.gate.clear()
        await world.send()
        await turns()
        await world.send()
        assert world.vendor.asked == 2
        world.vendor.gate.set()
        await turns()
        await world.send()
        assert world.vendor.carried == ["Bearer t1"] * 3 + ["Bearer t2"]

    play(story)


def test_a_token_past_its_end_is_never_used():
    async def story(world: World) -> None:
        await world.send()
        world.clock.advance(3600)
        await world.send()
        assert world.vendor.carried == ["Bearer t1", "Bearer t2"]

    play(story)


def test_a_renewal_that_failed_is_not_tried_again_with_every_message():
    async def story(world: World) -> None:
        await world.send()
        world.clock.advance(3600 - RENEW_BEFORE)
        world.vendor.instead = NotSent("connection_refused")
        for _ in range(5):
            await world.send()
            await turns()
        assert world.vendor.asked == 2
        world.clock.advance(RENEW_PAUSE)
        await world.send()
        await turns()
        assert world.vendor.asked == 3
        assert set(world.vendor.carried) == {"Bearer t1"}

    play(story)


def test_of_many_that_need_a_token_one_asks_and_goes_on_and_the_others_are_too_late():
    """They would all leave in one moment, whatever pace they were granted."""

    async def story(world: World) -> None:
        world.vendor.gate.clear()
        waiting = [asyncio.create_task(world.send()) for _ in range(5)]
        await turns()
        world.vendor.gate.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(one) for one in found] == [HttpResponse, *[TooLate] * 4]
        assert world.vendor.asked == 1
        assert (await world.send()).status == 202

    play(story)


def test_who_gives_up_waiting_is_too_late_and_takes_the_token_from_nobody():
    async def story(world: World) -> None:
        world.vendor.gate.clear()
        with pytest.raises(TooLate):
            await world.send(leave_within=0.01)
        with pytest.raises(NotSent, match="token_timeout"):
            await world.send(timeout=0.01)
        world.vendor.gate.set()
        await turns()
        await world.send()
        assert world.vendor.asked == 1

    play(story)


@pytest.mark.parametrize(
    ("instead", "error", "code"),
    [
        (HttpResponse(400, {}, b'{"error": "invalid_grant"}'), Refused, "invalid_grant"),
        (HttpResponse(401, {}, b"<html>"), Refused, "token_http_401"),
        (HttpResponse(200, {}, b"{}"), Refused, "no_token"),
        (HttpResponse(400, {}, b'{"error": "no such key 4711!"}'), Refused, "token_http_400"),
        (HttpResponse(429, {}, b"{}"), NotSent, "no_token"),
        (HttpResponse(503, {}, b"<html>"), NotSent, "token_http_503"),
        (NotSent("dns"), NotSent, "dns"),
        (Uncertain("read_timeout"), NotSent, "read_timeout"),
    ],
)
def test_what_goes_wrong_about_a_token_is_never_uncertain(instead, error, code):
    async def story(world: World) -> None:
        world.vendor.instead = instead
        with pytest.raises(NotSent) as caught:
            await world.send()
        assert (type(caught.value), caught.value.code) == (error, code)
        assert world.vendor.carried == []

    play(story)


def test_an_adapter_that_cannot_ask_ends_nothing():
    async def story(world: World) -> None:
        def broken() -> HttpRequest:
            raise RuntimeError(SECRET)

        world.tokens.request = broken
        with pytest.raises(NotSent, match="token_error"):
            await world.send()

    play(story)


@pytest.mark.parametrize("seconds", [math.nan, -5.0, 0.0])
def test_a_token_without_any_time_is_good_for_its_own_message(seconds, monkeypatch):
    monkeypatch.setattr(Tokens, "decode_token", lambda *_: Token("t", seconds))

    async def story(world: World) -> None:
        await world.send()
        await world.send()
        assert world.vendor.asked == 2

    play(story)


def test_a_token_that_is_refused_is_dropped():
    """One that was good before says nothing about the account; a new one does, to the adapter."""

    async def story(world: World) -> None:
        await world.send()
        world.vendor.statuses = [401, 401]
        with pytest.raises(NotSent, match="token_refused"):
            await world.send()
        assert (await world.send()).status == 401
        assert (await world.send()).status == 202
        assert world.vendor.carried[-2:] == ["Bearer t2", "Bearer t3"]

    play(story)


def test_no_token_and_no_secret_is_logged(caplog):
    async def story(world: World) -> None:
        await world.send()
        assert "t1" not in repr(world.transport._held)
        world.clock.advance(3600)
        world.vendor.instead = HttpResponse(400, {}, json.dumps({"error": SECRET * 9}).encode())
        with pytest.raises(Refused):
            await world.send()

    play(story)
    assert "an access token cannot be had (token_http_400)" in caplog.text
    assert SECRET not in caplog.text


def test_an_account_whose_adapter_wants_tokens_gets_a_transport_that_has_them():
    async def story(world: World) -> None:
        config = ProviderConfig(name="x", adapter="x", channel="rbm", max_in_flight=1)
        plain = factory.connection(config, object_with(Capabilities()))
        holding = factory.connection(config, world.tokens)
        assert len(holding) > len(plain), "a changed key opens it anew"
        transport = factory.connect(config, world.tokens)
        assert isinstance(transport._inner, Authorized)
        await transport.aclose()

    play(story)


def test_a_protocol_that_nothing_carries_is_named():
    config = ProviderConfig(name="x", adapter="pigeon", channel="sms")
    adapter = object_with(Capabilities(protocol="feathers"))
    with pytest.raises(Exception, match=r"providers\.x\.adapter: 'pigeon' speaks 'feathers'"):
        factory.connect(config, adapter)


def object_with(capabilities: Capabilities) -> Any:
    return type("Adapter", (), {"capabilities": capabilities})()
