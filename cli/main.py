"""The `sluice` command."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from importlib import import_module

import click

from cli.session import Root, Session, common_options

#: Where each command is. One is imported when it is asked for: all of them together would bring in
#: Alembic, the carrier's server and the template engine, and take longer than most commands do.
COMMANDS: Mapping[str, str] = {
    "audience": "cli.commands.audience:audience",
    "campaigns": "cli.commands.campaigns:campaigns",
    "carrier": "cli.carrier.command:carrier_command",
    "clients": "cli.commands.clients:clients",
    "contacts": "cli.commands.contacts:contacts",
    "deliveries": "cli.commands.deliveries:deliveries",
    "demo": "cli.demo.command:demo_command",
    "doctor": "cli.commands.doctor:doctor",
    "domains": "cli.commands.domains:domains",
    "groups": "cli.commands.groups:groups",
    "keys": "cli.commands.keys:keys",
    "keywords": "cli.commands.keywords:keywords",
    "links": "cli.commands.links:links",
    "migrate": "cli.commands.migrate:migrate",
    "plan": "cli.commands.plan:plan",
    "providers": "cli.commands.providers:providers",
    "report": "cli.commands.report:report",
    "segments": "cli.commands.segments:segments",
    "status": "cli.commands.status:status",
    "submit": "cli.commands.submit:submit",
    "teams": "cli.commands.teams:teams",
    "templates": "cli.commands.templates:templates",
    "tokens": "cli.commands.tokens:tokens",
    "up": "cli.commands.up:up",
    "webhooks": "cli.commands.webhooks:webhooks",
}


class Sluice(Root):
    """The commands, each imported with its first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of all commands, as the help shows them."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of that name, ``None`` if there is none."""
        if (place := COMMANDS.get(cmd_name)) is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command


@click.group(cls=Sluice, params=common_options())
@click.version_option(package_name="sluice", prog_name="sluice")
@click.pass_context
def sluice(context: click.Context) -> None:
    """Send campaigns to groups of people, once each, at the pace that was promised."""
    context.ensure_object(Session)
    logging.basicConfig(level=logging.WARNING, format="%(message)s")


def main() -> None:
    """Entry point."""
    sluice(prog_name="sluice")


if __name__ == "__main__":
    main()
