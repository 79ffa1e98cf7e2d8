"""`sluice providers`: the accounts that messages leave through."""

from __future__ import annotations

import click

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from cli import output
from cli.output import Column
from cli.session import REFUSED, Group, Session, pass_session
from worker.adapters.registry import build

_COLUMNS = (
    Column("name", whole=True),
    Column("adapter", whole=True),
    Column("channel", whole=True),
    Column("rate", "right", whole=True),
    Column("in flight", "right", whole=True),
    Column("in doubt", whole=True),
    Column("url"),
)


@click.group(cls=Group)
def providers() -> None:
    """The accounts in the providers file (SLUICE_PROVIDERS)."""


@providers.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the configured accounts, without their secrets."""
    found = session.providers()
    accounts = list(found.by_name.values())
    rows = (
        (p.name, p.adapter, p.channel, p.rate, p.max_in_flight, p.in_doubt, _url(p))
        for p in accounts
    )
    session.show(
        {"file": str(found.file), "providers": [_as_json(account) for account in accounts]},
        output.table(_COLUMNS, rows) if accounts else f"No provider is configured in {found.file}.",
    )
    for text in filter(None, map(problem, accounts)):
        session.note(text)


@providers.command()
@click.pass_context
@pass_session
def check(session: Session, context: click.Context) -> None:
    """Check the providers file as a worker does at its start; sends nothing."""
    found = session.providers()
    problems = {account.name: problem(account) for account in found.by_name.values()}
    session.show(
        {
            "file": str(found.file),
            "providers": [
                {"name": name, "ok": text is None, "problem": text}
                for name, text in problems.items()
            ],
        },
        *(f"{name}: {text or 'ok'}" for name, text in problems.items()),
        None if problems else f"No provider is configured in {found.file}.",
    )
    if not problems or any(problems.values()):
        context.exit(REFUSED)


def problem(account: ProviderConfig) -> str | None:
    """Why a worker could not use the account, ``None`` if it could."""
    try:
        build(account)
    except ConfigurationError as error:
        return str(error)
    return None


def _as_json(account: ProviderConfig) -> dict[str, object]:
    return {
        "name": account.name,
        "adapter": account.adapter,
        "channel": account.channel,
        "url": _url(account),
        "rate": account.rate,
        "max_in_flight": account.max_in_flight,
        "timeout": account.timeout,
        "max_attempts": account.max_attempts,
        "in_doubt": account.in_doubt,
    }


def _url(account: ProviderConfig) -> str:
    return output.without_secrets(account.url) if account.url else ""
