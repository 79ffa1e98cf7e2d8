"""The batch protocol, everywhere that small worlds can get to."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from tests.model.search import search
from tests.model.setting import Guards, Setting
from tests.model.state import Budget
from tests.model.worlds import REMOVALS, SECOND_LINES, WORLDS, Removal


@pytest.mark.parametrize("setting", WORLDS.values(), ids=WORLDS.keys())
def test_no_rule_is_broken_anywhere_and_from_everywhere_an_end_is_reached(setting: Setting) -> None:
    found = search(setting)
    assert found.counterexample is None, str(found.counterexample)
    assert found.ends
    # A world in which nothing of what it is about ever happens would prove nothing.
    for name, steps in _ABOUT.items():
        if getattr(setting.budget, name):
            assert any(step in found.steps for step in steps), name


_ABOUT = {
    "crashes": ("crash",),
    "expiries": ("holder_is_held_up",),
    "lost": ("message_is_lost",),
    "repeated": ("message_comes_again",),
    "answers": ("late_record",),
    "pauses": ("pause",),
    "stops": ("stop",),
    "opt_outs": ("opt_out",),
    "decisions": ("resend_unknown",),
    "reports": ("report",),
}


@pytest.mark.parametrize("removal", REMOVALS, ids=lambda removal: "+".join(removal.off))
def test_without_a_guard_its_rule_is_broken(removal: Removal) -> None:
    """The world is sound with all guards, so it is this one that holds the rule there."""
    assert search(removal.setting).counterexample is None
    found = search(removal.broken()).counterexample
    assert found is not None
    assert found.rule == removal.rule, str(found)


@pytest.mark.parametrize("guard", SECOND_LINES)
def test_some_guards_are_a_second_line(guard: str) -> None:
    setting = Setting(rows=1, budget=Budget(crashes=1, expiries=1, repeated=1))
    without = replace(setting, guards=replace(Guards(), **{guard: False}))
    assert search(without).counterexample is None


def test_every_guard_was_switched_off_once() -> None:
    removed = {guard for removal in REMOVALS for guard in removal.off}
    assert removed | {*SECOND_LINES} == {guard.name for guard in fields(Guards)}


def test_a_world_that_is_too_large_is_not_searched_by_halves() -> None:
    with pytest.raises(OverflowError):
        search(Setting(), limit=10)
