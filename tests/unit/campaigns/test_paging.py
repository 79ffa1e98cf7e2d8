"""Pages by number: every entry stands on exactly one of them, and none is far to count to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns import paging
from campaigns.errors import Invalid
from campaigns.paging import Part, part


def read(entries: list[int], found: Part) -> list[int]:
    """What a store does with a part."""
    if not found.from_end:
        return entries[found.offset : found.offset + found.limit]
    backwards = entries[::-1][found.offset : found.offset + found.limit]
    return backwards[::-1]


@given(total=st.integers(0, 300), per_page=st.integers(1, 50))
def test_pages_together_are_the_list(total: int, per_page: int) -> None:
    entries = list(range(total))
    last = paging.last(total, per_page)
    pages = [read(entries, part(n, per_page, total)) for n in range(1, last + 1)]
    assert [one for page in pages for one in page] == entries
    assert all(len(page) == per_page for page in pages[:-1])
    assert read(entries, part(last + 1, per_page, total)) == []


@given(
    number=st.integers(1, 2**31 - 1),
    per_page=st.integers(1, paging.LARGEST),
    total=st.integers(0, 10**9),
)
def test_no_more_than_the_bound_is_counted_off(number: int, per_page: int, total: int) -> None:
    before = (number - 1) * per_page
    if before < total and min(before, total - before - per_page) > paging.DEEPEST:
        with pytest.raises(Invalid, match=r"page: .* follow the links"):
            part(number, per_page, total)
        return
    found = part(number, per_page, total)
    assert 0 <= found.offset <= paging.DEEPEST
    assert 0 <= found.limit <= per_page


@pytest.mark.parametrize("per_page", [0, -1, 1001, 10**9])
def test_a_page_has_bounds(per_page: int) -> None:
    with pytest.raises(Invalid, match=f"per_page: {per_page} must lie between 1 and 1000"):
        part(1, per_page, 10)


@pytest.mark.parametrize("number", [0, -1, 2**31, 10**18])
def test_pages_are_counted_from_one(number: int) -> None:
    with pytest.raises(Invalid, match=f"page: {number} must lie between"):
        part(number, 15, 10)
