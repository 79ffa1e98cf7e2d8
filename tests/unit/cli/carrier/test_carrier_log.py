"""The log says what arrived, and the judges say what that means."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.carrier.log import (
    OUTCOMES,
    RECEIVED,
    Arrival,
    Outcome,
    Verdict,
    encode,
    judge,
    parse,
    peak_in_sliding_window,
    per_interval,
    read,
    received,
)

MOMENTS_US = st.integers(min_value=1_700_000_000_000_000, max_value=1_700_000_010_000_000)
TEXTS = st.none() | st.text(alphabet=st.characters())


def arrival(
    t: float = 1000.0, to: str | None = "4917000001", outcome: Outcome = "accepted"
) -> Arrival:
    return Arrival(t=t, to=to, sender="Sluice", text="Hello", reference="1-1", outcome=outcome)


def at(moments_us: list[int]) -> list[Arrival]:
    return [arrival(moment / 1_000_000) for moment in moments_us]


@given(MOMENTS_US, TEXTS, TEXTS, TEXTS, TEXTS, st.sampled_from(OUTCOMES))
def test_what_is_written_is_read_again_to_the_microsecond(
    now_us: int,
    to: str | None,
    sender: str | None,
    text: str | None,
    reference: str | None,
    outcome: Outcome,
) -> None:
    line = encode(now_us, to, sender, text, reference, outcome)

    assert line.count(b"\n") == 1
    assert parse([line]) == [Arrival(now_us / 1_000_000, to, sender, text, reference, outcome)]
    assert round(parse([line])[0].t * 1_000_000) == now_us


def test_a_torn_last_line_is_not_an_arrival(tmp_path: Path) -> None:
    line = encode(1_000_000, "4917000001", "Sluice", "Hello", "1-1", "accepted")
    file = tmp_path / "carrier.log"
    file.write_bytes(line + line[:-1])

    assert len(read(file)) == 1


@pytest.mark.parametrize("broken", [b"nonsense\n", b"{}\n", b"[]\n", b"\n"])
def test_a_line_of_another_kind_is_an_error_with_its_number(broken: bytes) -> None:
    line = encode(1_000_000, None, None, None, None, "invalid")
    with pytest.raises(ValueError, match="line 2 is not"):
        parse([line, broken, line])


def test_a_lost_reply_is_a_received_message() -> None:
    arrivals = [arrival(outcome=outcome) for outcome in OUTCOMES]
    assert [a.outcome for a in received(arrivals)] == ["accepted", "lost"]


def test_everybody_once_and_in_time_is_clean() -> None:
    verdict = judge([arrival(to="+491"), arrival(to="492")], {"491", "+492"}, [(0, 999)])

    assert verdict == Verdict(2, 2, frozenset(), frozenset(), frozenset(), ())
    assert verdict.clean


def test_each_fault_is_found() -> None:
    late = arrival(t=1005.0, to="494", outcome="throttled")
    arrivals = [
        arrival(to="491"),
        arrival(to="+491", outcome="lost"),
        arrival(to="493"),
        arrival(to="492", outcome="rejected"),
        late,
    ]
    verdict = judge(arrivals, {"491", "492"}, [(1004.0, 1006.0)])

    assert verdict == Verdict(
        expected=2,
        received=2,
        doubled=frozenset({"491"}),
        missing=frozenset({"492"}),
        unexpected=frozenset({"493"}),
        inside_closed=(late,),
    )
    assert not verdict.clean
    assert verdict.counts() == {
        "expected": 2,
        "received": 2,
        "doubled": 1,
        "missing": 1,
        "unexpected": 1,
        "inside_closed": 1,
    }


def test_a_closed_interval_ends_before_its_end() -> None:
    arrivals = [arrival(t) for t in (1.0, 2.0, 3.0)]
    assert judge(arrivals, set(), [(1.0, 3.0)]).inside_closed == tuple(arrivals[:2])


ARRIVALS = st.lists(
    st.builds(
        arrival,
        st.floats(min_value=0, max_value=10),
        st.none() | st.sampled_from(["491", "492", "493", "+491"]),
        st.sampled_from(OUTCOMES),
    ),
    max_size=30,
)


@given(ARRIVALS, st.sets(st.sampled_from(["491", "492", "493"])))
def test_a_verdict_is_clean_exactly_if_each_expected_address_received_one(
    arrivals: list[Arrival], expected: set[str]
) -> None:
    reached = sorted(
        a.to.lstrip("+") for a in arrivals if a.outcome in RECEIVED and a.to is not None
    )
    assert judge(arrivals, expected, []).clean == (reached == sorted(expected))


@given(
    st.lists(MOMENTS_US, max_size=50),
    st.lists(MOMENTS_US, max_size=8, unique=True).map(sorted),
)
def test_intervals_count_what_lies_in_them(moments_us: list[int], edges_us: list[int]) -> None:
    edges = [edge / 1_000_000 for edge in edges_us]
    counts = per_interval(at(moments_us), edges)

    assert counts == [
        sum(low <= moment < high for moment in moments_us) for low, high in pairwise(edges_us)
    ]


def test_a_window_does_not_hold_both_its_ends() -> None:
    # As floats these two are less than 0.1 apart.
    arrivals = at([1_700_000_000_000_003, 1_700_000_000_100_003])
    assert arrivals[1].t - arrivals[0].t < 0.1
    assert peak_in_sliding_window(arrivals, 0.1) == 1
    assert peak_in_sliding_window(arrivals, 0.100001) == 2


@given(st.lists(MOMENTS_US, max_size=50), st.integers(min_value=1, max_value=2_000_000))
def test_the_peak_is_that_of_the_fullest_window_of_all(
    moments_us: list[int], width_us: int
) -> None:
    fullest = max(
        (sum(low <= moment < low + width_us for moment in moments_us) for low in moments_us),
        default=0,
    )
    assert peak_in_sliding_window(at(moments_us), width_us / 1_000_000) == fullest
