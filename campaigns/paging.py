"""Pages by number: where one begins, and how far one may reach.

A page that is found by counting costs as much as lies before it. So pages are counted from the
nearer end, and those that lie deeper than :data:`DEEPEST` from both ends are refused: whoever reads
everything follows the links from page to page, which name a position. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from campaigns.errors import Invalid

#: Entries on one page, at most.
LARGEST = 1000

#: How many entries may be counted off on the way to a page: index entries, some 10 ms.
DEEPEST = 100_000

#: Beyond it no page number is one.
LAST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Part:
    """What to read: ``limit`` entries after the first ``offset`` ones, or before the last ones."""

    offset: int
    limit: int
    from_end: bool = False


def checked(number: int, per_page: int, *, largest: int = LARGEST) -> None:
    """That there may be such a page.

    Raises:
        Invalid: ``page`` or ``per_page`` is out of bounds.
    """
    if not 1 <= per_page <= largest:
        raise Invalid("per_page", per_page, f"must lie between 1 and {largest}")
    if not 1 <= number <= LAST:
        raise Invalid("page", number, f"must lie between 1 and {LAST}")


def part(number: int, per_page: int, total: int, *, largest: int = LARGEST) -> Part:
    """Where page ``number`` of ``total`` entries stands; behind the last one there is nothing.

    Raises:
        Invalid: ``page`` or ``per_page`` is out of bounds, or the page lies too deep.
    """
    checked(number, per_page, largest=largest)
    before = (number - 1) * per_page
    if before >= total:
        return Part(0, 0)
    limit = min(per_page, total - before)
    after = total - before - limit
    if min(before, after) > DEEPEST:
        raise Invalid(
            "page",
            number,
            f"lies deeper than {DEEPEST} entries from either end; follow the links from page to "
            "page",
        )
    return Part(after, limit, from_end=True) if after < before else Part(before, limit)


def last(total: int, per_page: int) -> int:
    """The number of the last page; an empty list has one page."""
    return max(1, -(-total // per_page))
