"""What a process knows of an account, and what the database makes of what processes tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from campaigns.schedule.adaptive import (
    BLOCKED_PAUSE,
    FIRST_HOLD,
    OPENS_AFTER,
    Health,
    RateFactor,
    current,
)
from worker.condition import (
    UNANSWERED,
    Condition,
    Known,
    News,
    ProviderState,
    Throttling,
    Told,
    after,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
CLEAN = ProviderState(Health(), None, None)


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


THROTTLED = News(throttling=Throttling(0.0, 60.0, "http_429"))
FAILED = News(failure="connection_refused")


def test_an_answer_of_an_account_that_is_well_is_no_news():
    """Else every message would cost the database a transaction more."""
    condition = Condition()
    condition.answered()
    assert not condition.has_news


def test_a_throttled_reply_holds_this_process_at_once():
    condition = Condition()
    condition.throttled(100.0, 99.9, 60.0, "http_429")
    assert condition.rest(110.0) == 50.0
    assert condition.take_news() == News(throttling=Throttling(99.9, 160.0, "http_429"))
    assert not condition.has_news


def test_replies_that_come_together_are_told_together():
    """By the request that left last: it knew best what pace the account is at."""
    condition = Condition()
    condition.throttled(100.0, 99.9, 60.0, "http_429")
    condition.throttled(100.1, 99.95, 30.0, "http_429")
    assert condition.take_news().throttling == Throttling(99.95, 160.0, "http_429")


def test_failures_while_the_account_is_held_are_no_news():
    condition = Condition()
    condition.failed(100.0, "connection_refused")
    condition.take_news()
    condition.failed(100.5, "connection_refused")
    assert not condition.has_news
    assert condition.rest(100.5) == FIRST_HOLD.total_seconds() - 0.5


def test_an_answer_after_a_failure_takes_it_back_before_it_was_told():
    condition = Condition()
    condition.failed(100.0, "connection_refused")
    condition.answered()
    assert condition.take_news() == News(answered=True)


def test_a_lost_reply_now_and_then_says_nothing_but_several_in_a_row_do():
    condition = Condition()
    for _ in range(10):
        for _ in range(2):
            condition.unanswered(100.0, "closed")
        condition.answered()
    assert not condition.has_news
    for _ in range(UNANSWERED):
        condition.unanswered(100.0, "closed")
    assert condition.take_news() == News(failure="closed")


def test_a_probe_without_an_answer_is_a_failure_at_once():
    """Each of them is a message of which nobody knows whether it arrived."""
    condition = Condition()
    condition.learn(Known(failures=OPENS_AFTER, circuit="open"), 100.0)
    condition.unanswered(100.0, "read_timeout")
    assert condition.take_news() == News(failure="read_timeout")


def test_an_answer_is_news_while_the_database_knows_of_failures():
    condition = Condition()
    condition.learn(Known(failures=1), 100.0)
    condition.answered()
    assert condition.take_news() == News(answered=True)


def test_what_others_know_never_shortens_what_was_seen_here():
    condition = Condition()
    condition.throttled(100.0, 99.9, 60.0, "http_429")
    condition.learn(Known(rest=5.0), 101.0)
    assert condition.rest(101.0) == 59.0


def test_a_throttled_reply_lowers_the_rate_once_per_cool_down():
    """Also where a request of before comes back after it: it left at the old pace."""
    first = after(CLEAN, Told(THROTTLED, rest=1.0), at(0))
    assert first == ProviderState(Health(cooling_until=at(1)), "http_429", RateFactor(0.5, at(1)))
    second = after(first, Told(THROTTLED, rest=1.0), at(0.5))
    assert second.factor == RateFactor(0.5, at(1.5))
    late = after(second, Told(THROTTLED, rest=1.0, age=0.7), at(2.0))
    assert late.factor == RateFactor(0.5, at(3.0))
    fresh = after(late, Told(THROTTLED, rest=1.0, age=0.1), at(4.0))
    assert fresh.factor is not None
    assert fresh.factor.value < 0.3


def test_the_rate_comes_back_gradually():
    state = after(CLEAN, Told(THROTTLED, rest=10.0), at(0))
    seen = [current(state.factor, at(seconds)) for seconds in (0, 10, 25, 40, 100)]
    assert seen == [0.5, 0.5, 0.75, 1.0, 1.0]


def test_a_cool_down_is_never_shortened():
    state = after(CLEAN, Told(THROTTLED, rest=60.0), at(0))
    shorter = after(state, Told(THROTTLED, rest=1.0), at(1))
    assert shorter.health.cooling_until == at(60)


def test_failures_of_all_processes_count_once_while_the_account_is_held():
    state = CLEAN
    for _ in range(5):
        state = after(state, Told(FAILED), at(0))
    assert (state.health.failures, state.health.cooling_until) == (1, at(1))
    assert state.reason == "connection_refused"


def test_failures_in_a_row_open_the_circuit_and_any_answer_closes_it():
    state, now = CLEAN, 0.0
    for _ in range(OPENS_AFTER):
        now += 60
        state = after(state, Told(FAILED), at(now))
    assert state.health.circuit == "open"
    for news in (News(answered=True), THROTTLED):
        closed = after(state, Told(news), at(now + 60))
        assert (closed.health.failures, closed.health.circuit) == (0, "closed")


def test_an_answer_before_a_failure_starts_the_count_again():
    state = after(CLEAN, Told(FAILED), at(0))
    state = after(state, Told(FAILED), at(10))
    state = after(state, Told(News(answered=True, failure="closed")), at(20))
    assert (state.health.failures, state.health.circuit) == (1, "closed")


REFUSED = News(refusal="invalid_key")


def test_a_refused_account_is_held_at_once_and_told_once():
    condition = Condition()
    condition.refused(100.0, "invalid_key")
    assert condition.rest(100.0) == BLOCKED_PAUSE.total_seconds()
    condition.answered()
    condition.refused(100.5, "no_credit")
    assert condition.take_news() == REFUSED
    condition.refused(101.0, "invalid_key")
    assert not condition.has_news


def test_a_refusal_lowers_no_rate_and_keeps_its_code_until_an_answer():
    state = after(CLEAN, Told(REFUSED), NOW)
    assert (state.factor, state.refusal, state.health.refusals) == (None, "invalid_key", 1)
    again = after(state, Told(News(refusal="no_credit")), at(60))
    assert (again.refusal, again.health.refusals) == ("no_credit", 2)
    lost = after(again, Told(FAILED), at(180))
    assert (lost.refusal, lost.reason) == ("no_credit", "connection_refused")
    mended = after(again, Told(News(answered=True)), at(180))
    assert (mended.refusal, mended.health.refusals, mended.health.circuit) == (None, 0, "closed")
