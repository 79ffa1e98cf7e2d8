"""How long an account that cannot be reached is left alone."""

from __future__ import annotations

from campaigns.providers import ProviderConfig
from worker.account import LONGEST_UNREACHABLE_COOLING, UNREACHABLE_COOLING, Account
from worker.slots import Slots


def account() -> Account:
    config = ProviderConfig(name="p", adapter="sandbox", channel="sms")
    return Account(config, adapter=None, transport=None, slots=Slots(1))


def test_requests_that_fail_together_count_as_one_failure():
    held = account()
    pauses = [held.unreachable(100.0) for _ in range(50)]
    assert pauses == [UNREACHABLE_COOLING] * 50
    assert held.failures == 1


def test_the_pause_doubles_up_to_a_limit_and_an_answer_ends_it():
    held = account()
    now, pauses = 0.0, []
    for _ in range(12):
        pauses.append(held.unreachable(now))
        now += pauses[-1]
    assert pauses[:3] == [1.0, 2.0, 4.0]
    assert pauses[-1] == LONGEST_UNREACHABLE_COOLING
    held.reached()
    assert held.unreachable(now) == UNREACHABLE_COOLING
