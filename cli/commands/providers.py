"""`sluice providers`: the accounts that messages leave through."""

from __future__ import annotations

import asyncio

import click

from campaigns.errors import ConfigurationError, Invalid, SluiceError
from campaigns.providers import ProviderConfig
from campaigns.run import account_state
from campaigns.run.account_state import AccountState
from cli import output, trial
from cli.output import Column
from cli.session import REFUSED, Group, Session, pass_session
from worker.adapters.base import AnyAdapter, Capabilities, Message
from worker.adapters.registry import build

_COLUMNS = (
    Column("name", whole=True),
    Column("adapter", whole=True),
    Column("channel", whole=True),
    Column("rate", "right", whole=True),
    Column("state"),
)

#: Below the first table: both together are wider than a terminal.
_ABILITIES = (
    Column("name", whole=True),
    Column("batch", "right", whole=True),
    Column("again", whole=True),
    Column("validity"),
    Column("reports"),
)


@click.group(cls=Group)
def providers() -> None:
    """The accounts in the providers file (SLUICE_PROVIDERS)."""


@providers.command("list")
@pass_session
def list_(session: Session) -> None:
    """List the configured accounts, what they can do, and how they fare; shows no secret.

    `batch` is how many messages a request carries, `validity` how the provider is told until when a
    message is worth sending, `reports` how they prove where they come from, `again` whether it
    recognises a message that is sent again.
    """
    found = session.providers()
    accounts = list(found.by_name.values())
    states = _states(session)
    problems: dict[str, str] = {}
    rows, abilities, documents = [], [], []
    for account in accounts:
        capabilities: Capabilities | None = None
        try:
            capabilities = build(account).capabilities
        except ConfigurationError as error:
            problems[account.name] = str(error)
        state = None if states is None else states.get(account.name, account_state.WELL)
        told = "wrong, see below" if capabilities is None else state and state.text
        rows.append((account.name, account.adapter, account.channel, account.rate, told))
        if capabilities is not None:
            abilities.append(_abilities(account, capabilities))
        documents.append(_document(account, capabilities, state, problems.get(account.name)))
    session.show(
        {"file": str(found.file), "providers": documents},
        output.table(_COLUMNS, rows) if accounts else f"No provider is configured in {found.file}.",
        "" if abilities else None,
        output.table(_ABILITIES, abilities) if abilities else None,
    )
    for text in problems.values():
        session.note(text)


@providers.command()
@click.argument("name", required=False)
@click.option("--send", "address", metavar="ADDRESS", help="Send one real message there.")
@click.option("--sender", default="Sluice", show_default=True, help="Who it is from.")
@click.option("--text", default="This is a test.", show_default=True, help="What it says.")
@click.pass_context
@pass_session
def check(
    session: Session,
    context: click.Context,
    name: str | None,
    address: str | None,
    sender: str,
    text: str,
) -> None:
    """Check the providers file as a worker does at its start, or try the account NAME.

    With NAME, an access token is asked for where the provider wants one. Nothing is sent without
    --send, which bypasses all campaigns and opt-outs. A push subscription is given as the browser's
    JSON.
    """
    if name is not None:
        _try(session, context, name, address, sender, text)
        return
    if address is not None:
        raise click.UsageError("--send needs the NAME of an account.")
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


def _try(
    session: Session,
    context: click.Context,
    name: str,
    address: str | None,
    sender: str,
    text: str,
) -> None:
    found = session.providers()
    account = found.by_name.get(name)
    if account is None:
        known = ", ".join(found.by_name) or "none"
        raise Invalid("name", name, f"is not in {found.file}; configured are: {known}")
    adapter = build(account)
    refusal = asyncio.run(trial.token(account, adapter))
    sent = None
    if refusal is None and address is not None:
        sent = _send(
            session, account, adapter, trial.message(account, adapter, address, sender, text)
        )
    ok = refusal is None and (sent is None or sent.ok)
    session.show(
        {"name": name, "ok": ok, "problem": refusal, "sent": _sent(sent)},
        f"{name}: {refusal or 'ok'}",
        None if sent is None else f"{name}: {sent}",
    )
    if not ok:
        context.exit(REFUSED)


def _send(
    session: Session, account: ProviderConfig, adapter: AnyAdapter, message: Message
) -> trial.Trial:
    redis_url = session.settings().redis_url
    if redis_url is None:
        session.note("No Redis is set up or running: the message does not wait for its turn.")
    return asyncio.run(trial.send(account, adapter, message, redis_url))


def _sent(sent: trial.Trial | None) -> dict[str, object] | None:
    if sent is None:
        return None
    return {"outcome": sent.outcome, "message_ids": sent.message_ids, "code": sent.code}


def _states(session: Session) -> dict[str, AccountState] | None:
    """``None`` where nobody can tell: the list is worth showing without a database."""
    try:
        with session.connection() as conn:
            return account_state.states(conn)
    except SluiceError:
        return None


def _abilities(account: ProviderConfig, capabilities: Capabilities) -> tuple[object, ...]:
    reports = (capabilities.report_proof or "unproven") if capabilities.reports else "none"
    again = "resent" if account.in_doubt == "resend" else capabilities.idempotent
    return account.name, capabilities.max_batch, again, capabilities.validity, reports


def _document(
    account: ProviderConfig,
    capabilities: Capabilities | None,
    state: AccountState | None,
    problem: str | None,
) -> dict[str, object]:
    able = None
    if capabilities is not None:
        able = {
            "max_batch": capabilities.max_batch,
            "contents": sorted(content.__name__ for content in capabilities.contents),
            "validity": capabilities.validity,
            "reports": capabilities.reports,
            "report_proof": capabilities.report_proof,
            "idempotent": capabilities.idempotent,
            "usual_rate": capabilities.usual_rate,
        }
    return {
        "name": account.name,
        "adapter": account.adapter,
        "channel": account.channel,
        "url": output.without_secrets(account.url) if account.url else "",
        "rate": account.rate,
        "max_in_flight": account.max_in_flight,
        "timeout": account.timeout,
        "max_attempts": account.max_attempts,
        "in_doubt": account.in_doubt,
        "capabilities": able,
        "state": None if state is None else {"code": state.code, "text": state.text},
        "problem": problem,
    }
