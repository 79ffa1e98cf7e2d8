"""The judge sees each kind of violation: evidence without fault, broken in one place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cli.carrier.log import Arrival
from tests.chaos.evidence import Closed, Death, Evidence, Promise, Raised, Row, Run, Stall
from tests.chaos.judge import judge

T = 1_800_000_000.0
PEOPLE = ("447700000001", "447700000002", "447700000003", "447700000004")


def arrival(seq: int, *, at: float = 1.0, outcome: str = "accepted", run: int = 7) -> Arrival:
    return Arrival(
        T + at, PEOPLE[seq], "Sluice", "Hello", f"{run}-{seq}-aaaabbbbccccd", outcome,  # type: ignore[arg-type]
    )  # fmt: skip


def row(seq: int, status: str = "accepted", **changes: object) -> Row:
    plain = Row(seq, PEOPLE[seq], status, 1, "token", None, None, T + 0.9, T + 1.1, None)
    return replace(plain, **changes)  # type: ignore[arg-type]


def promise(**changes: object) -> Promise:
    plain = Promise("test", frozenset(PEOPLE), (Closed(-1e18, T, "before"),), {}, False, False, 3)
    return replace(plain, **changes)  # type: ignore[arg-type]


def evidence(
    rows: list[Row] | None = None,
    arrivals: list[Arrival] | None = None,
    held_to: Promise | None = None,
    **changes: object,
) -> Evidence:
    """Four recipients, each with one message, unless it is said otherwise."""
    rows = [row(seq) for seq in range(4)] if rows is None else rows
    counters: dict[str, int] = {}
    for one in rows:
        counters[one.status] = counters.get(one.status, 0) + 1
    run = Run(7, held_to or promise(), "finished", "completed", len(rows), counters, tuple(rows))
    whole = Evidence(
        runs=[run],
        without_run=[],
        arrivals=[arrival(seq) for seq in range(4)] if arrivals is None else arrivals,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def with_last(last: Row) -> list[Row]:
    return [row(0), row(1), row(2), last]


#: Everybody but the last one got the message.
THREE = [arrival(0), arrival(1), arrival(2)]


def violations(found: Evidence) -> dict[str, int]:
    return {kind: len(what) for kind, what in judge(found).violations.items() if what}


def test_nothing_is_wrong_where_everybody_got_one_message() -> None:
    verdict = judge(evidence())
    assert verdict.clean
    assert verdict.received == 4


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        pytest.param(evidence(rows=[row(0), row(1), row(2)], arrivals=THREE), "lost", id="no row"),
        pytest.param(evidence(arrivals=THREE), "lost", id="accepted and never arrived"),
        pytest.param(
            evidence(arrivals=[*THREE, arrival(3, outcome="unavailable")]), "lost",
            id="accepted and only refused",
        ),
        pytest.param(evidence(rows=with_last(row(3, "pending")), arrivals=THREE), "lost",
                     id="still pending"),
        pytest.param(evidence(rows=with_last(row(3, "expired")), arrivals=THREE), "lost",
                     id="expired without an expiry"),
        pytest.param(evidence(rows=with_last(row(3, "cancelled")), arrivals=THREE), "lost",
                     id="cancelled without a stop"),
        pytest.param(evidence(rows=with_last(row(3, "suppressed")), arrivals=THREE), "lost",
                     id="suppressed without an opt-out"),
        pytest.param(evidence(rows=with_last(row(3, "rejected")), arrivals=THREE), "lost",
                     id="rejected by nobody"),
        pytest.param(
            evidence(rows=with_last(row(3, "failed")),
                     arrivals=[*THREE, *[arrival(3, outcome="unavailable")] * 2]), "lost",
            id="failed too early",
        ),
        pytest.param(evidence(arrivals=[*map(arrival, range(4)), arrival(2, at=3)]), "doubled",
                     id="twice"),
        pytest.param(
            evidence(arrivals=[*map(arrival, range(4)), arrival(2, outcome="lost", at=3)]),
            "doubled", id="twice, once without a reply",
        ),
        pytest.param(evidence(arrivals=[*THREE, arrival(3, at=-0.2)]), "outside",
                     id="before the start"),
        pytest.param(
            evidence(held_to=promise(closed=(Closed(T + 0.5, T + 2, "a pause"),))), "outside",
            id="in a pause",
        ),
        pytest.param(
            evidence(held_to=promise(opted_out={PEOPLE[1]: (T, T + 0.1)})), "outside",
            id="after the opt-out",
        ),
        pytest.param(
            evidence(held_to=promise(expected=frozenset(PEOPLE[:3]))), "uninvited",
            id="somebody else",
        ),
        pytest.param(
            evidence(arrivals=[*map(arrival, range(4)), arrival(1, run=8)]), "uninvited",
            id="a run that is not there",
        ),
        pytest.param(evidence(rows=with_last(row(3, "rejected"))), "contradicted",
                     id="received and rejected"),
        pytest.param(evidence(held_to=promise(reported=frozenset(PEOPLE[:1]))), "contradicted",
                     id="a report that was forgotten"),
        pytest.param(evidence(rows=with_last(row(3, "unknown"))), "unexplained",
                     id="unknown without a fault"),
        pytest.param(evidence(without_run=["test"]), "lost", id="a campaign without a run"),
        pytest.param(evidence(unfinished="run 7 is sending"), "unfinished", id="not finished"),
        pytest.param(evidence(deaths=[Death("beat", T, "crash")]), "crashed", id="a crash"),
    ],
)  # fmt: skip
def test_each_violation_is_seen_for_what_it_is(broken: Evidence, kind: str) -> None:
    assert kind in violations(broken)


def test_counters_that_do_not_add_up_are_seen() -> None:
    (run,) = evidence().runs
    assert violations(evidence(runs=[replace(run, counters={"accepted": 3})])) == {"miscounted": 1}
    assert violations(evidence(runs=[replace(run, total=5)])) == {"miscounted": 1}
    assert violations(evidence(runs=[replace(run, status="sending")])) == {"unfinished": 1}
    (run,) = evidence(with_last(row(3, "pending")), THREE).runs
    open_run = replace(run, status="sending", counters={"accepted": 3})
    assert violations(evidence(runs=[open_run], arrivals=THREE)) == {"unfinished": 2}


@pytest.mark.parametrize(
    ("last", "more", "held_to"),
    [
        pytest.param(row(3, "rejected"), [arrival(3, outcome="rejected")], promise(),
                     id="rejected"),
        pytest.param(row(3, "failed"), [arrival(3, outcome="unavailable")] * 3, promise(),
                     id="failed"),
        pytest.param(row(3, "expired"), [], promise(may_expire=True), id="expired"),
        pytest.param(row(3, "cancelled"), [], promise(stopped=True), id="cancelled"),
        pytest.param(row(3, "suppressed"), [], promise(opted_out={PEOPLE[3]: (T, T + 0.1)}),
                     id="suppressed"),
    ],
)  # fmt: skip
def test_a_recipient_without_a_message_is_not_lost_where_there_is_a_reason(
    last: Row, more: list[Arrival], held_to: Promise
) -> None:
    assert not violations(evidence(with_last(last), [*THREE, *more], held_to))


def test_who_opted_out_before_the_recipients_were_written_needs_no_row() -> None:
    opted_out = promise(opted_out={PEOPLE[3]: (T, T + 0.1)})
    assert not violations(evidence([row(0), row(1), row(2)], THREE, opted_out))


def test_a_campaign_that_was_stopped_before_its_recipients_were_written_has_none() -> None:
    def without_rows(reason: str, held_to: Promise) -> Evidence:
        (run,) = evidence([], [], held_to).runs
        return evidence(runs=[replace(run, reason=reason)], arrivals=[])

    assert not violations(without_rows("stopped", promise(stopped=True)))
    assert not violations(without_rows("expired", promise(may_expire=True)))
    assert violations(without_rows("completed", promise(stopped=True))) == {"lost": 4}
    assert violations(without_rows("stopped", promise())) == {"lost": 4}


#: Three rows of an earlier claim, and one that is held as unknown.
DOUBT = [row(0), row(1), row(2), row(3, "unknown", claimed_at=T + 2.0, settled_at=T + 20)]
ARRIVED = [*THREE, arrival(3, at=2.1)]


@pytest.mark.parametrize(
    ("arrivals", "faults"),
    [
        pytest.param([*THREE, arrival(3, outcome="lost")], {}, id="reply dropped"),
        pytest.param(THREE, {"outages": [(T + 1.9, T + 3)]}, id="carrier hung up"),
        pytest.param(ARRIVED, {"deaths": [Death("send", T + 3, "kill")]}, id="killed, arrived"),
        pytest.param(THREE, {"deaths": [Death("send", T + 2.1, "kill")]}, id="killed on the way"),
        pytest.param(
            THREE, {"deaths": [Death("send", T + 2.1, "record.before")]}, id="killed, all left"
        ),
        pytest.param(
            ARRIVED, {"deaths": [Death("send", T + 2.1, "claim.committed")]}, id="other chunk"
        ),
        pytest.param(
            THREE, {"deaths": [Death("send", T + 2.1, "claim.committed")]}, id="claiming the next"
        ),
        pytest.param(
            THREE, {"stalls": [Stall("send", T + 1.9, T + 19, "halt")]}, id="stood still too long"
        ),
        pytest.param(
            THREE,
            {"deaths": [Death("send", T + 1.99, "record.before")], "forgetful": True},
            id="journal lost",
        ),
        pytest.param(THREE, {"raised": [Raised("send", T + 2.1, "send.departed")]}, id="an error"),
    ],
)
def test_a_doubt_is_explained_by_a_fault_after_the_request_left(
    arrivals: list[Arrival], faults: dict[str, object]
) -> None:
    verdict = judge(evidence(DOUBT, arrivals, **faults))
    assert verdict.clean, verdict.violations
    assert verdict.explained.total() == 1


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param(
            {"deaths": [Death("send", T + 2.04, "claim.committed")]}, id="nothing had left"
        ),
        pytest.param({"deaths": [Death("send", T + 2.1, "send.rendered")]}, id="nor there"),
        pytest.param({"deaths": [Death("send", T + 2.1, "terminate")]}, id="asked to end"),
        pytest.param({"deaths": [Death("send", T + 1.99, "kill")]}, id="killed before the claim"),
        pytest.param({"deaths": [Death("send", T + 9, "kill")]}, id="killed long after"),
        pytest.param({"deaths": [Death("control", T + 2.1, "kill")]}, id="somebody else"),
        pytest.param({"stalls": [Stall("send", T + 1.9, T + 5, "halt")]}, id="a short stall"),
        pytest.param(
            {"raised": [Raised("send", T + 2.04, "claim.committed")]}, id="an early error"
        ),
        pytest.param({"outages": [(T + 5, T + 6)]}, id="a later outage"),
    ],
)
def test_a_doubt_is_not_explained_by_what_happened_elsewhere(faults: dict[str, object]) -> None:
    assert violations(evidence(DOUBT, THREE, **faults)) == {"unexplained": 1}
