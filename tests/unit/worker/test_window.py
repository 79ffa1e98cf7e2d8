"""For how many messages a process asks ahead, by what became of those it asked for before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise

from worker.window import AHEAD, EXCESS, FAST, LEAST, MOST, SLOW, Window


def crowded(play: Callable[[Window], None], places: int = 400) -> Window:
    """A window that ``play`` was tried on while others waited for room."""

    async def scenario() -> Window:
        window = Window(places)
        await window.take(places)
        waiters = [asyncio.create_task(window.take(MOST)) for _ in range(20)]
        await asyncio.sleep(0)
        play(window)
        for waiter in waiters:
            waiter.cancel()
        return window

    return asyncio.run(scenario())


def test_it_begins_with_as_much_room_as_there_are_places():
    """Where nothing limits nobody asks ahead, and no permit waits for a place."""
    assert Window(8).size == 8


def test_it_grows_fast_to_the_good_size_and_slowly_beyond():
    sizes: list[int] = []

    def keep(window: Window) -> None:
        for _ in range(22):
            sizes.append(window.size)
            window.kept(100, 0.0)

    crowded(keep)
    steps = {later - former for former, later in pairwise(sizes)}
    assert sizes[1] - sizes[0] == 100 * FAST
    assert steps == {100 * FAST, 100 * SLOW}
    assert sizes[20] == 800, "twice as many as places were thought good"


def test_it_does_not_grow_while_nobody_waits():
    window = Window(400)
    window.kept(10_000, 0.0)
    assert window.size == 400


def test_it_falls_while_slots_are_leased_longer_ahead_than_need_be():
    """Were all slots leased as far ahead as may be, none would be left for what missed its own."""
    window = Window(400)
    window.kept(100, AHEAD)
    assert window.size == 400
    window.kept(100, AHEAD + 0.01)
    assert window.size == 400 - 100 * EXCESS


def test_what_was_missed_is_asked_for_no_more():
    window = Window(400)
    window.missed(30)
    assert window.size == 370


def test_it_never_gets_so_narrow_that_nothing_is_learned():
    wide, few = Window(400), Window(8)
    for window in (wide, few):
        window.missed(10_000)
    assert (wide.size, few.size) == (LEAST, 8)


def test_a_size_at_which_slots_are_missed_again_and_again_is_good_no_more():
    def miss_one_in_twenty(window: Window) -> None:
        for _ in range(1000):
            window.kept(100, 0.0)
            window.missed(5)

    assert crowded(miss_one_in_twenty).size == LEAST


def test_a_single_delay_is_soon_made_up_for():
    def stand_still_once(window: Window) -> None:
        for _ in range(20):
            window.kept(100, 0.0)
        window.missed(200)
        for _ in range(5):
            window.kept(100, 0.0)

    assert crowded(stand_still_once).size == 700


def test_a_changed_number_of_places_begins_anew():
    window = Window(400)
    window.missed(300)
    window.resize(200)
    assert window.size == 200
