"""What is in doubt is tried again at its own account, if at all, and no other."""

from __future__ import annotations

from types import MappingProxyType

from hypothesis import given
from hypothesis import strategies as st

from campaigns.providers import ProviderConfig, Providers
from campaigns.schedule.adaptive import chain_position
from worker import doubt, outcomes
from worker.adapters.base import Accepted, Failed, Outcome, Rejected, Throttled, Unknown
from worker.outcomes import NotSent, Settlement

CHARGED: list[Outcome | NotSent] = [Accepted("m"), Rejected("no"), Failed("later"), Unknown("lost")]
FREE: list[Outcome | NotSent] = [Throttled(1.0), NotSent("refused")]

OUTCOMES = st.sampled_from(CHARGED + FREE)


def settled(
    outcome: Outcome | NotSent,
    attempts: int = 1,
    *,
    was_in_doubt: bool = False,
    last_attempt: int = 0,
    max_attempts: int = 3,
) -> Settlement:
    found = outcomes.settle(7, 3, attempts, outcome, max_attempts=max_attempts)
    return doubt.settle(
        found, attempts=attempts, was_in_doubt=was_in_doubt, last_attempt=last_attempt
    )


def test_an_account_that_holds_what_is_in_doubt_never_sends_it_again() -> None:
    found = settled(Unknown("read_timeout"), last_attempt=0, max_attempts=50)
    assert (found.status, found.error_class, found.code) == ("unknown", "in_doubt", "read_timeout")


def test_an_account_that_sends_it_again_does_so_while_its_attempts_last() -> None:
    tries = [settled(Unknown("read_timeout"), n, last_attempt=3) for n in (1, 2, 3, 4)]
    assert [one.status for one in tries] == ["pending", "pending", "unknown", "unknown"]
    assert all(one.charged and one.error_class == "in_doubt" for one in tries)


def test_a_refusal_that_passes_does_not_end_the_doubt() -> None:
    """The request before it may have arrived all the same."""
    again = settled(Failed("http_503"), 2, was_in_doubt=True, last_attempt=3)
    assert (again.status, again.error_class) == ("pending", "in_doubt")
    last = settled(Failed("http_503"), 3, was_in_doubt=True, last_attempt=3)
    assert (last.status, last.error_class, last.code) == ("unknown", "in_doubt", "http_503")


def test_what_was_certainly_not_sent_costs_no_attempt_and_stays_in_doubt() -> None:
    for outcome in FREE:
        found = settled(outcome, 3, was_in_doubt=True, last_attempt=3)
        assert (found.status, found.charged, found.error_class) == ("pending", False, "in_doubt")


def test_an_answer_ends_the_doubt() -> None:
    for outcome, status in ((Accepted("m"), "accepted"), (Rejected("no"), "rejected")):
        found = settled(outcome, 2, was_in_doubt=True, last_attempt=3)
        assert found == outcomes.settle(7, 3, 2, outcome, max_attempts=3)
        assert found.status == status


@given(OUTCOMES, st.integers(1, 9), st.integers(0, 9))
def test_without_doubt_nothing_changes(outcome, attempts, last_attempt) -> None:
    plain = outcomes.settle(7, 3, attempts, outcome, max_attempts=5)
    if plain.status != "unknown":
        assert doubt.settle(
            plain, attempts=attempts, was_in_doubt=False, last_attempt=last_attempt
        ) == plain  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(1, 4), st.booleans()), min_size=1, max_size=4),
    st.lists(OUTCOMES, min_size=40, max_size=60),
    st.randoms(use_true_random=False),
)
def test_through_any_chain_and_any_answers_what_is_in_doubt_changes_its_account_never(
    links, answers, chance
) -> None:
    """A message is sent until it is settled, as the scheduler passes it on, or a stand-in takes it.

    It is never tried elsewhere while it is in doubt, never failed, and not more often in all than
    its chain allows.
    """
    names = "abcd"[: len(links)]
    configs = {
        name: ProviderConfig(
            name=name, adapter="sandbox", channel="sms", max_attempts=attempts,
            in_doubt="resend" if again else "hold", fallback=follower,
        )
        for name, (attempts, again), follower in zip(names, links, [*names[1:], None], strict=True)
    }  # fmt: skip
    providers = Providers(MappingProxyType(configs))
    limits = [attempts for attempts, _ in links]
    attempts, doubted_at = 0, None
    for answer in answers:
        if doubted_at is None:
            place = chain_position(attempts, limits)
            account = names[chance.randint(place, len(names) - 1)]
        else:
            account = doubted_at
        attempts += 1
        assert attempts <= sum(limits)
        again = configs[account].in_doubt == "resend"
        found = settled(
            answer,
            attempts,
            was_in_doubt=doubted_at is not None,
            last_attempt=providers.last_attempt("a", account) if again else 0,
            max_attempts=sum(limits),
        )
        if doubted_at is not None or isinstance(answer, Unknown):
            assert found.status != "failed"
        if found.status != "pending":
            break
        attempts -= not found.charged
        doubted_at = account if found.error_class == "in_doubt" else None
