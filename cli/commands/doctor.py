"""`sluice doctor`: what is wrong with this installation, and what to do about it."""

from __future__ import annotations

import click

from cli import output
from cli.checkup import Finding, examine
from cli.output import Column
from cli.session import REFUSED, Command, Session, pass_session

_COLUMNS = (Column("", whole=True), Column("what", whole=True), Column("found"))
_MARKS = {"ok": "ok", "warning": "warn", "broken": "FAIL"}


@click.command(cls=Command)
@click.pass_context
@pass_session
def doctor(session: Session, context: click.Context) -> None:
    """Check settings, servers and processes; exit code 1 if something is broken."""
    findings = examine(session.now())
    session.show(
        {
            "ok": not any(finding.state == "broken" for finding in findings),
            "findings": [
                {"state": f.state, "what": f.what, "found": f.found, "advice": f.advice}
                for f in findings
            ],
        },
        output.table(_COLUMNS, ((_MARKS[f.state], f.what, _text(f)) for f in findings)),
    )
    if any(finding.state == "broken" for finding in findings):
        context.exit(REFUSED)


def _text(finding: Finding) -> str:
    return f"{finding.found}: {finding.advice}" if finding.advice else finding.found
