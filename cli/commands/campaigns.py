"""`sluice campaigns`: campaigns that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import click

from campaigns.campaign import control, samples, service
from campaigns.campaign.show import as_answer
from campaigns.campaign.store import Campaign
from campaigns.errors import Invalid
from campaigns.names import checked_uuid
from campaigns.run import again
from campaigns.states import CAMPAIGN
from campaigns.template import push
from cli import documents, hours, output
from cli.output import Column
from cli.parameters import Pair, file_argument
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("status", whole=True),
    Column("starts (UTC)", whole=True),
    Column("name"),
)
_STATUSES = [status for status in CAMPAIGN.states if status != "deleted"]

_campaign_argument = click.argument("campaign")


@click.group(cls=Group)
def campaigns() -> None:
    """Campaigns: look at them, change them, steer them. CAMPAIGN is a uuid."""


@campaigns.command("list")
@click.option("--status", type=click.Choice(_STATUSES))
@click.option("--after", metavar="UUID", help="Continue after this campaign.")
@click.option(
    "--limit", type=click.IntRange(1, service.LARGEST_PAGE), default=100, show_default=True
)
@pass_session
def list_(session: Session, status: str | None, after: str | None, limit: int) -> None:
    """List campaigns, newest first."""
    last = None if after is None else checked_uuid("after", after)
    with session.in_team() as (conn, team):
        page = service.list_campaigns(conn, team.id, status=status, after=last, per_page=limit)
    rows = ((c.id, _status(c), _starts(c), c.name) for c in page.campaigns)
    session.show(
        {"campaigns": [as_answer(campaign) for campaign in page.campaigns], "next": page.next},
        output.table(_COLUMNS, rows),
        f"More: --after {page.next}" if page.next else None,
    )


@campaigns.command()
@_campaign_argument
@pass_session
def show(session: Session, campaign: str) -> None:
    """Show CAMPAIGN with all its fields."""
    with session.in_team() as (conn, team):
        found = service.get(conn, team.id, _uuid(campaign))
    show_campaign(session, found)


@campaigns.command()
@_campaign_argument
@file_argument()
@pass_session
def edit(session: Session, campaign: str, file: str) -> None:
    """Change the fields of CAMPAIGN that FILE.json names; the others stay."""
    body = documents.read_object(file)
    with session.in_team() as (conn, team):
        edited = service.edit(
            conn,
            team.id,
            _uuid(campaign),
            body,
            providers=session.providers(),
            now=session.now(),
        )
    show_campaign(session, edited)


@campaigns.command()
@_campaign_argument
@pass_session
def pause(session: Session, campaign: str) -> None:
    """Hold CAMPAIGN until it is resumed; nothing more is granted once this returns."""
    with session.in_team() as (conn, team):
        _show_state(session, control.pause(conn, team.id, _uuid(campaign), now=session.now()))


@campaigns.command()
@_campaign_argument
@click.option(
    "--scope",
    type=click.Choice(["pending", "failed"]),
    default="pending",
    show_default=True,
    help="failed: send again to whom its latest run failed, too.",
)
@click.option(
    "--class",
    "error_class",
    type=click.Choice(again.FAILURES),
    help="With --scope failed: only what failed like this.",
)
@pass_session
def resume(session: Session, campaign: str, scope: str, error_class: str | None) -> None:
    """Let a held CAMPAIGN send again."""
    if error_class is not None and scope != "failed":
        raise click.UsageError("--class needs --scope failed.")
    campaign_id, now = _uuid(campaign), session.now()
    with session.in_team() as (conn, team):
        if scope == "pending":
            _show_state(session, control.resume(conn, team.id, campaign_id, now=now))
            return
        count = again.resume_failed(conn, team.id, campaign_id, now=now, error_class=error_class)
        found = service.get(conn, team.id, campaign_id)
    session.show(
        {**as_answer(found), "resent": count},
        f"Campaign {found.id} is {_status(found)}.",
        f"{count:,} deliveries will be sent again.",
    )


@campaigns.command()
@_campaign_argument
@pass_session
def stop(session: Session, campaign: str) -> None:
    """End CAMPAIGN for good: whoever was not reached yet will not be."""
    with session.in_team() as (conn, team):
        _show_state(session, control.stop(conn, team.id, _uuid(campaign), now=session.now()))


@campaigns.command()
@_campaign_argument
@pass_session
def delete(session: Session, campaign: str) -> None:
    """Remove CAMPAIGN from every list; what its runs did stays on record."""
    campaign_id = _uuid(campaign)
    with session.in_team() as (conn, team):
        control.delete(conn, team.id, campaign_id, now=session.now())
    session.show({"deleted": campaign_id}, f"Deleted campaign {campaign_id}.")


@campaigns.command()
@click.argument("what", metavar="CAMPAIGN|FILE.json")
@click.option("--to", "address", metavar="ADDRESS", help="Who gets it (required for CAMPAIGN).")
@click.option(
    "--field",
    "pairs",
    type=Pair("NAME=VALUE"),
    multiple=True,
    metavar="NAME=VALUE",
    help="A custom field.",
)
@pass_session
def test(
    session: Session, what: str, address: str | None, pairs: Sequence[tuple[str, str]]
) -> None:
    """Send one message to one address, to see how it looks.

    The message is that of a stored CAMPAIGN (a uuid), or described in FILE.json.
    """
    try:
        body: dict[str, Any] = {"campaign": str(checked_uuid("campaign", what))}
    except Invalid:
        body = documents.read_object(what)
    if address is not None:
        body["address"] = address
    if pairs:
        body["custom_fields"] = dict(pairs)
    with session.in_team() as (conn, team):
        sample = samples.send_test(
            conn, team.id, body, providers=session.providers(), now=session.now()
        )
    session.show(
        as_answer(sample),
        f"Test send {sample.id} is on its way; see `sluice status {sample.id}`.",
    )


def show_campaign(session: Session, campaign: Campaign) -> None:
    """A campaign with all its fields; those that say nothing special are left out."""
    session.show(
        as_answer(campaign),
        output.facts(
            [
                ("uuid", campaign.id),
                ("name", campaign.name),
                ("status", _status(campaign)),
                ("error", campaign.error),
                ("sender", campaign.sender),
                ("channel", f"{campaign.sending_type} through {campaign.provider}"),
                *_schedule(campaign),
                *_limits(campaign),
                ("includes", _lines(campaign.included)),
                ("excludes", _lines(campaign.excluded)),
                *_selection(campaign),
                *_message(campaign),
                *_parts(campaign),
            ]
        ),
    )


def _selection(campaign: Campaign) -> Iterator[tuple[str, object]]:
    """Whom of its groups it is for, if not everybody."""
    yield "only segments", _lines(campaign.contact_segments)
    if campaign.segmentation is not None:
        yield "only whom", output.json_line(campaign.segmentation[0])


def _schedule(campaign: Campaign) -> Iterator[tuple[str, object]]:
    yield "time zone", campaign.timezone
    yield "starts", campaign.scheduled_send_date
    yield "finishes", campaign.scheduled_finish_date
    yield "expires", campaign.expiry_date
    yield (
        "pauses",
        _lines(f"{output.cell(p.start_at)} to {output.cell(p.end_at)}" for p in campaign.pauses),
    )
    yield "leftover", campaign.leftover if campaign.throttled else None
    if campaign.is_recurring:
        yield "repeats", campaign.schedule_rrule
        yield "except", _lines(map(output.cell, campaign.schedule_exdates))
        yield "also", _lines(map(output.cell, campaign.schedule_rdates))
        yield "next", campaign.next_dt or "none"
        yield "last", campaign.last_dt or "endless"
        yield "overlap", campaign.overlap
        yield "catch up", f"{campaign.catch_up}, at most {campaign.catch_up_cap}"
    yield "start deadline", _seconds(campaign.start_deadline)
    yield "jitter", _seconds(campaign.jitter or None)


def _limits(campaign: Campaign) -> Iterator[tuple[str, object]]:
    yield "rate", campaign.rate
    yield "pacing", campaign.pacing if campaign.throttled else None
    if campaign.warm_up:
        first, factor = campaign.warm_up["first_day"], campaign.warm_up["factor"]
        yield "warm-up", f"{output.cell(first)} on the first day, each day {factor:g} times as many"
    yield "sending hours", hours.written(campaign.sending_hours)
    yield "quiet hours", hours.written(campaign.quiet_hours)
    yield "holidays", _lines(campaign.holidays)
    yield "local to", "each recipient" if campaign.recipient_local else None
    yield "priority", f"{campaign.priority}, weight {campaign.weight}"


def _message(campaign: Campaign) -> Iterator[tuple[str, object]]:
    """The text; a notification by its parts."""
    if campaign.sending_type != "webpush":
        yield "template", campaign.template
        return
    yield from push.entries(campaign.template).items()


def _parts(campaign: Campaign) -> Iterator[tuple[str, object]]:
    """What there is to say about the parts of a text message."""
    yield "segments", campaign.segments if campaign.segments > 1 else None
    yield "at most", f"{campaign.max_parts} parts" if campaign.max_parts else None
    yield "transliterate", "where that makes it shorter" if campaign.transliterate else None


def _lines(entries: Iterable[object]) -> str | None:
    return ", ".join(map(str, entries)) or None


def _seconds(amount: int | None) -> str | None:
    return None if amount is None else f"{amount:,} s"


def _show_state(session: Session, campaign: Campaign) -> None:
    session.show(as_answer(campaign), f"Campaign {campaign.id} is {_status(campaign)}.")


def _status(campaign: Campaign) -> str:
    return f"{campaign.status}, paused" if campaign.manually_paused else campaign.status


def _starts(campaign: Campaign) -> datetime:
    if campaign.is_recurring and campaign.next_dt:
        return campaign.next_dt
    return campaign.scheduled_send_date


def _uuid(text: str) -> UUID:
    return checked_uuid("campaign", text)
