"""Hours of the week as people write them on a command line: ``mon-fri 09:00-18:00``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import click

from campaigns.schedule.calendars import DAYS

#: How hours are written, for the help texts.
FORM = "[DAYS] HH:MM-HH:MM"

_FORM = re.compile(r"(?:(?P<days>\S+) +)?(?P<start>\d\d:\d\d) ?- ?(?P<end>\d\d:\d\d)")


class Hours(click.ParamType[dict[str, Any]]):
    """``mon-fri 09:00-18:00``, ``sat,sun 10:00-16:00`` or ``21:00-08:00``, in their JSON form."""

    name = "hours"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The hours; what is not of their form is wrong usage, times are checked by their rules."""
        if isinstance(value, dict):
            return value
        found = _FORM.fullmatch(value.strip().lower())
        if found is None:
            self.fail("must be like 'mon-fri 09:00-18:00' or '21:00-08:00'.", param, ctx)
        hours: dict[str, Any] = {"from": found["start"], "to": found["end"]}
        if found["days"] is None:
            return hours
        days = _days(found["days"])
        if days is None:
            self.fail(f"must name days out of {', '.join(DAYS)}, as in 'mon-fri'.", param, ctx)
        return {"days": days, **hours}


def _days(text: str) -> list[str] | None:
    """The days that ``mon-fri,sun`` names; ``None`` for anything else."""
    named: set[str] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        last = last if dash else first
        if first not in DAYS or last not in DAYS:
            return None
        # Past sunday the week begins again: fri-mon is four days.
        length = (DAYS.index(last) - DAYS.index(first)) % len(DAYS) + 1
        named |= {DAYS[(DAYS.index(first) + n) % len(DAYS)] for n in range(length)}
    return [day for day in DAYS if day in named]


def written(hours: Sequence[Mapping[str, Any]] | None) -> str | None:
    """Hours in their JSON form as people write them; ``None`` for none."""
    if not hours:
        return None
    return ", ".join(
        " ".join(filter(None, (_stretches(h.get("days", DAYS)), f"{h['from']}-{h['to']}")))
        for h in hours
    )


def _stretches(days: Sequence[str]) -> str:
    """``mon-wed,sun``; nothing for the whole week."""
    numbers = sorted(DAYS.index(day) for day in days)
    if len(numbers) == len(DAYS):
        return ""
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and stretches[-1][-1] == number - 1:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    return ",".join(DAYS[s[0]] if len(s) == 1 else f"{DAYS[s[0]]}-{DAYS[s[-1]]}" for s in stretches)
