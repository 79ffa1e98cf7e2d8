"""What the commands of one invocation share: options, settings, the connection, the output."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click
import psycopg
from redis.exceptions import RedisError
from rich.console import Console, RenderableType

from campaigns import database, providers, settings
from campaigns.database import Connection
from campaigns.errors import Refused, SluiceError, Unavailable
from campaigns.providers import Providers
from campaigns.settings import Settings
from campaigns.team import teams
from campaigns.team.teams import Team
from cli import embedded, output

DEFAULT_TEAM = "default"

#: Exit codes: a request that was refused, and an interruption (128 + SIGINT, as shells count).
REFUSED = 1
INTERRUPTED = 130


@dataclass(slots=True)
class Session:
    """One invocation. Every door opens late, so that ``--help`` needs no server."""

    json: bool = False
    team_name: str = DEFAULT_TEAM
    console: Console = field(default_factory=output.console)

    def settings(self) -> Settings:
        """The settings, with the embedded servers' addresses where these run."""
        return embedded.with_running(settings.load())

    def providers(self) -> Providers:
        """The configured accounts; raises ``ConfigurationError``."""
        return providers.load(self.settings().providers_file)

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection to a migrated database.

        Raises:
            ConfigurationError: no database is configured and the embedded one does not run.
            Unavailable: the database cannot be reached, was lost, or was never migrated.
        """
        try:
            with database.opened(self.settings().require_database()) as conn:
                yield conn
        except psycopg.errors.UndefinedTable as error:
            raise Unavailable(
                "The database has no tables of Sluice, or older ones: run `sluice migrate`."
            ) from error
        except psycopg.OperationalError as error:
            raise Unavailable(
                f"PostgreSQL did not finish the request ({database.first_line(error)})."
            ) from error

    @contextmanager
    def in_team(self) -> Iterator[tuple[Connection, Team]]:
        """A connection, and the team that ``--team`` names; raises ``NotFound`` too."""
        with self.connection() as conn:
            yield conn, teams.find(conn, self.team_name)

    def now(self) -> datetime:
        """The moment by which requests are judged."""
        return datetime.now(UTC)

    def show(self, value: object, *parts: RenderableType | None) -> None:
        """The result: ``value`` with ``--json``, otherwise ``parts`` below each other."""
        if self.json:
            output.write_json(value)
            return
        for part in parts:
            if part is not None:
                self.console.print(part)

    def note(self, text: str) -> None:
        """A remark for people, beside the result."""
        output.console(stderr=True).print(text, style="yellow", soft_wrap=True)

    def confirm(self, question: str, *, yes: bool) -> None:
        """Ask a person at a terminal whether to go on; a script has decided when it calls.

        Raises:
            click.Abort: the answer is no.
        """
        if not (yes or self.json) and sys.stdin.isatty() and sys.stderr.isatty():
            click.confirm(question, abort=True, err=True)

    def report(self, error: SluiceError | RedisError) -> None:
        """Say why a request was refused: one sentence on standard error, JSON with ``--json``."""
        if self.json:
            code = error.code if isinstance(error, Refused) else _code(error)
            content = {"code": code, "message": str(error), "field": getattr(error, "field", None)}
            click.echo(output.json_line({"error": content}), err=True)
        else:
            # A file's name may hold what steers a terminal.
            click.echo(output.cell(f"sluice: {error}"), err=True)


def _code(error: Exception) -> str:
    return "unavailable" if isinstance(error, Unavailable | RedisError) else "configuration"


pass_session = click.make_pass_decorator(Session, ensure=True)


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).json = True


def _set_team(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Session).team_name = value


def common_options() -> list[click.Parameter]:
    """The options that stand before or after the name of any command."""
    return [
        click.Option(
            ["--json"],
            is_flag=True,
            expose_value=False,
            callback=_set_json,
            help="Print the result as JSON on standard output.",
        ),
        click.Option(
            ["--team"],
            metavar="NAME",
            expose_value=False,
            callback=_set_team,
            help=f"The team, by name or uuid (default: {DEFAULT_TEAM}).",
        ),
    ]


class Command(click.Command):
    """A command with the common options."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params += common_options()


class Group(click.Group):
    """A group whose commands are :class:`Command`."""

    command_class = Command
    group_class = type


class Root(Group):
    """The whole command line: no traceback leaves it for a foreseeable reason."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; errors become one sentence and an exit code."""
        try:
            result = super().invoke(ctx)
            # What a buffer holds back would otherwise fail when nobody listens any more.
            sys.stdout.flush()
            return result
        except (SluiceError, RedisError) as error:
            ctx.ensure_object(Session).report(error)
            ctx.exit(REFUSED)
        except OSError as error:
            if error.errno == errno.EPIPE:
                # Whoever read has read enough; click ends quietly.
                raise
            where = error.filename or "standard output"
            reason = error.strerror or type(error).__name__
            ctx.ensure_object(Session).report(Unavailable(f"{where}: cannot be used ({reason})."))
            ctx.exit(REFUSED)
        except KeyboardInterrupt:
            click.echo("", err=True)
            ctx.exit(INTERRUPTED)
