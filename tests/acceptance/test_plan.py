"""What `sluice plan` foretells is what the carrier then sees, second by second."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from cli.carrier.log import judge, received
from tests.support.command_line import CommandLine
from tests.support.stack import at, group, numbers, soon, written

#: How far arrivals may be from the plan: in messages beside a second of delay, that is what is
#: sent in so much of a second at the campaign's pace.
APART = 0.35


def foretold(curve: Sequence[Mapping[str, float]], moment: float) -> float:
    """The messages of a plan's curve at ``moment``, on the straight line between two points."""
    index = bisect_right(curve, moment, key=lambda point: point["at"])
    if index == 0:
        return 0.0
    if index == len(curve):
        return curve[-1]["messages"]
    before, after = curve[index - 1], curve[index]
    part = (moment - before["at"]) / (after["at"] - before["at"])
    return before["messages"] + part * (after["messages"] - before["messages"])


@pytest.mark.moments
def test_a_throttled_window_with_two_pauses_arrives_as_it_was_planned(stack, tmp_path: Path):
    """Passona's example of a throttled campaign, an hour with two pauses of ten minutes, half a
    minute for every hour: each second the carrier has what the plan says, within 0.35 s of sending.
    """
    running = stack(rate="200/s")
    expected = numbers(0, 1199)
    members = group(running.conn, "all", expected)
    running.start()
    start = soon(8)
    body: dict[str, Any] = {
        "name": "New Campaign",
        "sender": "Digitonic",
        "throttled": True,
        "scheduled_send_date": written(start),
        "scheduled_finish_date": written(at(start, 30)),
        "expiry_date": written(at(start, 31 * 86_400)),
        "pauses": [
            {"start_at": written(at(start, 5)), "end_at": written(at(start, 10))},
            {"start_at": written(at(start, 18)), "end_at": written(at(start, 23))},
        ],
        "included_contact_groups": [str(members)],
        "template": "Hello @first_name",
    }
    line = CommandLine(running.env, tmp_path)
    file = line.write("campaign.json", body)
    plan = line.json("plan", file)
    line.succeed("submit", file)
    running.received(at_least=1200, timeout=100)
    zero = start.timestamp()
    arrivals = received(running.carrier.log())
    closed = [(0.0, zero), (zero + 5, zero + 10), (zero + 18, zero + 23), (zero + 30, zero + 999)]
    assert judge(arrivals, expected, closed).clean
    pace = 1200 / 20
    for second in range(31):
        seen = bisect_right(arrivals, zero + second, key=lambda arrival: arrival.t)
        wanted = foretold(plan["curve"], zero + second)
        assert abs(seen - wanted) <= APART * pace, (second, seen, wanted)
    assert abs(arrivals[-1].t - zero - 30) < 1
