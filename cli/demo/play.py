"""The script of the demo, from an empty folder to the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import httpx
import psycopg
from kombu.exceptions import OperationalError as BrokerError
from rich.console import Console
from rich.live import Live
from rich.text import Text

from campaigns import database
from campaigns.database import Connection
from campaigns.errors import Unavailable
from campaigns.run import lookup, recipients
from campaigns.team import teams
from campaigns.team.teams import Team
from cli import tabular
from cli.carrier import log as carrier_log
from cli.carrier.log import Arrival
from cli.commands import report
from cli.demo import audience, campaign, data, show, timeline, verdict
from cli.demo.data import Data
from cli.demo.folder import Folder, claimed
from cli.demo.show import Scene
from cli.demo.signals import Terminated
from cli.demo.stage import Stage
from cli.demo.steps import Steps
from cli.demo.timeline import Timeline
from cli.demo.verdict import Hold, Judgement

TEAM = "default"

#: Without a terminal, a line follows the other after so many seconds.
_LINE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen about a demo."""

    #: Where demos have their folders.
    home: Path
    contacts: int
    seconds: int
    flower: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """What is left when the demo is over."""

    judgement: Judgement
    folder: Folder


def play(options: Options, console: Console) -> Ending:
    """Run the whole demo; nothing of it runs any more when this returns or raises.

    Raises:
        SluiceError: something could not be started, or ended in the middle.
    """
    made_up = data.generate(options.contacts)
    with claimed(options.home) as folder, _ended(Stage(folder), console) as stage:
        plan, holds = _perform(options, made_up, stage, console)
        stage.end_processes()
        arrivals = _arrivals(folder.carrier_log)
        return Ending(verdict.conclude(arrivals, made_up.expected, plan, holds), folder)


def _perform(
    options: Options, made_up: Data, stage: Stage, console: Console
) -> tuple[Timeline, tuple[Hold, ...]]:
    """Everything up to the end of the campaign: what was planned, and when it was held by hand."""
    folder = stage.folder
    steps = Steps(console)
    with steps.step("PostgreSQL and Redis started, tables created"):
        stage.start_servers()
    with _connection(stage) as conn:
        team = teams.find(conn, TEAM)
        groups = audience.import_lists(conn, team, made_up, folder, steps)
        with steps.step("Carrier, beat, two send workers, control worker started"):
            stage.start_carrier()
            flower = stage.start_processes(conn, flower=options.flower)
        if flower:
            steps.say(f"Flower: {flower}, password in {folder.path / 'flower.password'}")
        plan = timeline.plan(datetime.now(UTC), options.seconds)
        with steps.step("Campaign submitted through the queue"):
            campaign_id = campaign.submit(stage, conn, team, groups, plan)
        performance = campaign.Performance(stage, conn, team, campaign_id, plan)
        with closing(performance), _shown(console) as shown:
            performance.watch(shown)
        _write_report(conn, team, campaign_id, folder.report)
    return plan, performance.holds


@contextmanager
def _ended(stage: Stage, console: Console) -> Iterator[Stage]:
    """The stage, which is closed whatever happens."""
    try:
        yield stage
    except Terminated:
        console.print(Text("\n  Interrupted; ending what was started."))
        raise
    finally:
        stage.close()


@contextmanager
def _connection(stage: Stage) -> Iterator[Connection]:
    """A connection for the demo; where the ground is pulled away, says who went."""
    try:
        with database.opened(stage.settings.require_database()) as conn:
            yield conn
    except (psycopg.OperationalError, httpx.HTTPError, BrokerError) as error:
        # Whoever is gone has more to say than whoever missed it.
        stage.check()
        raise Unavailable(database.first_line(error)) from error


@contextmanager
def _shown(console: Console) -> Iterator[Callable[[Scene], None]]:
    """Shows scenes: a picture that moves on a terminal, a line now and then elsewhere."""
    if not console.is_terminal:
        yield _Lines(console)
        return
    console.print()
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        yield lambda scene: live.update(show.render(scene, console.width), refresh=True)


class _Lines:
    """Prints what is new, and a line now and then."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._told = 0
        self._last: datetime | None = None

    def __call__(self, scene: Scene) -> None:
        for moment, text in scene.notes[self._told :]:
            self._print(f"{show.clock(moment)}  {text}")
        self._told = len(scene.notes)
        if self._last is None or (scene.now - self._last).total_seconds() >= _LINE_SECONDS:
            self._last = scene.now
            self._print(show.line(scene))

    def _print(self, text: str) -> None:
        self._console.print(Text(f"  {text}"), soft_wrap=True)


def _arrivals(log: Path) -> list[Arrival]:
    try:
        return carrier_log.read(log)
    except (OSError, ValueError) as error:
        raise Unavailable(f"{log} cannot be judged: {error}.") from None


def _write_report(conn: Connection, team: Team, campaign_id: UUID, file: Path) -> None:
    """What `sluice report RUN --csv` writes."""
    run_id = lookup.find_run(conn, team.id, campaign_id)
    with file.open("w", encoding="utf-8", newline="") as stream:
        tabular.write(stream, report.HEADER, report.as_cells(recipients.stream(conn, run_id)))
