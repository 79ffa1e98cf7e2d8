"""The garbage collector is relaxed where hundreds of messages are under way, and nowhere else."""

from __future__ import annotations

import asyncio
import gc
import weakref
from types import SimpleNamespace

import pytest

from campaigns.messaging import QUEUE_AUDIENCE, QUEUE_CONTROL, QUEUE_SEND
from worker import app, garbage


@pytest.fixture(autouse=True)
def _as_before():
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.parametrize(
    ("queues", "relaxed"),
    [([QUEUE_SEND], True), ([QUEUE_CONTROL, QUEUE_AUDIENCE], False)],
)
def test_a_send_worker_and_no_other_looks_for_garbage_less_often(monkeypatch, queues, relaxed):
    opened = SimpleNamespace(open_send=lambda: None, open_control=lambda: None)
    monkeypatch.setattr(app, "_runtime", opened)
    consuming = SimpleNamespace(consume_from=dict.fromkeys(queues))
    worker = SimpleNamespace(app=SimpleNamespace(amqp=SimpleNamespace(queues=consuming)))
    app._check_early(worker)
    assert (gc.get_threshold() == garbage.THRESHOLDS) is relaxed


class Ring:
    def __init__(self) -> None:
        self.itself = self


def test_what_refers_to_itself_is_freed_even_if_it_is_old():
    gc.set_threshold(*garbage.THRESHOLDS)

    async def story() -> None:
        freed = asyncio.Event()
        ring = Ring()
        gc.collect()
        weakref.finalize(ring, freed.set)
        del ring
        collecting = asyncio.create_task(garbage.collect_regularly(every=0.0))
        async with asyncio.timeout(10):
            await freed.wait()
        collecting.cancel()

    asyncio.run(story())
