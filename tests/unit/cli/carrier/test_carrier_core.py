"""What the carrier decides about one request."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.carrier.core import LARGEST_BODY, Carrier, Decision
from cli.carrier.log import Arrival, parse
from cli.carrier.settings import Behaviour, ErrorMix

NOW_US = 1_700_000_000_000_000
SECOND_US = 1_000_000


def a_carrier(seed: str = "0", keep: int = 1000, **behaviour: Any) -> Carrier:
    return Carrier(Behaviour(**behaviour), seed=seed, keep=keep, name="c")


def body(**changes: Any) -> bytes:
    message = {"reference": "1-1", "to": "4917000001", "from": "Sluice", "text": "Hello"}
    return json.dumps(message | changes).encode()


def logged(decision: Decision) -> Arrival:
    (arrival,) = parse([decision.line])
    return arrival


def outcome(carrier: Carrier, reference: str = "1-1", now_us: int = NOW_US) -> str:
    return logged(carrier.decide(body(reference=reference), now_us)).outcome


def outcomes(carrier: Carrier, count: int) -> list[str]:
    return [outcome(carrier, f"1-{number}") for number in range(count)]


def error(decision: Decision) -> tuple[int, str]:
    assert decision.reply is not None
    return decision.reply.status, json.loads(decision.reply.body)["error"]


def test_an_accepted_message_gets_an_id_a_line_and_a_report() -> None:
    decision = a_carrier(report_delay_ms=500).decide(body(), NOW_US + 7)

    assert decision.reply is not None
    assert decision.reply.status == 202
    assert json.loads(decision.reply.body) == {"id": "c-1"}
    assert logged(decision) == Arrival(
        (NOW_US + 7) / SECOND_US, "4917000001", "Sluice", "Hello", "1-1", "accepted"
    )
    assert decision.report is not None
    assert decision.report == ("1-1", "c-1", True, NOW_US + 7 + 500_000)


def test_no_two_messages_share_an_id() -> None:
    carrier = a_carrier(errors=ErrorMix(lost=0.5))
    reports = [carrier.decide(body(reference=f"1-{n}"), NOW_US).report for n in range(100)]
    carrier.reset()
    reports.append(carrier.decide(body(), NOW_US).report)

    assert len({report.id for report in reports if report}) == 101


@pytest.mark.parametrize("name", ["reference", "to", "from", "text"])
@pytest.mark.parametrize("value", [None, "", 4917000001, ["4917000001"]])
def test_a_field_without_a_text_makes_a_request_invalid(name: str, value: object) -> None:
    decision = a_carrier().decide(body(**{name: value}), NOW_US)

    assert error(decision) == (400, "invalid_request")
    assert logged(decision).outcome == "invalid"
    assert decision.report is None


@pytest.mark.parametrize(
    "to", ["12345", "1234567890123456", "++491700", "49 1700001", "٤٩١٧٠٠٠١", "4917000001\n"]
)
def test_a_number_has_6_to_15_digits(to: str) -> None:
    decision = a_carrier().decide(body(to=to), NOW_US)

    assert error(decision) == (400, "invalid_number")
    assert (logged(decision).outcome, logged(decision).to) == ("invalid", to)


@pytest.mark.parametrize("to", ["123456", "123456789012345", "+4917000001"])
def test_a_number_may_begin_with_a_plus(to: str) -> None:
    assert logged(a_carrier().decide(body(to=to), NOW_US)).outcome == "accepted"


@settings(max_examples=40)
@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ).map(lambda content: json.dumps(content).encode())
)
def test_whatever_is_not_a_message_is_invalid_and_logged(content: bytes) -> None:
    decision = a_carrier().decide(content, NOW_US)

    assert error(decision) == (400, "invalid_request")
    assert logged(decision) == Arrival(NOW_US / SECOND_US, None, None, None, None, "invalid")


@pytest.mark.parametrize(
    "content", [b"[" * 60_000, b'{"to":' + b"1" * 60_000 + b"}", body(text="x" * LARGEST_BODY)]
)
def test_nesting_long_numbers_and_size_are_bounded(content: bytes) -> None:
    assert error(a_carrier().decide(content, NOW_US)) == (400, "invalid_request")


def test_above_the_ceiling_a_message_is_throttled_and_told_when_to_come_back() -> None:
    carrier = a_carrier(rate="2/s", burst=1)
    assert outcome(carrier) == "accepted"

    decision = carrier.decide(body(), NOW_US + 100_000)
    assert decision.reply is not None
    assert decision.reply.status == 429
    assert json.loads(decision.reply.body) == {"error": "throttled", "retry_after_ms": 400}
    assert (b"retry-after", b"1") in decision.reply.headers
    assert logged(decision).outcome == "throttled"
    assert carrier.tally.statistics(NOW_US)["accepted"] == 1

    assert outcome(carrier, now_us=NOW_US + 499_999) == "throttled"
    assert outcome(carrier, now_us=NOW_US + 500_000) == "accepted"


def test_retry_after_is_rounded_up_to_whole_seconds() -> None:
    carrier = a_carrier(rate="30/min", burst=1)
    outcome(carrier)
    decision = carrier.decide(body(), NOW_US + 999_000)
    assert decision.reply is not None
    assert (b"retry-after", b"2") in decision.reply.headers


def test_an_invalid_request_uses_up_nothing_of_the_ceiling() -> None:
    carrier = a_carrier(rate="1/s", burst=1)
    carrier.decide(b"nonsense", NOW_US)
    assert outcome(carrier) == "accepted"


def test_a_new_ceiling_counts_what_the_old_one_let_pass() -> None:
    carrier = a_carrier(rate="1/s", burst=1)
    outcome(carrier)
    carrier.change(carrier.behaviour.changed({"rate": "2/s"}))

    assert outcome(carrier, now_us=NOW_US + 100_000) == "throttled"
    assert outcome(carrier, now_us=NOW_US + 600_000) == "accepted"

    carrier.change(carrier.behaviour.changed({"rate": None}))
    assert outcomes(carrier, 50) == ["accepted"] * 50


def test_each_error_looks_as_it_should() -> None:
    rejected = a_carrier(errors=ErrorMix(rejected=1)).decide(body(), NOW_US)
    unavailable = a_carrier(errors=ErrorMix(unavailable=1)).decide(body(), NOW_US)
    lost = a_carrier(errors=ErrorMix(lost=1)).decide(body(), NOW_US)

    assert error(rejected) == (400, "rejected")
    assert error(unavailable) == (503, "unavailable")
    assert lost.reply is None
    assert [logged(d).outcome for d in (rejected, unavailable, lost)] == [
        "rejected",
        "unavailable",
        "lost",
    ]
    # Only the sender does not know about a lost one: the recipient has it.
    assert [d.report is not None for d in (rejected, unavailable, lost)] == [False, False, True]


def test_a_repeated_reference_is_answered_again_and_sent_once_where_it_is_recognised() -> None:
    carrier = a_carrier(errors=ErrorMix(lost=0.5), idempotent=True)
    for number in range(50):
        tries = [carrier.decide(body(reference=f"1-{number}"), NOW_US) for _ in range(20)]
        assert logged(tries[0]).outcome in ("accepted", "lost")
        assert {logged(again).outcome for again in tries[1:]} == {"repeated"}
        assert len({again.reply.body for again in tries if again.reply is not None}) == 1
        assert [again.report is not None for again in tries] == [True] + [False] * 19
    assert carrier.tally.statistics(NOW_US)["doubled_references"] == 0
    assert outcome(a_carrier(), "1-1") == outcome(a_carrier(), "1-1") == "accepted"


def test_the_mix_has_the_shares_it_was_given() -> None:
    mix = ErrorMix(rejected=0.2, unavailable=0.1, lost=0.05)
    counts = Counter(outcomes(a_carrier(errors=mix), 20_000))

    assert counts["rejected"] / 20_000 == pytest.approx(0.2, abs=0.01)
    assert counts["unavailable"] / 20_000 == pytest.approx(0.1, abs=0.01)
    assert counts["lost"] / 20_000 == pytest.approx(0.05, abs=0.01)


def test_a_rerun_with_the_same_seed_has_the_same_errors() -> None:
    mix = ErrorMix(rejected=0.3, unavailable=0.3, lost=0.3)
    first, again, other = (
        outcomes(a_carrier(seed=seed, errors=mix), 200) for seed in ("7", "7", "8")
    )
    assert first == again
    assert first != other


def test_a_rejection_is_for_good_and_an_outage_is_not() -> None:
    carrier = a_carrier(errors=ErrorMix(rejected=0.3, unavailable=0.5))
    for number in range(50):
        tries = [outcome(carrier, f"1-{number}") for _ in range(30)]
        if tries[0] == "rejected":
            assert set(tries) == {"rejected"}
        else:
            assert "accepted" in tries
            assert "rejected" not in tries


def test_the_share_of_undelivered_is_kept_and_repeatable() -> None:
    def undelivered() -> list[str]:
        carrier = a_carrier(undelivered=0.2)
        reports = [carrier.decide(body(reference=f"1-{n}"), NOW_US).report for n in range(5000)]
        return [report.reference for report in reports if report and not report.delivered]

    assert len(undelivered()) / 5000 == pytest.approx(0.2, abs=0.02)
    assert undelivered() == undelivered()


def test_a_reset_forgets_what_arrived_and_keeps_the_settings() -> None:
    carrier = a_carrier(rate="1000/s")
    outcomes(carrier, 3)
    carrier.reset()

    assert carrier.tally.statistics(NOW_US)["arrivals"] == 0
    assert carrier.behaviour.rate == "1000/s"
