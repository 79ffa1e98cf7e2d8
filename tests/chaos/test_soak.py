"""The judges of the soak and of the killed databases would notice what they look for."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from cli.carrier.log import encode
from tests.chaos import logs, soak_page
from tests.chaos.arrivals import Arrivals
from tests.chaos.judgement import AFTERMATH, UNDER_WAY, Fault, Row, Verdict, judge
from tests.chaos.sampling import Line, Samples, growing, heavier
from tests.chaos.soak_faults import FAULTS, drawn

BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)
END = BEGIN + timedelta(seconds=3)
FAULT = Fault("kill -9 of PostgreSQL", BEGIN, END)


def row(seq: int, status: str, claimed_at: datetime | None = BEGIN) -> Row:
    return Row(seq, status, None, claimed_at, None)


def test_everybody_got_one_message_and_the_ledger_says_so() -> None:
    verdict = judge([row(0, "accepted"), row(1, "accepted")], {0: 1, 1: 1}, [])
    assert verdict == Verdict(recipients=2, accepted=2)
    assert verdict.clean


@pytest.mark.parametrize("status", ["pending", "sending", "failed", "rejected", "expired"])
def test_a_message_is_lost_whose_row_does_not_know_of_it(status: str) -> None:
    verdict = judge([row(0, status)], {0: 1}, [FAULT])
    assert (verdict.lost, verdict.clean) == (1, False)


def test_a_message_without_any_row_is_lost() -> None:
    assert judge([], {7: 1}, []).lost == 1


def test_two_messages_to_one_recipient_are_doubled_whatever_the_row_says() -> None:
    verdict = judge([row(0, "accepted"), row(1, "unknown")], {0: 2, 1: 2}, [FAULT])
    assert (verdict.doubled, verdict.clean) == (2, False)


def test_accepted_without_a_message_is_missing() -> None:
    verdict = judge([row(0, "accepted")], {}, [FAULT])
    assert (verdict.missing, verdict.clean) == (1, False)


@pytest.mark.parametrize(
    ("claimed_at", "unexplained"),
    [
        (BEGIN - UNDER_WAY - timedelta(microseconds=1), 1),
        (BEGIN - UNDER_WAY, 0),
        (END + AFTERMATH, 0),
        (END + AFTERMATH + timedelta(microseconds=1), 1),
        (None, 1),
    ],
)
def test_an_unknown_row_needs_a_fault_while_it_was_under_way(
    claimed_at: datetime | None, unexplained: int
) -> None:
    verdict = judge([row(0, "unknown", claimed_at)], {0: 1}, [FAULT])
    assert verdict.unexplained == unexplained
    assert verdict.clean is not bool(unexplained)
    assert (verdict.unknown, verdict.unknown_received, verdict.missing) == (1, 1, 0)


def test_verdicts_are_added_field_by_field() -> None:
    one = judge([row(0, "accepted"), row(1, "unknown")], {0: 2}, [])
    assert one + one == Verdict(recipients=4, accepted=2, unknown=2, doubled=2, unexplained=2)


def test_a_log_is_read_piece_by_piece_and_only_to_the_last_whole_line(tmp_path: Path) -> None:
    log = tmp_path / "carrier.log"
    lines = [
        encode(1, "44", "S", "x", reference, outcome)
        for reference, outcome in (
            ("7-0", "accepted"), ("7-1-abc", "lost"), ("7-2", "rejected"), ("8-0", "accepted"),
        )
    ]  # fmt: skip
    arrivals = Arrivals(log)
    log.write_bytes(lines[0] + lines[1][:20])
    assert arrivals.read() == 1
    log.write_bytes(b"".join(lines))
    assert arrivals.read() == 3
    assert arrivals.by_run == {7: Counter({0: 1, 1: 1}), 8: Counter({0: 1})}
    arrivals.start_anew()
    assert arrivals.read() == 3
    log.write_bytes(lines[0])
    arrivals.read()
    assert arrivals.by_run[7][0] == 2


def test_quarters_are_compared_by_their_medians() -> None:
    samples = Samples()
    for second in range(100):
        samples.take(second, "send", {"memory, MB": 100.0 if second < 50 else 121.0})
    samples.take(10, "send", {"memory, MB": 900.0})
    (line,) = samples.lines(100)
    assert (line.first, line.last, line.highest) == (100, 121, 900)
    assert growing([line]) == [line]


def test_of_what_comes_and_goes_with_the_load_the_highest_of_a_quarter_counts() -> None:
    samples = Samples()
    for second in range(100):
        samples.take(
            second, "send", {"sockets": 400.0 if second % 20 == 0 or second > 75 else 30.0}
        )
    (line,) = samples.lines(100)
    assert (line.first, line.last) == (400, 400)


def test_growth_within_the_noise_is_flat() -> None:
    assert Line("send", "memory, MB", 100, 119.9, 120).flat
    assert not Line("send", "memory, MB", 100, 120.1, 121).flat


def test_what_was_restarted_is_compared_with_what_was_spared() -> None:
    spared = Line("send", "threads", 20, 20, 20)
    fine = Line("send, restarted", "threads", 1, 25, 25)
    assert (growing([spared, fine]), heavier([spared, fine])) == ([], [])
    heavy = Line("send, restarted", "threads", 1, 26, 26)
    assert heavier([spared, heavy]) == [heavy]


def test_every_fault_comes_once_before_any_comes_again_and_a_seed_repeats_them() -> None:
    names = list(islice(drawn(3), 2 * len(FAULTS)))
    assert sorted(names[: len(FAULTS)]) == sorted(names[len(FAULTS) :]) == sorted(FAULTS)
    assert names == list(islice(drawn(3), 2 * len(FAULTS)))


def test_a_traceback_is_found_by_the_kind_of_its_error() -> None:
    log = """[12:00:00: WARNING] consumer: Connection to broker lost.
[12:00:01: ERROR] cannot ack
Traceback (most recent call last):
  File "x.py", line 1, in ack
    return self.raised("Traceback")
           ^^^^^^^^^^^
AttributeError: x

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "x.py", line 2, in ack
redis.exceptions.ConnectionError: +447785850001
[12:00:02: INFO] ready
"""
    assert logs.errors(log) == ["AttributeError", "redis.exceptions.ConnectionError"]
    assert logs.errors("[12:00:00: INFO] no Traceback here\n") == []


def test_a_traceback_breaks_a_promise() -> None:
    result = soak_page.Result(
        seconds=60, seed=1, fault_every=10, recipients=1, verdict=Verdict(), campaigns=0, strays=0,
        codes=Counter(), faults=Counter(), lines=[], progress=[], database_bytes=0,
    )  # fmt: skip
    assert result.kept
    assert not replace(result, tracebacks=1).kept
    assert "| tracebacks in the logs | 0 |" in soak_page.written(result)
