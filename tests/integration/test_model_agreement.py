"""The model's steps do what the statements do: walks of the model, replayed on PostgreSQL."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from campaigns.database import Connection
from campaigns.run import handback
from scheduler.duties import reclaiming
from tests.model.search import search
from tests.model.setting import ANSWERS, Setting
from tests.model.state import Budget, State
from tests.model.steps import Step, successors
from tests.model.worlds import REMOVALS
from tests.support import ledger as stored
from tests.support.model_replay import Replay

_BUDGET = Budget(
    crashes=4, expiries=3, lost=2, repeated=2, answers=3, pauses=2, stops=1, opt_outs=1,
    decisions=3, reports=2,
)  # fmt: skip

_WORLD = Setting(rows=4, workers=3, budget=_BUDGET, answers=ANSWERS, chunks=(1, 3))

#: What ten walks cannot do without, or they would show little.
_USUAL = {"lease_batch", "claim", "depart", "not_sent", "record", "finish", "lease_ends", "crash"}

#: What makes walks short, or dull, is rarer than the rest.
_WEIGHTS = {
    "claim": 6, "record": 3, "lease_batch": 3, "commit_tick": 3, "finish": 0.3, "resend_unknown": 2,
    "crash_beat": 0.1, "message_comes_again": 0.2, "message_is_lost": 0.2, "pause": 0.1,
    "stop": 0.02, "opt_out": 0.1, "finish_goes_astray": 0.2, "worker_gives_up": 0.3, "crash": 0.3,
    "holder_is_held_up": 0.5, "report": 0.5,
}  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_is_suspected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which rows are suspected is no part of the model: they are cut like others."""
    monkeypatch.setattr(reclaiming, "SUSPECTED", 0)


def walk(setting: Setting, seed: int, steps: int) -> list[tuple[Step, State]]:
    """A random way through the model."""
    chance = random.Random(seed)
    state, way = setting.initial(), []
    for _ in range(steps):
        found = list(successors(state, setting))
        if not found:
            break
        weights = [_WEIGHTS.get(step.name, 1.0) for step, _ in found]
        step, state = chance.choices(found, weights)[0]
        way.append((step, state))
    return way


def guarded(setting: Setting, steps: Iterable[Step]) -> Iterator[tuple[Step, State]]:
    """The same steps with every guard on, as far as they lead. A claim that grants nothing is no
    step of the model; here it is one that changes nothing."""
    state = setting.initial()
    for step in steps:
        after = dict(successors(state, setting)).get(step)
        if after is None and step.name != "claim":
            return
        state = after or state
        yield step, state


def in_model(state: State, names: Replay) -> dict[str, Any]:
    rows = state.rows
    return {
        "run": state.run,
        "uncut": state.uncut,
        "rows": [(row.status, row.attempts, names.token(row.token)) for row in rows],
        "waiting": Counter(state.waiting),
        "batches": {
            names.batches[one.id]: (names.token(one.token), Counter(one.slices))
            for one in state.batches
        },
        "counters": dict(
            Counter(row.status for row in rows if row.status not in ("pending", "sending"))
        ),
    }


def in_database(conn: Connection, run_id: int) -> dict[str, Any]:
    run = conn.execute(
        "SELECT r.status, l.next_seq FROM runs r JOIN lanes l ON l.run_id = r.id WHERE r.id = %s",
        (run_id,),
    ).fetchone()
    assert run is not None
    rows = conn.execute(
        "SELECT status, attempts, lease_token FROM deliveries WHERE run_id = %s ORDER BY seq",
        (run_id,),
    )
    slices: dict[int | None, Counter[tuple[int, ...]]] = {}
    for piece in conn.execute("SELECT batch_id, lo, hi, seqs, messages FROM slices"):
        seqs = tuple(piece["seqs"] or range(piece["lo"], piece["hi"]))
        assert len(seqs) == piece["messages"]
        slices.setdefault(piece["batch_id"], Counter())[seqs] += 1
    batches = conn.execute("SELECT id, status, lease_token FROM batches").fetchall()
    assert all((one["status"] == "leased") == bool(one["lease_token"]) for one in batches)
    return {
        "run": run["status"],
        "uncut": run["next_seq"],
        "rows": [(row["status"], row["attempts"], row["lease_token"]) for row in rows],
        "waiting": slices.get(None, Counter()),
        "batches": {
            one["id"]: (one["lease_token"], slices.get(one["id"], Counter())) for one in batches
        },
        "counters": stored.counters(conn, run_id),
    }


def agree(
    conn: Connection, url: str, setting: Setting, way: Iterable[tuple[Step, State]]
) -> Counter[str]:
    """Replay one way, and compare after each step; which steps it had."""
    played: Counter[str] = Counter()
    replay = Replay(conn, url, setting)
    try:
        before = setting.initial()
        told = []
        for step, after in way:
            told.append(str(step))
            replay.play(step, before, after)
            assert in_database(conn, replay.run_id) == in_model(after, replay), "\n".join(told)
            played[step.name] += 1
            before = after
    finally:
        replay.close()
        conn.execute("DELETE FROM runs")
        conn.execute("DELETE FROM batches")
        conn.execute("DELETE FROM contacts")
    return played


@pytest.fixture(autouse=True)
def _no_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a row waits for its next attempt is no part of the protocol."""
    monkeypatch.setattr(handback, "BACKOFF_BASE", 0.0)


@pytest.mark.parametrize("seed", range(3))
def test_walks_with_ticks_that_others_work_in(conn: Connection, database: str, seed: int) -> None:
    setting = replace(_WORLD, beats=2, cuts=(0, 1, 2, 99), journal=True)
    played: Counter[str] = Counter()
    for walk_seed in range(10 * seed, 10 * seed + 10):
        played += agree(conn, database, setting, walk(setting, walk_seed, 60))
    assert played.keys() >= _USUAL, _USUAL - played.keys()


@pytest.mark.parametrize("seed", range(2))
def test_walks_with_the_ticks_of_beats(conn: Connection, database: str, seed: int) -> None:
    setting = replace(_WORLD, atomic_ticks=True, chunks=(9,))
    played: Counter[str] = Counter()
    for walk_seed in range(10 * seed, 10 * seed + 10):
        played += agree(conn, database, setting, walk(setting, walk_seed, 60))
    assert played.keys() >= _USUAL, _USUAL - played.keys()


def test_the_ways_on_which_a_guard_matters(conn: Connection, database: str) -> None:
    """Where the model would go wrong without a guard, the statements do not."""
    for removal in REMOVALS:
        found = search(removal.broken()).counterexample
        assert found is not None
        agree(conn, database, removal.setting, guarded(removal.setting, found.steps))
