"""The short set: few trials, in which processes die at one failpoint after another; pure."""

from __future__ import annotations

from dataclasses import replace

from tests.chaos.plan import Behaviour, Trial
from tests.chaos.plan_campaigns import Campaign, Hold, OptOut
from tests.chaos.plan_faults import BEAT, CONTROL, SEND, Armed, Blow

#: By trial, what the lives of each role end at, in this order as far as they come by. Only the
#: failpoints of taking back are left out: a lease has to run out first.
_ENDS: tuple[dict[str, tuple[str, ...]], ...] = (
    {
        CONTROL: ("submit.before_commit", "resolve.begun"),
        BEAT: ("tick.begun", "publish.before"),
        SEND: ("lease.before", "claim.committed", "adopt.before_commit"),
    },
    {
        CONTROL: ("submit.committed", "close.between"),
        BEAT: ("tick.before_commit", "publish.between"),
        SEND: ("lease.committed", "send.departed", "adopt.committed"),
    },
    {
        CONTROL: ("resolve.before_commit", "report.before_commit"),
        BEAT: ("tick.committed",),
        SEND: ("permit.granted", "send.rendered", "record.committed"),
    },
    {
        CONTROL: ("resolve.committed", "report.committed"),
        BEAT: ("publish.after",),
        SEND: ("claim.before", "send.answered", "finish.committed"),
    },
    {SEND: ("record.before", "finish.before")},
)

_BLOWS: tuple[tuple[Blow, ...], ...] = (
    (Blow(2.0, "flush_redis"),),
    (Blow(1.5, "cut_redis"),),
    (Blow(2.5, "cut_database"), Blow(3.0, "second_beat")),
    (Blow(2.0, "repeat_messages"), Blow(2.5, "lose_messages", seconds=1.0)),
    (Blow(3.0, "halt", SEND, 1.5), Blow(3.5, "cut_database"), Blow(5.0, "terminate", SEND)),
)

_PLAIN = Campaign(groups=((0, 249), (200, 399)), excluded=(380, 420), size=400, queued=True)

_CAMPAIGNS: tuple[tuple[Campaign, ...], ...] = (
    (replace(_PLAIN, opt_outs=(OptOut(1.0, (399, 398)),)),),
    (replace(_PLAIN, rate=40, stop_at=5.0),),
    (replace(_PLAIN, reports=True, hold=Hold(1.0, 1.5)),),
    (replace(_PLAIN, reports=True),),
    (
        replace(_PLAIN, lead=2, window=9, pauses=((4, 6),), queued=False),
        replace(_PLAIN, lead=2, expiry=8, rate=30, queued=False),
    ),
)


def short() -> list[Trial]:
    """The trials, by their numbers from 0 on."""
    return [
        Trial(
            seed=number,
            point="several",
            campaigns=campaigns,
            behaviour=Behaviour(errors="rejected=1%,lost=0.5%", latency_ms=10),
            rate=60,
            chain="none",
            sends=1,
            beats=1,
            armed=tuple(
                Armed(role, life, point, "kill", 1, lasting=True)
                for role, points in ends.items()
                for life, point in enumerate(points)
            ),
            blows=blows,
            restart_after=0.1,
            forgetful=False,
        )
        for number, (ends, blows, campaigns) in enumerate(
            zip(_ENDS, _BLOWS, _CAMPAIGNS, strict=True)
        )
    ]
