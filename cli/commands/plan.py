"""`sluice plan`: what a campaign would do, without storing it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import click

from campaigns.audience import audience
from campaigns.campaign import service
from campaigns.campaign.store import Campaign
from campaigns.channels import ADDRESS_COLUMN
from campaigns.providers import ProviderConfig
from campaigns.schedule.forecast import Forecast, Part, forecast
from campaigns.schedule.windows import FOREVER
from cli import documents, output
from cli.output import Column
from cli.parameters import file_argument
from cli.session import Command, Session, pass_session
from scheduler.pacing import GUARD

_BAR = 20
_COLUMNS = (
    Column("from (UTC)", whole=True),
    Column("to (UTC)", whole=True),
    Column("messages", "right", whole=True),
    Column("", whole=True),
)


@click.command(cls=Command)
@file_argument()
@pass_session
def plan(session: Session, file: str) -> None:
    """Show what the campaign in FILE.json would do, checked as by `submit`. Stores nothing."""
    body = documents.read_object(file)
    providers = session.providers()
    now = session.now()
    with session.in_team() as (conn, team):
        # The whole of submit, so that plan and submit can never differ; then none of it happened.
        with conn.transaction(force_rollback=True):
            campaign = service.submit(conn, team.id, body, providers=providers, now=now)
        column = ADDRESS_COLUMN[campaign.sending_type]
        count = audience.count(conn, team.id, column, campaign.included, campaign.excluded)
    provider = providers.by_name[campaign.provider]
    found = forecast(count, campaign.window, provider.per_second, now, guard=GUARD)
    warnings = list(_warnings(campaign, provider, count, found, now))
    session.show(
        _as_json(campaign, provider, count, found, warnings),
        output.facts(
            [
                ("campaign", campaign.name),
                ("recipients", count),
                ("provider", f"{provider.name}, {provider.rate or 'no ceiling'}"),
                ("begins", campaign.scheduled_send_date),
                ("expected finish", found.finish or "unknown: the provider has no ceiling"),
                ("expires", campaign.expiry_date),
            ]
        ),
        "",
        output.table(_COLUMNS, _rows(found)),
        *(f"Warning: {warning}" for warning in warnings),
    )


def _as_json(
    campaign: Campaign,
    provider: ProviderConfig,
    count: int,
    found: Forecast,
    warnings: list[str],
) -> dict[str, Any]:
    return {
        "recipients": count,
        "provider": provider.name,
        "rate": provider.rate,
        "occurrences": [campaign.scheduled_send_date],
        "intervals": [
            {
                "start_at": part.interval.start,
                "end_at": _end(part),
                "messages": part.messages,
                "paced": part.paced,
            }
            for part in found.parts
        ],
        "expected_finish": found.finish,
        "left": found.left,
        "warnings": warnings,
    }


def _rows(found: Forecast) -> Iterator[tuple[object, ...]]:
    most = max((part.messages for part in found.parts), default=0)
    for part in found.parts:
        if part.messages or part.paced:
            bar = "█" * round(_BAR * part.messages / most) if most else ""
            yield part.interval.start, _end(part), part.messages, bar


def _end(part: Part) -> datetime | None:
    return None if part.interval.end == FOREVER else part.interval.end


def _warnings(
    campaign: Campaign, provider: ProviderConfig, count: int, found: Forecast, now: datetime
) -> Iterator[str]:
    if not count:
        yield "the audience is empty, so the campaign would finish at once."
    if campaign.status == "draft":
        yield "it is a draft, and is not sent before its status is edited to active."
    if campaign.manually_paused:
        yield "it is paused by hand, and sends nothing before it is resumed."
    if found.late:
        after = "continue after the finish" if found.late > found.left else "get nothing"
        yield (
            f"{provider.name} takes {provider.rate}: {found.late:,} of {count:,} recipients "
            f"do not fit into the window and {after}."
        )
    elif found.left:
        yield f"{found.left:,} of {count:,} recipients are left when it expires."
    if campaign.scheduled_send_date < now:
        yield "its start has just passed."
