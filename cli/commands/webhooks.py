"""`sluice webhooks`: where a team has its events told to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import click

from campaigns.callbacks import KINDS, endpoints, replaying
from campaigns.callbacks.endpoints import CampaignUrl, Endpoint
from campaigns.campaign import times
from campaigns.errors import Invalid
from cli import output
from cli.output import Column
from cli.session import Group, Session, pass_session

_COLUMNS = (
    Column("uuid", whole=True),
    Column("state", whole=True),
    Column("waiting", "right"),
    Column("dead", "right"),
    Column("url"),
)


_CAMPAIGN = click.option(
    "--campaign", is_flag=True, help="WEBHOOK is a campaign: the URL in its event_callback."
)


@click.group(cls=Group)
def webhooks() -> None:
    """Endpoints that are told, signed, what becomes of the team's messages."""


@webhooks.command()
@click.argument("url")
@click.option(
    "--event",
    "events",
    type=click.Choice(KINDS),
    multiple=True,
    help="A kind of events to be told; may be repeated. Without it: all.",
)
@pass_session
def create(session: Session, url: str, events: tuple[str, ...]) -> None:
    """Create an endpoint at URL; its secret is shown this once and never again."""
    with session.in_team() as (conn, team):
        made = endpoints.create(conn, team.id, url, events or KINDS, now=session.now())
    _show_secret(session, made)


@webhooks.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the team's endpoints, and how it goes with them."""
    with session.in_team() as (conn, team):
        found = endpoints.list_all(conn, team.id)
    rows = (
        (
            one.id,
            one.health.state,
            one.health.waiting,
            one.health.dead,
            output.without_secrets(one.url),
        )
        for one in found
    )
    session.show([_shown(one) for one in found], output.table(_COLUMNS, rows))


@webhooks.command()
@click.argument("webhook")
@_CAMPAIGN
@pass_session
def show(session: Session, webhook: str, campaign: bool) -> None:
    """Show WEBHOOK, a uuid, how it goes with it and what waits for it."""
    find = endpoints.show_campaign if campaign else endpoints.show
    with session.in_team() as (conn, team):
        _show(session, find(conn, team.id, webhook))


@webhooks.command()
@click.argument("webhook")
@pass_session
def rotate(session: Session, webhook: str) -> None:
    """Give WEBHOOK a new secret; for a day messages are signed by the old one too."""
    with session.in_team() as (conn, team):
        made = endpoints.rotate(conn, team.id, webhook, now=session.now())
    _show_secret(session, made)


@webhooks.command()
@click.argument("webhook")
@pass_session
def enable(session: Session, webhook: str) -> None:
    """Tell WEBHOOK things again, what still waits for it first."""
    with session.in_team() as (conn, team):
        _show(session, endpoints.enable(conn, team.id, webhook, now=session.now()))


@webhooks.command()
@click.argument("webhook")
@pass_session
def disable(session: Session, webhook: str) -> None:
    """Tell WEBHOOK nothing more, until it is enabled."""
    with session.in_team() as (conn, team):
        _show(session, endpoints.disable(conn, team.id, webhook, now=session.now()))


@webhooks.command()
@click.argument("webhook")
@pass_session
def delete(session: Session, webhook: str) -> None:
    """Forget WEBHOOK and all that waits for it."""
    with session.in_team() as (conn, team):
        gone = endpoints.delete(conn, team.id, webhook, now=session.now())
    session.show(_shown(gone), f"Deleted webhook {gone.id}.")


@webhooks.command()
@click.argument("webhook")
@click.option("--since", help="Everything that was made from then on, delivered or not.")
@click.option("--until", help="Everything that was made before then.")
@_CAMPAIGN
@pass_session
def replay(
    session: Session, webhook: str, since: str | None, until: str | None, campaign: bool
) -> None:
    """Send once more what WEBHOOK was not told in the end, or all of a time.

    Times are `Y-m-d H:i:s` in UTC, or ISO 8601. Messages keep their ids, so that a receiver can
    tell what it has already.
    """
    again = replaying.replay_campaign if campaign else replaying.replay
    wanted = {"since": _moment("since", since), "until": _moment("until", until)}
    with session.in_team() as (conn, team):
        replayed = again(conn, team.id, webhook, **wanted, now=session.now())
    session.show({"replayed": replayed}, f"{replayed:,} messages are sent again.")


def _moment(name: str, text: str | None) -> datetime | None:
    try:
        return None if text is None else times.parse(text)
    except ValueError as error:
        raise Invalid(name, text, str(error)) from None


def _show_secret(session: Session, made: endpoints.NewSecret) -> None:
    facts = [("uuid", made.endpoint.id), ("secret", made.secret)]
    session.show({**_shown(made.endpoint), "secret": made.secret}, output.facts(facts))


def _show(session: Session, one: Endpoint | CampaignUrl) -> None:
    content = _shown(one)
    session.show(content, output.facts([(name, _text(content[name])) for name in content]))


def _shown(one: Endpoint | CampaignUrl) -> Mapping[str, Any]:
    """What may be read over somebody's shoulder: the URL without its account and query."""
    content = asdict(one)
    health = content.pop("health")
    url = None if one.url is None else output.without_secrets(one.url)
    return {**content, **health, "url": url, "state": one.health.state}


def _text(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple) else value
