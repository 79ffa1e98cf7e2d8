"""The `sluice` command."""

from __future__ import annotations

import logging

import click

from cli.carrier.command import carrier_command
from cli.commands import (
    audience,
    campaigns,
    contacts,
    deliveries,
    doctor,
    groups,
    keys,
    migrate,
    plan,
    providers,
    report,
    status,
    submit,
    teams,
    templates,
    tokens,
    up,
)
from cli.demo.command import demo_command
from cli.session import Root, Session, common_options

_COMMANDS = (
    up.up,
    demo_command,
    migrate.migrate,
    doctor.doctor,
    groups.groups,
    contacts.contacts,
    audience.audience,
    templates.templates,
    plan.plan,
    submit.submit,
    campaigns.campaigns,
    status.status,
    report.report,
    deliveries.deliveries,
    providers.providers,
    carrier_command,
    teams.teams,
    tokens.tokens,
    keys.keys,
)


@click.group(cls=Root, params=common_options())
@click.version_option(package_name="sluice", prog_name="sluice")
@click.pass_context
def sluice(context: click.Context) -> None:
    """Send campaigns to groups of people, once each, at the pace that was promised."""
    context.ensure_object(Session)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")


for _command in _COMMANDS:
    sluice.add_command(_command)


def main() -> None:
    """Entry point."""
    sluice(prog_name="sluice")


if __name__ == "__main__":
    main()
