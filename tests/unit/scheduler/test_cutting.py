"""Cutting and packing: every message goes into exactly one slice."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from campaigns.schedule.windows import Interval
from scheduler.cutting import carve, pack, split
from scheduler.model import Slice

NOW = datetime(2030, 1, 1, tzinfo=UTC)
SPREAD = Interval(NOW, NOW)


def rows(piece: Slice) -> list[int]:
    return list(range(piece.lo, piece.hi)) if piece.seqs is None else list(piece.seqs)


@st.composite
def backlogs(draw: st.DrawFn) -> tuple[list[Slice], int, int]:
    """Waiting slices of one run over disjoint rows, the rows never cut, and the total."""
    next_seq = draw(st.integers(min_value=0, max_value=200))
    total = next_seq + draw(st.integers(min_value=0, max_value=200))
    waiting: list[Slice] = []
    position = 0
    while position < next_seq and len(waiting) < 6:
        length = draw(st.integers(min_value=1, max_value=40))
        stretch = list(range(position, min(position + length, next_seq)))
        position += length
        kind = draw(st.sampled_from(["returned", "retry"]))
        if draw(st.booleans()):
            seqs = sorted(draw(st.sets(st.sampled_from(stretch), min_size=1)))
            piece = Slice(1, 0, kind, seqs[0], seqs[-1] + 1, len(seqs), seqs, len(waiting) + 1)
        else:
            piece = Slice(
                1, 0, kind, stretch[0], stretch[-1] + 1, len(stretch), None, len(waiting) + 1
            )
        if draw(st.booleans()):
            waiting.append(piece)
    return waiting, next_seq, total


@given(backlogs(), st.integers(min_value=0, max_value=500))
def test_carving_takes_exactly_what_was_granted_and_loses_no_row(backlog, amount):
    waiting, next_seq, total = backlog
    taken, rests, after = carve((1, 0), amount, waiting, next_seq, total)
    there = [row for piece in waiting for row in rows(piece)] + list(range(next_seq, total))
    got = [row for piece in taken for row in rows(piece)]
    assert len(got) == min(amount, len(there))
    used = {piece.slice_id for piece in taken}
    untouched = [row for piece in waiting if piece.slice_id not in used for row in rows(piece)]
    rest = [row for piece in rests for row in rows(piece)]
    assert sorted(got + rest + untouched + list(range(after, total))) == sorted(there)
    assert all(piece.messages == len(rows(piece)) for piece in taken + rests)


@given(backlogs(), st.integers(min_value=1, max_value=60))
def test_packing_keeps_every_row_and_the_size(backlog, size):
    waiting, next_seq, total = backlog
    taken, _, _ = carve((1, 0), 10_000, waiting, next_seq, total)
    batches = pack("p", [(SPREAD, piece) for piece in taken], size)
    packed = [row for batch in batches for piece in batch.slices for row in rows(piece)]
    assert sorted(packed) == sorted(row for piece in taken for row in rows(piece))
    assert all(0 < batch.messages <= size for batch in batches)


def test_small_slices_of_many_runs_share_a_batch():
    pieces = [(SPREAD, Slice(run, 0, "fresh", 0, 1, 1)) for run in range(200)]
    assert len(pack("p", pieces)) == 1


def test_splitting_exact_rows_narrows_the_range_of_both_parts():
    head, tail = split(Slice(1, 0, "retry", 3, 21, 4, [3, 9, 11, 20]), 2)
    assert (head.lo, head.hi, head.seqs) == (3, 10, [3, 9])
    assert (tail.lo, tail.hi, tail.seqs) == (11, 21, [11, 20])
