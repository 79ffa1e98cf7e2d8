"""`sluice demo`."""

from __future__ import annotations

import logging
from pathlib import Path

import click
from rich.text import Text

from campaigns import settings
from cli import output
from cli.demo import closing, signals, timeline
from cli.demo.play import Options, play
from cli.session import REFUSED, Command, Session, pass_session

_MOST_CONTACTS = 25_000


@click.command("demo", cls=Command, short_help="Show a throttled campaign, with a verdict.")
@click.option(
    "--contacts",
    type=click.IntRange(100, _MOST_CONTACTS),
    default=20_000,
    show_default=True,
    help="How many people are made up.",
)
@click.option(
    "--seconds",
    type=click.IntRange(timeline.SHORTEST, timeline.LONGEST),
    default=60,
    show_default=True,
    help="How long the campaign's window is.",
)
@click.option("--flower", is_flag=True, help="Run Flower, the monitoring pages, too.")
@click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where demos keep their files. Default: demo in SLUICE_HOME.",
)
@pass_session
def demo_command(
    session: Session, contacts: int, seconds: int, flower: bool, home: Path | None
) -> None:
    """Show a throttled campaign to made-up people, with a verdict at the end.

    A PostgreSQL and a Redis of its own are started, 20,000 people in three overlapping lists are
    imported, and one campaign goes to all of them in a minute, with two pauses, through the
    sandbox carrier. In the middle the demo presses pause and resume. What the carrier received is
    then compared with what it should have received. Nothing leaves this machine.

    Exit code 0: everything was right. 1: something was not, or could not be started.
    """
    console = output.console(stderr=session.json)
    options = Options(
        home=(home or settings.load().home / "demo").expanduser().absolute(),
        contacts=contacts,
        seconds=seconds,
        flower=flower,
    )
    # A connection that is dropped in the middle of a query complains; that is no news.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    console.print(_opening(contacts, seconds))
    try:
        with signals.raising():
            ending = play(options, console)
    except signals.Terminated as asked:
        raise click.exceptions.Exit(128 + asked.signum) from None
    console.print()
    console.print(closing.render(ending.judgement, ending.folder))
    if session.json:
        output.write_json(closing.as_json(ending.judgement, ending.folder))
    if not ending.judgement.clean:
        raise click.exceptions.Exit(REFUSED)


def _opening(contacts: int, seconds: int) -> Text:
    return (
        Text()
        .append("Sluice demo", "bold")
        .append(f": one campaign to {contacts:,} made-up people within {seconds} s.\n")
        .append("Only the people and the carrier are made up; nothing leaves this machine.\n")
    )
