"""What a delivery is follows from the set of its events, and from nothing else about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.run.events import OWN, REPORTED, Event, fold, report_key
from campaigns.states import DELIVERY

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
IDS = ("a", "b", "c")
CLASSES = (None, "transient", "permanent", "content", "operator", "in_doubt", "policy")


def at(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def own(kind: str, seconds: float = 0, **more: object) -> Event:
    return Event(kind, "1", at(seconds), **more)  # type: ignore[arg-type]


def submitted(*ids: str, seconds: float = 0) -> Event:
    return own("submitted", seconds, message_ids=ids)


def report(
    kind: str, message_id: str = "", *, part: bool = False, seconds: float = 5, code: str = ""
) -> Event:
    ids = (message_id,) if message_id else ()
    key = report_key(message_id, part=part)
    return Event(kind, key, at(seconds), message_ids=ids, code=code or None)


own_events = st.builds(
    Event,
    kind=st.sampled_from(OWN),
    key=st.sampled_from(("", "1", "2")),
    at=st.integers(0, 5).map(at),
    retried=st.booleans(),
    message_ids=st.lists(st.sampled_from(IDS), unique=True).map(tuple),
    error_class=st.sampled_from(CLASSES),
    code=st.sampled_from((None, "x", "y")),
)
reports = st.builds(
    report,
    st.sampled_from(REPORTED),
    st.sampled_from(("", *IDS)),
    part=st.booleans(),
    seconds=st.integers(0, 5),
    code=st.sampled_from(("", "x", "y")),
)
histories = st.lists(own_events | reports, max_size=8)


@given(histories, st.data())
def test_neither_order_nor_repetition_matters(events: list[Event], data: st.DataObject) -> None:
    again = data.draw(st.lists(st.sampled_from(events), max_size=8)) if events else []
    assert fold(data.draw(st.permutations(events + again))) == fold(events)


@given(histories)
def test_every_history_ends_in_a_state_of_a_delivery(events: list[Event]) -> None:
    standing = fold(events)
    assert standing.status in set(DELIVERY.states) - {"sending"}
    assert standing.report in (None, "delivered", "undelivered")
    assert standing.report is None or standing.status == "accepted"
    assert not standing.late or standing.report


@given(histories, histories)
def test_what_is_delivered_stays_delivered(events: list[Event], more: list[Event]) -> None:
    if fold(events).report == "delivered":
        assert fold(events + more).report == "delivered"


@given(histories, histories.map(lambda events: [e for e in events if e.kind != "resent"]))
def test_what_the_provider_took_is_never_sent_again_by_itself(
    events: list[Event], more: list[Event]
) -> None:
    if any(event.is_report or event.kind == "submitted" for event in events):
        since = [replace(event, at=at(10)) for event in more]
        resent = any(event.kind == "resent" for event in events)
        if not resent or any(event.is_report and not event.is_of_part for event in events):
            assert fold(events + since).status in ("accepted", "failed")


@given(histories)
def test_only_an_expiry_or_a_person_takes_an_acceptance_back(events: list[Event]) -> None:
    kinds = {event.kind for event in events}
    if not kinds & {"expired", "resent"} and "submitted" in kinds:
        assert fold(events).status == "accepted"


@given(histories, st.sampled_from(("opened", "clicked")))
def test_whoever_read_it_got_it(events: list[Event], kind: str) -> None:
    standing = fold([*events, report(kind, "a", seconds=-1)])
    assert standing.report == "delivered"
    assert getattr(standing, f"{kind}_at") == at(-1)


@pytest.mark.parametrize(
    ("events", "status", "error_class"),
    [
        ([], "pending", None),
        ([submitted("a")], "accepted", None),
        ([own("failed", retried=True, error_class="transient")], "pending", "transient"),
        ([own("failed", error_class="transient")], "failed", "transient"),
        ([own("failed", error_class="permanent")], "rejected", "permanent"),
        ([own("failed", error_class="content")], "rejected", "content"),
        ([own("failed", error_class="poisoned")], "failed", "poisoned"),
        ([own("unknown", error_class="in_doubt")], "unknown", "in_doubt"),
        ([own("unknown", retried=True, error_class="in_doubt")], "pending", "in_doubt"),
        ([own("unknown"), own("resent", 1)], "pending", None),
        ([own("unknown"), own("resent", 1), own("failed", 2)], "failed", None),
        ([own("unknown"), submitted("a", seconds=1)], "accepted", None),
        ([own("unknown", 1), submitted("a")], "accepted", None),
        ([own("failed", retried=True), own("expired", 1)], "expired", None),
        ([own("resent", 1), own("cancelled", 2)], "cancelled", None),
        ([own("suppressed", error_class="policy")], "suppressed", "policy"),
        ([submitted("a"), own("expired", 9)], "failed", "unreported"),
        ([submitted("a"), own("expired", 9), own("resent", 10)], "pending", None),
        (
            [submitted(), own("expired", 1), own("resent", 2), submitted(seconds=3)],
            "accepted",
            None,
        ),
    ],
)
def test_what_we_did_last_decides_unless_the_provider_took_it(
    events: list[Event], status: str, error_class: str | None
) -> None:
    assert (fold(events).status, fold(events).error_class) == (status, error_class)


@pytest.mark.parametrize("kind", REPORTED)
def test_any_word_of_the_provider_proves_that_it_took_the_message(kind: str) -> None:
    for before in ([], [own("unknown")], [own("unknown"), own("resent", 1)], [own("failed")]):
        assert fold([*before, report(kind)]).status == "accepted"


def test_a_report_after_the_expiry_counts_and_is_late() -> None:
    unreported = [submitted("a"), own("expired", 9, code="unreported")]
    for kind, says in (("delivered", "delivered"), ("bounced", "undelivered")):
        standing = fold([*unreported, report(kind, "a", seconds=20)])
        assert (standing.status, standing.report, standing.late) == ("accepted", says, True)
    assert fold(unreported).code == "unreported"
    assert not fold([submitted("a"), report("delivered", "a")]).late


def test_delivered_beats_undelivered_and_takes_its_code_away() -> None:
    lost = report("bounced", "a", code="absent")
    assert fold([submitted("a"), lost]).code == "absent"
    both = fold([submitted("a"), lost, report("delivered", "a", seconds=1)])
    assert (both.report, both.code, both.reported_at) == ("delivered", None, at(1))


def test_a_message_is_delivered_when_all_of_its_parts_are() -> None:
    a, b = (report("delivered", id_, part=True) for id_ in "ab")
    assert fold([submitted("a", "b"), a]).report is None
    assert fold([submitted("a", "b"), a, b]).report == "delivered"
    assert fold([submitted("a", "b"), report("delivered", "a")]).report == "delivered"


def test_a_part_that_failed_and_never_arrived_is_a_loss() -> None:
    a, lost = report("delivered", "a", part=True), report("failed", "b", part=True, code="x")
    standing = fold([submitted("a", "b"), a, lost])
    assert (standing.report, standing.code) == ("undelivered", "x")
    b = report("delivered", "b", part=True)
    assert fold([submitted("a", "b"), a, lost, b]).report == "delivered"
    assert fold([submitted("a", "b"), lost, b]).report is None


def test_what_is_said_of_a_part_counts_once_the_ids_are_known() -> None:
    for kind, says in (("delivered", "delivered"), ("failed", "undelivered")):
        part = report(kind, "a", part=True)
        assert fold([part]).report is None
        assert fold([part]).status == "accepted"
        assert fold([part, submitted("a")]).report == says
        assert fold([part, submitted("b")]).report is None


def test_parts_of_two_submissions_are_not_added_up() -> None:
    events = [submitted("a", "b"), own("resent", 1), replace(submitted("c", seconds=2), key="2")]
    assert fold([*events, report("delivered", "a", part=True)]).report is None
    assert fold([*events, report("delivered", "c", part=True)]).report == "delivered"


def test_what_is_said_of_parts_of_an_outweighed_submission_keeps_nobody_from_a_second_one() -> None:
    before = [submitted("a", "b"), report("delivered", "a", part=True), own("expired", 9)]
    assert fold(before).status == "failed"
    assert fold([*before, own("resent", 10)]).status == "pending"
    assert fold([*before, own("resent", 10), report("opened", "a")]).status == "accepted"
    assert fold([own("unknown"), own("resent", 1), report("failed", "a", part=True)]).report is None


def test_the_first_opening_is_the_one_that_is_shown() -> None:
    events = [report("opened", seconds=s) for s in (8, 3, 5)]
    assert fold(events).opened_at == at(3)
