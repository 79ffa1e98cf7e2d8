"""A plan as people read it in a terminal. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from campaigns.schedule.local import to_local
from campaigns.schedule.windows import FOREVER
from cli import output
from cli.output import Column
from cli.planning.chart import chart
from cli.planning.plan import Plan
from cli.planning.recipients import Lengths

#: Rows of a table of intervals or zones; the others are only counted.
MOST_ROWS = 25

_LEFTOVER = {
    "continue": "goes on after the finish, up to the expiry",
    "next_window": "waits for the next turn of the window",
    "expire": "is given up at the finish",
}
_INTERVALS = (
    Column("from (UTC)", whole=True),
    Column("to (UTC)", whole=True),
    Column("messages", "right", whole=True),
    Column("in all", "right", whole=True),
)
_OCCURRENCES = (Column("", "right", whole=True), Column("UTC", whole=True), Column("local"))
_ZONES = (
    Column("time zone"),
    Column("recipients", "right", whole=True),
    Column("left", "right", whole=True),
)


def parts(
    plan: Plan, warnings: list[str], *, width: int, ascii_only: bool
) -> Iterator[RenderableType]:
    """The whole of it, from the facts to the warnings."""
    yield output.facts(_facts(plan))
    if plan.campaign.is_recurring:
        yield ""
        yield from _occurrences(plan)
    if plan.recipients.zones:
        yield ""
        yield from _zones(plan)
    if plan.run.stretches:
        yield ""
        yield from _intervals(plan)
    if lines := chart(plan, width, ascii_only=ascii_only):
        yield ""
        yield Text(f"Messages sent, by the clocks of {plan.campaign.timezone}", "bold")
        yield from lines
    if warnings:
        yield ""
        yield from (Text(f"Warning: {warning}", "yellow") for warning in warnings)


def _facts(plan: Plan) -> Iterator[tuple[str, object]]:
    campaign, run = plan.campaign, plan.run
    yield "campaign", campaign.name
    yield "recipients", plan.recipients.total
    yield "provider", f"{plan.provider.name}, {plan.provider.rate or 'no ceiling'}"
    yield "lowest limit", _lowest(plan)
    yield "segments", _segments(plan.lengths) if plan.lengths else None
    yield "begins", _moment(plan, run.starts_at)
    if campaign.jitter:
        yield "", f"up to {campaign.jitter:,} s later, differently for each occurrence"
    if run.finish is not None:
        yield "finish", _moment(plan, run.finish)
        yield "what is left", _LEFTOVER[campaign.leftover]
    yield "expected finish", _finish(plan)
    if run.expiry is not None:
        yield "expires", _moment(plan, run.expiry)


def _lowest(plan: Plan) -> str | None:
    if not plan.ceilings:
        return None
    lowest = plan.ceilings[0]
    return f"{lowest.rate} of {lowest.owner}: {lowest.per_second:,.4g} messages a second"


def _segments(found: Lengths) -> str:
    each = f"{found.fewest}" if found.fewest == found.most else f"{found.fewest} to {found.most}"
    average = "" if found.fewest == found.most else f", {found.average:.2f} on average"
    about = "" if found.exact else "about "
    basis = "" if found.exact else f" ({found.rendered:,} were rendered)"
    return f"{each} a message{average}; {about}{found.all:,} in all{basis}"


def _finish(plan: Plan) -> object:
    found = plan.run.forecast
    if found.left:
        return f"not for everybody: {found.left:,} are left in the end"
    if found.finish is not None:
        return _moment(plan, found.finish)
    if not plan.recipients.total:
        return "at once"
    return "unknown: the provider has no ceiling"


def _moment(plan: Plan, moment: object) -> str:
    """In UTC, and by the campaign's clocks where these are others."""
    text = output.cell(moment)
    zone = plan.campaign.timezone
    if zone == "UTC":
        return text
    return f"{text} ({_clock(plan, moment)} in {zone})"


def _clock(plan: Plan, moment: object) -> str:
    return f"{to_local(moment, plan.campaign.timezone):%a %d %b %H:%M:%S}"  # type: ignore[arg-type]


def _occurrences(plan: Plan) -> Iterator[RenderableType]:
    listed = plan.occurrences
    yield output.table(
        _OCCURRENCES,
        (
            (f"{number}", moment, _clock(plan, moment))
            for number, moment in enumerate(listed.moments, 1)
        ),
    )
    shown = len(listed.moments)
    if listed.last is None:
        yield "and so on, without an end"
    elif listed.last > listed.moments[-1]:
        count = f"{listed.count - shown:,} more" if listed.count else "so on"
        yield f"and {count}, until {output.cell(listed.last)}"


def _zones(plan: Plan) -> Iterator[RenderableType]:
    rows = sorted(
        zip(plan.recipients.zones, plan.run.forecast.left_by_lane, strict=True),
        key=lambda row: (-row[0].recipients, row[0].zone),
    )
    shown = ((zone.zone, zone.recipients, left) for zone, left in rows[:MOST_ROWS])
    yield output.table(_ZONES, shown)
    if len(rows) > MOST_ROWS:
        yield f"and {len(rows) - MOST_ROWS:,} more time zones"


def _intervals(plan: Plan) -> Iterator[RenderableType]:
    rows = []
    done = 0
    for stretch in plan.run.stretches:
        done += stretch.messages
        end = None if stretch.interval.end == FOREVER else stretch.interval.end
        if stretch.messages or stretch.paced:
            rows.append((stretch.interval.start, end, stretch.messages, done))
    yield output.table(_INTERVALS, rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        yield f"and {len(rows) - MOST_ROWS:,} more, see --json"
