"""`sluice carrier`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from campaigns.errors import Invalid, SluiceError
from cli.carrier.server import run
from cli.carrier.settings import (
    LARGEST_BURST,
    LONGEST_WAIT_MS,
    Behaviour,
    ErrorMix,
    Options,
    read_bind,
    read_url,
)


class _Checked(click.ParamType[Any]):
    """An option whose text a reader checks; what it refuses is wrong usage."""

    def __init__(self, name: str, read: Callable[[str, str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The reader's result."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(self.name, value)
        except Invalid as error:
            self.fail(f"{value!r} {error.rule}.", param, ctx)


def _read_setting(name: str, value: str) -> object:
    return getattr(Behaviour().changed({name: value}), name)


_MILLISECONDS = click.FloatRange(0, LONGEST_WAIT_MS)


@click.command(
    "carrier",
    short_help="Run a local SMS carrier to try things out.",
    context_settings={"show_default": True},
)
@click.option(
    "--bind",
    type=_Checked("address", read_bind),
    default="127.0.0.1:9000",
    metavar="HOST:PORT",
    help="Address to listen on; port 0 takes a free one.",
)
@click.option(
    "--rate",
    type=_Checked("rate", _read_setting),
    metavar="N/s",
    help="Rate ceiling (N/s, N/min, N/h or N/day); above it messages get a 429. Default: none.",
)
@click.option(
    "--burst",
    type=click.IntRange(1, LARGEST_BURST),
    metavar="N",
    help="Messages that may come at once under the ceiling. Default: a tenth of a second's.",
)
@click.option(
    "--latency", type=_MILLISECONDS, default=0, metavar="MS", help="Wait before every reply."
)
@click.option(
    "--jitter", type=_MILLISECONDS, default=0, metavar="MS", help="Up to so much more, at random."
)
@click.option(
    "--errors",
    type=_Checked("errors", _read_setting),
    default="",
    metavar="MIX",
    help="Shares that fail, such as 'rejected=1%,unavailable=0.5%,lost=0.1%'. rejected: 400, for "
    "good. unavailable: 503. lost: taken, but the connection closes without a reply.",
)
@click.option(
    "--reports",
    type=_Checked("url", read_url),
    metavar="URL",
    help="Post delivery reports there. Default: none.",
)
@click.option(
    "--report-delay",
    type=_MILLISECONDS,
    default=1000,
    metavar="MS",
    help="Time from a message to its delivery report.",
)
@click.option(
    "--undelivered",
    type=_Checked("undelivered", _read_setting),
    default="0%",
    metavar="N%",
    help="Share of the messages that is reported as undelivered.",
)
@click.option(
    "--idempotent",
    is_flag=True,
    help="Recognise a repeated reference: answer it again, do not send it again.",
)
@click.option(
    "--log",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write one JSON line per arrival there, after those it has. Default: GET /log only.",
)
@click.option(
    "--seed", default="0", metavar="TEXT", help="Same seed and references, same errors and reports."
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=5_000_000,
    metavar="N",
    help="Arrivals remembered for statistics, and for GET /log where there is no --log.",
)
def carrier_command(
    bind: tuple[str, int],
    rate: str | None,
    burst: int | None,
    latency: float,
    jitter: float,
    errors: ErrorMix,
    reports: str | None,
    report_delay: float,
    undelivered: float,
    idempotent: bool,
    log: Path | None,
    seed: str,
    keep: int,
) -> None:
    """Run a local HTTP server that behaves like an SMS carrier.

    It takes POST /messages with the JSON {"reference", "to", "from", "text"}, answers like a
    carrier, and keeps a log of every arrival. Nothing leaves this machine except the delivery
    reports.

    On a loopback address it can also be asked and changed while it runs: GET /health, GET /stats,
    GET /log, POST /reset, GET and PUT /settings.
    """
    host, port = bind
    behaviour = Behaviour(
        rate=rate,
        burst=burst,
        latency_ms=latency,
        jitter_ms=jitter,
        errors=errors,
        report_delay_ms=report_delay,
        undelivered=undelivered,
        idempotent=idempotent,
    )
    options = Options(
        host=host,
        port=port,
        behaviour=behaviour,
        reports=reports,
        log=log,
        seed=seed,
        keep=keep,
    )
    try:
        run(options, click.echo)
    except SluiceError as error:
        raise click.ClickException(str(error)) from None
