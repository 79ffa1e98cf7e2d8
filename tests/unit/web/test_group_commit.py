"""What many bring is written in few goes, and one's fault is nobody else's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import psycopg
import pytest

from campaigns.errors import Unavailable
from web import group_commit
from web.group_commit import GroupCommit


class Store:
    """Keeps what it is given, while its gate is open; fails as it is told."""

    def __init__(self) -> None:
        self.goes: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self._entered = threading.Event()
        self.failures: list[Exception] = []
        self.poison: int | None = None

    async def busy(self) -> None:
        """Return when something is being written."""
        await asyncio.to_thread(self._entered.wait, 30)

    def write(self, items: Sequence[int]) -> None:
        self._entered.set()
        self.gate.wait(30)
        if self.failures:
            raise self.failures.pop(0)
        if self.poison in items:
            raise ValueError("poison")
        self.goes.append(list(items))


def gathering(store: Store, **options: float) -> GroupCommit[int]:
    settings = {"most_waiting": 100, "most_at_once": 10, **options}
    return GroupCommit(store.write, **settings)  # type: ignore[arg-type]


def test_what_comes_while_one_is_written_goes_together_with_the_next() -> None:
    async def play() -> None:
        store = Store()
        store.gate.clear()
        commit = gathering(store)
        waits = [commit.begin([0])]
        await store.busy()
        waits += [commit.begin([number]) for number in range(1, 9)]
        store.gate.set()
        await asyncio.gather(*waits)
        assert store.goes == [[0], [1, 2, 3, 4, 5, 6, 7, 8]]

    asyncio.run(play())


def test_nothing_is_done_before_it_is_written() -> None:
    async def play() -> None:
        store = Store()
        store.gate.clear()
        wait = gathering(store).begin([1])
        assert not wait.done()
        store.gate.set()
        await wait
        assert store.goes == [[1]]

    asyncio.run(play())


def test_one_go_is_bounded_and_so_is_what_waits() -> None:
    async def play() -> None:
        store = Store()
        store.gate.clear()
        commit = gathering(store, most_waiting=30)
        waits = [commit.begin([number] * 5) for number in range(6)]
        with pytest.raises(Unavailable, match="waiting"):
            commit.begin([7])
        store.gate.set()
        await asyncio.gather(*waits)
        assert max(map(len, store.goes)) <= 10
        # What was written makes room.
        await commit([8])

    asyncio.run(play())


def test_a_single_lot_that_is_larger_than_all_that_may_wait_is_taken_alone() -> None:
    async def play() -> None:
        store = Store()
        await gathering(store)(range(1000))
        assert store.goes == [list(range(1000))]

    asyncio.run(play())


def test_ones_fault_is_nobody_elses() -> None:
    async def play() -> None:
        store = Store()
        store.poison = 2
        store.gate.clear()
        commit = gathering(store)
        first = commit.begin([0])
        waits = [commit.begin([number]) for number in (1, 2, 3)]
        store.gate.set()
        await first
        found = await asyncio.gather(*waits, return_exceptions=True)
        assert [isinstance(one, ValueError) for one in found] == [False, True, False]
        assert sorted(item for go in store.goes for item in go) == [0, 1, 3]

    asyncio.run(play())


def test_while_the_database_is_away_everybody_is_told_so() -> None:
    async def play() -> None:
        store = Store()
        store.failures = [psycopg.OperationalError()]
        commit = gathering(store)
        with pytest.raises(Unavailable):
            await commit([1])
        await commit([2])
        assert store.goes == [[2]]

    asyncio.run(play())


def test_whoever_has_patience_waits_for_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "PAUSE", 0.001)

    async def play() -> None:
        store = Store()
        store.failures = [psycopg.OperationalError() for _ in range(3)]
        await gathering(store, patience=60.0)([1])
        assert store.goes == [[1]]

    asyncio.run(play())


def test_whoever_goes_away_takes_nothing_along() -> None:
    async def play() -> None:
        store = Store()
        store.gate.clear()
        commit = gathering(store)
        gone = asyncio.create_task(commit([1]))
        await store.busy()
        gone.cancel()
        stays = commit.begin([2])
        store.gate.set()
        await stays
        assert sorted(item for go in store.goes for item in go) == [1, 2]

    asyncio.run(play())
