"""Cutting granted messages into slices, and packing slices into batches.

Pure: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from campaigns.schedule.windows import Interval
from scheduler.model import Batch, LaneKey, Limit, Slice

#: A batch is one Celery task. Large enough that its overhead vanishes, small enough that one
#: that is lost holds up little.
BATCH_MESSAGES = 500

_ORDER = {"retry": 0, "returned": 1, "fresh": 2}


def carve(
    key: LaneKey, amount: int, waiting: Iterable[Slice], next_seq: int, hi: int
) -> tuple[list[Slice], list[Slice], int]:
    """Take ``amount`` messages of a run's lane: waiting slices first, then rows never cut before.

    Returns the slices taken, the rests of waiting slices that were split, and the new ``next_seq``.
    """
    taken: list[Slice] = []
    rests: list[Slice] = []
    for piece in sorted(waiting, key=lambda s: (_ORDER[s.kind], s.slice_id or 0)):
        if amount == 0:
            break
        if piece.messages > amount:
            piece, rest = split(piece, amount)
            rests.append(rest)
        taken.append(piece)
        amount -= piece.messages
    fresh = min(amount, hi - next_seq)
    if fresh > 0:
        taken.append(Slice(*key, "fresh", next_seq, next_seq + fresh, fresh))
    return taken, rests, next_seq + max(fresh, 0)


def split(piece: Slice, amount: int) -> tuple[Slice, Slice]:
    """The first ``amount`` messages of a slice, and the rest (which is a new slice)."""
    if piece.seqs is None:
        middle = piece.lo + amount
        return (
            replace(piece, hi=middle, messages=amount),
            replace(piece, lo=middle, messages=piece.messages - amount, slice_id=None),
        )
    head, tail = piece.seqs[:amount], piece.seqs[amount:]
    return (
        replace(piece, seqs=head, hi=head[-1] + 1, messages=len(head)),
        replace(piece, seqs=tail, lo=tail[0], messages=len(tail), slice_id=None),
    )


def pack(
    provider: str,
    pieces: Sequence[tuple[Interval, Slice]],
    size: int = BATCH_MESSAGES,
    *,
    limits: tuple[Limit, ...] = (),
    interleaved: bool = False,
) -> list[Batch]:
    """Batches of at most ``size`` messages; slices of many runs share one if they share a spread.

    What is spread over the same interval is dealt into the fewest batches of about equal size. A
    slice that killed a worker shares its batch with nobody.
    """
    batches: list[Batch] = []
    queues: dict[Interval, list[Slice]] = {}
    for spread, piece in pieces:
        if piece.losses:
            batches.append(Batch(provider, spread, (piece,), limits, interleaved))
        else:
            queues.setdefault(spread, []).append(piece)
    for spread, queue in queues.items():
        messages = sum(piece.messages for piece in queue)
        share = -(-messages // -(-messages // size))
        batches += _fill(Batch(provider, spread, (), limits, interleaved), queue, share)
    return batches


def _fill(empty: Batch, queue: list[Slice], size: int) -> list[Batch]:
    batches: list[Batch] = []
    current: list[Slice] = []
    room = size
    pending = list(reversed(queue))
    while pending:
        piece = pending.pop()
        if piece.messages > room:
            piece, rest = split(piece, room)
            pending.append(rest)
        current.append(piece)
        room -= piece.messages
        if room == 0 or not pending:
            batches.append(replace(empty, slices=tuple(current)))
            current, room = [], size
    return batches
