"""`sluice teams`: tenants and their settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click

from campaigns.team import teams as store
from campaigns.team.teams import Team
from cli import hours, output
from cli.output import Column
from cli.session import Group, Session, pass_session

#: Settings that are lists, each with an option that takes it away.
_LISTS = ("sending_hours", "quiet_hours", "holidays")

_COLUMNS = (Column("uuid", whole=True), Column("region", whole=True), Column("name"))


@click.group(cls=Group)
def teams() -> None:
    """Teams: each has its own groups, templates, campaigns, opt-outs and limits."""


@teams.command()
@click.argument("name")
@click.option(
    "--region", metavar="CC", help="Country of phone numbers without a prefix, such as GB."
)
@pass_session
def create(session: Session, name: str, region: str | None) -> None:
    """Create a team, with its default_optouts group."""
    with session.connection() as conn:
        _show(session, store.create(conn, name, region))


@teams.command("list")
@pass_session
def list_(session: Session) -> None:
    """List all teams."""
    with session.connection() as conn:
        found = store.list_all(conn)
    rows = ((team.id, team.default_region, team.name) for team in found)
    session.show([asdict(team) for team in found], output.table(_COLUMNS, rows))


@teams.command()
@click.argument("name")
@pass_session
def show(session: Session, name: str) -> None:
    """Show the team NAME with its settings."""
    with session.connection() as conn:
        _show(session, store.find(conn, name))


class _OrNone(click.ParamType[Any]):
    """A value of another type, or ``none``, which takes the setting away."""

    def __init__(self, type_: click.ParamType[Any]) -> None:
        self._type = type_
        self.name = type_.name

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """The value as ``{"value": ...}``: what was not given is told from ``none``."""
        if isinstance(value, dict):
            return value
        none = str(value).strip().lower() == "none"
        return {"value": None if none else self._type.convert(value, param, ctx)}


def _listed(
    name: str, field: str, *, form: str, type_: click.ParamType[Any], about: str
) -> Callable[[Any], Any]:
    """A repeatable option whose values replace the stored list, and one that takes it away."""
    both = f"{about} Repeatable; replaces all."
    none = f"--no-{field.replace('_', '-')}"
    add = click.option(name, field, metavar=form, type=type_, multiple=True, help=both)
    clear = click.option(none, is_flag=True, help=f"Take away what {name} has set.")
    return lambda command: add(clear(command))


@teams.command()
@click.argument("name")
@click.option(
    "--region",
    "default_region",
    metavar="CC|none",
    type=_OrNone(click.STRING),
    help="Country of phone numbers without a prefix, such as GB.",
)
@click.option(
    "--timezone",
    metavar="ZONE",
    help="Zone in which the hours and holidays are read, such as Europe/London.",
)
@_listed(
    "--sending-hours",
    "sending_hours",
    form=f'"{hours.FORM}"',
    type_=hours.Hours(),
    about="Send only then, as in 'mon-fri 09:00-18:00'.",
)
@_listed(
    "--quiet-hours",
    "quiet_hours",
    form=f'"{hours.FORM}"',
    type_=hours.Hours(),
    about="Never send then, as in '21:00-08:00'.",
)
@_listed(
    "--holiday",
    "holidays",
    form="YYYY-MM-DD",
    type_=click.STRING,
    about="Never send on that day.",
)
@click.option(
    "--rate",
    metavar="N/s|none",
    type=_OrNone(click.STRING),
    help="Ceiling over all accounts: N/s, N/min, N/h or N/day.",
)
@click.option(
    "--cap-day",
    "frequency_cap_day",
    metavar="N|none",
    type=_OrNone(click.INT),
    help="Messages per recipient in any 24 hours, over all campaigns. "
    "0 means none at all, 'none' means no cap.",
)
@click.option(
    "--cap-week",
    "frequency_cap_week",
    metavar="N|none",
    type=_OrNone(click.INT),
    help="The same for any 7 times 24 hours.",
)
@click.option(
    "--retention-days",
    metavar="N|none",
    type=_OrNone(click.INT),
    help="Remove deletable groups that nobody has used for so long; 'none' keeps them for ever.",
)
@pass_session
def edit(session: Session, /, name: str, **given: Any) -> None:
    """Change settings of the team NAME; those that are not given stay.

    They count at once, for campaigns that are sending, too.
    """
    body = _body(given)
    with session.connection() as conn:
        _show(session, store.edit(conn, store.find(conn, name).id, body))


def _body(given: dict[str, Any]) -> dict[str, Any]:
    """The request out of the options; what was not given does not stand in it."""
    body: dict[str, Any] = {}
    for field in _LISTS:
        values, nothing = given.pop(field), given.pop(f"no_{field}")
        if values and nothing:
            raise click.UsageError(f"{field} can be set or taken away, not both at once.")
        if nothing:
            body[field] = [] if field == "holidays" else None
        elif values:
            body[field] = list(values)
    for field, value in given.items():
        if value is not None:
            body[field] = value["value"] if isinstance(value, dict) else value
    return body


def _show(session: Session, team: Team) -> None:
    session.show(
        asdict(team),
        output.facts(
            [
                ("uuid", team.id),
                ("name", team.name),
                ("region", team.default_region),
                ("time zone", team.timezone),
                ("sending hours", hours.written(team.sending_hours)),
                ("quiet hours", hours.written(team.quiet_hours)),
                ("holidays", ", ".join(map(str, team.holidays)) or None),
                ("rate", team.rate),
                ("cap per day", team.frequency_cap_day),
                ("cap per week", team.frequency_cap_week),
                ("days groups are kept", team.retention_days),
            ]
        ),
    )
