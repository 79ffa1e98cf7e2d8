"""What push services answer: for whom it counts, and what it means for the subscription."""

from __future__ import annotations

import pytest

from tests.fakes.base import answer
from tests.fakes.webpush import (
    KEYS,
    ORIGIN,
    Fake,
    base64url,
    key,
    pem,
    unauthorized,
)
from tests.support.clock import FakeClock
from tests.support.webpush import PUSH, adapter, exchange, message
from worker.adapters.base import Accepted, Blocked, Failed, Rejected
from worker.adapters.webpush_vapid import TURN

MICROSOFT = "https://wns2-par02p.notify.windows.com/w/?token=x"


def test_a_stranger_neither_blocks_nor_throttles_the_account() -> None:
    own = [message(PUSH, "https://stranger.example/x")]
    for response in (unauthorized("no"), answer(403, {"reason": "BadJwtToken"})):
        (found,) = adapter().decode(own, response)
        assert isinstance(found, Rejected)
        assert not found.gone
    assert adapter().decode(own, answer(429, b"", retry_after="9")) == [Failed("http_429", 9.0)]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/x",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/x",
    ],
)
def test_the_browsers_own_services_speak_for_the_account(endpoint: str) -> None:
    (found,) = adapter().decode([message(PUSH, endpoint)], unauthorized("no"))
    assert found == Blocked("errno_109")


def test_a_browser_whom_microsoft_refuses_without_a_word_holds_nobody_else() -> None:
    """Of old subscriptions it says neither that they ended nor for which key they were made."""
    own = [message(PUSH, MICROSOFT)]
    for status in (401, 403):
        assert adapter().decode(own, answer(status, b"")) == [Rejected(f"http_{status}")]


def test_microsofts_406_is_a_429_and_nobody_elses() -> None:
    slow = answer(406, b"", retry_after="7")
    assert adapter().decode([message(PUSH, MICROSOFT)], slow) == [Failed("http_406", 7.0)]
    assert adapter().decode([message(PUSH)], slow) == [Rejected("http_406")]


def test_a_service_ends_a_subscription_and_a_relay_that_does_not_know_it_does_not() -> None:
    unknown = answer(404, b"<html>")
    assert adapter(url="").decode([message(PUSH)], unknown) == [Rejected("http_404", gone=True)]
    assert adapter().decode([message(PUSH)], unknown) == [Rejected("http_404")]


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/v1/projects/x/messages:send",
        "https://fcm.googleapis.com:444/fcm/send/x",
        "https://updates.push.services.mozilla.com/status",
        "https://api.push.apple.com/3/device/x",
        "https://made-up.push.services.mozilla.com/wpush/v2/x",
    ],
)
def test_what_else_those_services_refuse_concerns_whoever_named_it(endpoint: str) -> None:
    """Their other interfaces want a login of everybody, and anybody can name them."""
    for answered in (answer(401, b""), answer(403, {"reason": "MissingProviderToken"})):
        (found,) = adapter().decode([message(PUSH, endpoint)], answered)
        assert isinstance(found, Rejected)
        assert not found.gone


@pytest.mark.parametrize(
    "endpoint",
    ["https://evilnotify.windows.com/", "https://fcm.googleapis.com.evil.example/"],
)
def test_a_name_that_only_looks_like_a_services_does_not(endpoint: str) -> None:
    (found,) = adapter().decode([message(PUSH, endpoint)], unauthorized("no"))
    assert found == Rejected("errno_109")


def test_all_the_way_to_the_browser() -> None:
    fake = Fake()
    assert exchange(fake, message(PUSH)) == Accepted("1")
    assert fake.taken == [(f"{ORIGIN}/w/a1", "Everything must go")]
    fake.refusals["/w/b2"] = answer(410, b"")
    assert exchange(fake, message(PUSH, f"{ORIGIN}/w/b2")) == Rejected("http_410", gone=True)


def test_another_vapid_key_is_not_what_the_subscription_was_made_for() -> None:
    other = pem(key(2**199 + 1))
    found = exchange(Fake(), message(PUSH), vapid_private_key=other)
    assert found == Rejected("other_vapid_key")


def test_a_token_that_is_too_old_is_refused() -> None:
    late = FakeClock()
    late.advance(3 * TURN)
    assert exchange(Fake(late), message(PUSH)) == Blocked("errno_109")


def test_another_browsers_keys_show_nothing_to_anybody() -> None:
    fake = Fake()
    keys = {**KEYS, "auth": base64url(bytes(16))}
    assert isinstance(exchange(fake, message(PUSH, address_keys=keys)), Accepted)
    assert fake.shown == []
