"""The small worlds that are searched, and what each guard is for."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.model.setting import Guards, Setting
from tests.model.state import Budget

_SILENT = ("accepted", "taken in silence")
_MANY = ("accepted", "taken in silence", "throttled")
_ONE = Setting(rows=1, atomic_ticks=True)
_TWO = Setting(rows=2, atomic_ticks=True)

#: Worlds in which every rule has to hold, each with other things that happen.
WORLDS: dict[str, Setting] = {
    "messages that are lost and repeated, and a crash": replace(
        _TWO, budget=Budget(crashes=1, lost=1, repeated=1), cuts=(1, 99), answers=_SILENT
    ),
    "two beats, of which one may die, and a worker that is held up": Setting(
        beats=2, budget=Budget(crashes=1, expiries=1), cuts=(1, 99), answers=_SILENT
    ),
    "a crash, a late finisher, and what a provider may answer": Setting(
        budget=Budget(crashes=1, expiries=1), answers=(*_MANY, "failed"), chunks=(1, 2)
    ),
    "late finishers, and an operator who decides": replace(
        _TWO, budget=Budget(expiries=1, decisions=1), answers=_MANY
    ),
    "statements that go astray": replace(
        _ONE, budget=Budget(crashes=1, expiries=1, answers=1, decisions=1), answers=_MANY
    ),
    "a pause, a stop and an opt-out": Setting(
        budget=Budget(pauses=1, stops=1, opt_outs=1, expiries=1), chunks=(2,)
    ),
    "journals that are adopted": replace(
        _TWO, budget=Budget(crashes=1, expiries=1), answers=_MANY, journal=True
    ),
    "journals, statements that go astray, and an operator": replace(
        _ONE, budget=Budget(crashes=2, answers=1, decisions=1), answers=_SILENT, journal=True
    ),
    "reports that come before the answer is stored": replace(
        _ONE, budget=Budget(crashes=1, expiries=1, decisions=1, reports=1), answers=_MANY
    ),
    "a provider that recognises a repetition": replace(
        _ONE, budget=Budget(crashes=1, expiries=1, answers=1), answers=_MANY, idempotent=True
    ),
}


@dataclass(frozen=True, slots=True)
class Removal:
    """Guards that are off, the world in which that shows, and what goes wrong there."""

    off: tuple[str, ...]
    setting: Setting
    rule: str

    def broken(self) -> Setting:
        return replace(self.setting, guards=replace(Guards(), **dict.fromkeys(self.off, False)))


_CRASH = replace(_ONE, budget=Budget(crashes=1))
_ASTRAY = replace(_ONE, budget=Budget(answers=1))
_PEOPLE = replace(_ONE, budget=Budget(pauses=1, opt_outs=1))
_OPERATOR = replace(_ONE, budget=Budget(expiries=1, decisions=1), answers=_SILENT)
_JOURNAL = replace(_CRASH, journal=True)
_TWICE = "the provider took 2 messages to row 0"
_UNOWNED = "row 0 is in sending, and no batch will ever end that claim"
_NOT_ITS = "row 0 was changed by somebody whose claim it was not"

REMOVALS = (
    Removal(("lease_once",), replace(_ONE, budget=Budget(repeated=1)), _UNOWNED),
    Removal(
        ("claim_pending",),
        replace(_OPERATOR, budget=Budget(expiries=1, decisions=1, reports=1)),
        "row 0 was accepted for good, and became sending",
    ),
    Removal(("claim_once_per_lease",), _ASTRAY, _TWICE),
    Removal(
        ("claim_obeys",),
        _PEOPLE,
        "row 0 was claimed while its campaign was paused, stopped or over",
    ),
    Removal(("claim_opt_outs",), _PEOPLE, "row 0 was claimed after its recipient had opted out"),
    Removal(("intent_first",), _CRASH, _TWICE),
    Removal(("record_fenced",), _ASTRAY, _NOT_ITS),
    Removal(("record_open",), _OPERATOR, _NOT_ITS),
    Removal(
        ("record_keeps_doubt",),
        replace(_TWO, budget=Budget(expiries=1)),
        "row 0 is pending, in no slice, and was cut",
    ),
    Removal(("recorded_first",), _ASTRAY, _TWICE),
    Removal(("finish_empty",), _ONE, "row 0 is pending, in no slice, and was cut"),
    Removal(("release_unsent",), _ASTRAY, _UNOWNED),
    Removal(("reclaim_doubts",), _CRASH, _TWICE),
    Removal(
        ("reclaim_locks", "claim_in_time"), Setting(rows=1, budget=Budget(expiries=1)), _UNOWNED
    ),
    Removal(
        ("advisory_lock",), Setting(rows=1, beats=2), "row 0 is pending, and in 2 places at once"
    ),
    Removal(("publish_again",), _CRASH, "from here nothing leads to an end"),
    Removal(("finish_settled",), _ONE, "the run is finished, and a row of it is not settled"),
    Removal(("resend_uncovers",), _OPERATOR, "row 0 is pending, and in 2 places at once"),
    Removal(("journal_first",), _JOURNAL, _TWICE),
    Removal(("adopt_dead",), _JOURNAL, _TWICE),
    Removal(("adopt_fenced",), _JOURNAL, "row 0 is pending, and in 2 places at once"),
)

#: Guards that others stand behind: nothing goes wrong without one of them alone.
SECOND_LINES = ("claim_by_holder", "claim_in_time", "reclaim_locks")
