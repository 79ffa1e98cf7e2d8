"""`sluice submit`: the command line's form of `campaigns.submit`."""

from __future__ import annotations

import click

from campaigns import failpoints
from campaigns.campaign import service
from cli import documents
from cli.commands.campaigns import show_campaign
from cli.parameters import file_argument
from cli.session import Command, Session, pass_session


@click.command(cls=Command)
@file_argument()
@pass_session
def submit(session: Session, file: str) -> None:
    """Submit the campaign in FILE.json ("-": standard input).

    The same file with a uuid in it may be submitted again: it is the same campaign.
    """
    config = session.settings()
    failpoints.arm(config.failpoints, config.failpoint_log)
    body = documents.read_object(file)
    with session.in_team() as (conn, team):
        campaign = service.submit(
            conn, team.id, body, providers=session.providers(), now=session.now()
        )
    show_campaign(session, campaign)
