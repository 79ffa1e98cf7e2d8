"""Slices of a batch as stretches of rows that follow each other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby


def stretches(
    slices: Iterable[tuple[int, int, list[int] | None]],
) -> Iterator[tuple[int, int]]:
    """What slices ``(lo, hi, seqs)`` cover, without gaps."""
    for lo, hi, seqs in slices:
        if seqs is None:
            yield lo, hi
            continue
        for _, together in groupby(enumerate(seqs), key=lambda pair: pair[1] - pair[0]):
            places = [seq for _, seq in together]
            yield places[0], places[-1] + 1
