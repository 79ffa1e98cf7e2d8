"""The command line as a whole: every command is found, explains itself and loads only itself."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from cli.main import COMMANDS, sluice
from tests.support.command_line import CommandLine

CAMPAIGN = "dc8a7564-fb1e-11e9-abb5-0242ac120008"

#: Commands that are servers of their own, or live elsewhere.
OTHERS = ("carrier", "demo")


def leaves(command: click.Command, *path: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that is not a group."""
    if not isinstance(command, click.Group):
        yield path
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        one = command.get_command(context, name)
        assert one is not None
        yield from leaves(one, *path, name)


def test_every_command_speaks_json_and_has_a_help(tmp_path) -> None:
    command = CommandLine({}, tmp_path)
    for path in leaves(sluice):
        shown = command.succeed(*path, "--help")
        if path[0] not in OTHERS:
            assert "--json" in shown, path
            assert "--team" in shown, path


def test_every_command_is_where_the_table_says_and_has_its_name(tmp_path) -> None:
    context = click.Context(sluice)
    for name in COMMANDS:
        command = sluice.get_command(context, name)
        assert command is not None
        assert command.name == name
    shown = CommandLine({}, tmp_path).succeed("--help")
    assert all(f"\n  {name} " in shown for name in COMMANDS)


def test_a_command_brings_in_only_what_it_needs() -> None:
    code = (
        "import sys; from cli.main import sluice; "
        "sluice(['submit', '--help'], standalone_mode=False); "
        "print(*sys.modules, file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "submit [OPTIONS]" in run.stdout
    brought = set(run.stderr.split())
    assert "campaigns.campaign.service" in brought
    assert not brought & {"alembic", "celery", "httpx", "sqlalchemy", "uvicorn"}


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("groups", "create"),
        ("groups", "create", "x", "--kind", "both"),
        ("audience", "count"),
        ("audience", "count", "--include", "x", "--channel", "pigeon"),
        ("contacts", "import", "friends"),
        ("contacts", "import", "friends", "x.csv", "--map", "nonsense"),
        ("contacts", "list", "friends", "--limit", "0"),
        ("contacts", "optout", "x", "--kind", "pigeon"),
        ("campaigns", "list", "--status", "asleep"),
        ("campaigns", "test", CAMPAIGN, "--field", "nonsense"),
        ("deliveries", "resolve", "1"),
        ("deliveries", "resolve", "1", "--resend", "--fail"),
        ("deliveries", "resolve", "1", "--fail", "--seq", "one"),
        ("campaigns", "resume", CAMPAIGN, "--class", "transient"),
        ("campaigns", "resume", CAMPAIGN, "--scope", "failed", "--class", "in_doubt"),
        ("report", "1", "--out", "x.csv"),
        ("report", "1", "--csv", "--json"),
        ("status",),
        ("submit",),
        ("plan",),
        ("migrate", "--wait", "soon"),
        ("up", "--send", "0"),
        ("status", "1", "--nonsense"),
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2_and_says_how_it_is_right(words) -> None:
    result = CommandLine({}, None).run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Usage:" in result.stderr
