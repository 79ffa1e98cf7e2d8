"""`sluice status`: how a run stands."""

from __future__ import annotations

from typing import Any

import click

from campaigns.run import status as store
from campaigns.run.status import RunStatus
from cli import output
from cli.output import Column
from cli.session import Command, Session, pass_session

#: What providers said afterwards, as people read it.
_REPORTS = {
    "delivered": "reported delivered",
    "undelivered": "reported undelivered",
    "opened": "reported opened",
    "clicked": "reported clicked",
    "late": "reported late",
    "unreported": "never reported",
}


@click.command(cls=Command)
@click.argument("run")
@pass_session
def status(session: Session, run: str) -> None:
    """Show how RUN stands: a run's number, or a campaign's uuid for its latest run."""
    with session.in_team() as (conn, team):
        found = store.status(conn, team.id, run, providers=session.providers())
    session.show(as_json(found), *_parts(found))


def as_json(found: RunStatus) -> dict[str, Any]:
    """The status for programs; ``why.code`` is stable."""
    return {
        "run": found.run_id,
        "campaign": found.campaign_id,
        "name": found.campaign_name,
        "campaign_status": found.campaign_status,
        "status": found.status,
        "provider": found.provider,
        "why": {"code": found.why.code, "text": found.why.text},
        "total": found.total,
        "waiting": found.waiting,
        "settled": found.settled,
        "planned": found.planned,
        **found.counts,
        **{report: getattr(found, report) for report in store.REPORTS},
        "timezone_fallbacks": found.timezone_fallbacks,
        "scheduled_send_date": found.starts_at,
        "scheduled_finish_date": found.finishes_at,
        "expiry_date": found.expires_at,
        "pauses": [{"start_at": p.start, "end_at": p.end} for p in found.pauses],
        "started_at": found.started_at,
        "finished_at": found.finished_at,
        "expected_finish": found.expected_finish,
        "at": found.at,
    }


def _parts(found: RunStatus) -> tuple[Any, ...]:
    pauses = [f"{output.cell(p.start)} to {output.cell(p.end)}" for p in found.pauses]
    head = output.facts(
        [
            ("campaign", found.campaign_name),
            ("uuid", found.campaign_id),
            ("run", "not begun" if found.run_id is None else str(found.run_id)),
            ("state", found.why),
            ("provider", found.provider),
            ("starts", found.starts_at),
            ("finishes", found.finishes_at),
            ("expires", found.expires_at),
            ("pauses ahead", "\n".join(pauses) or None),
            ("without a time zone", found.timezone_fallbacks or None),
            ("planned by now", _planned(found)),
            ("expected finish", found.expected_finish),
            ("finished", found.finished_at),
        ]
    )
    if found.run_id is None:
        return (head,)
    return head, "", counts_table(found)


def counts_table(found: RunStatus) -> Any:
    """How many recipients ended how."""
    rows: list[tuple[str, int, str]] = [("recipients", found.total, "")]
    named = {**found.counts, "waiting": found.waiting}
    rows += [(name, count, _share(count, found.total)) for name, count in named.items() if count]
    rows += [
        (title, count, _share(count, found.total))
        for name, title in _REPORTS.items()
        if (count := getattr(found, name))
    ]
    columns = (Column("outcome"), Column("count", "right", whole=True), Column("share", "right"))
    return output.table(columns, rows)


def _planned(found: RunStatus) -> str | None:
    if found.planned is None:
        return None
    return f"{found.planned:,} planned, {found.settled:,} done"


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if total else ""
