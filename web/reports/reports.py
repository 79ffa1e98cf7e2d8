"""Delivery reports: proven, read, stored, and only then answered.

A provider that gets no answer of 2xx calls again, so a report is lost in no case: what could not be
stored is answered with 503. What comes twice says nothing new.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from campaigns.run import reports as ledger
from campaigns.run.reports import DeliveryReport
from web import dialect
from web.accounts import Accounts
from web.context import Context
from web.group_commit import GroupCommit
from web.reports import calls
from worker import reference
from worker.adapters.base import ForgedReport, Report
from worker.adapters.greeting import Greeted

log = logging.getLogger(__name__)

#: Reports that wait for the database; a provider comes again with what is beyond that.
MOST_WAITING = 50_000

#: Reports that one transaction takes: one of the ledger's.
MOST_AT_ONCE = ledger.PORTION

DESCRIPTION = """\
Where providers send delivery reports: one address for each account of the providers file, which
proves, reads and stores them before it answers."""


class Received(NamedTuple):
    """A report, and the account that it came by."""

    account: str
    report: Report


def create(context: Context) -> FastAPI:
    """The application for ``/reports``."""
    app = dialect.application(
        context,
        title="Delivery reports",
        version="1",
        description=DESCRIPTION,
        wording=dialect.plain,
        # An account may be called as its pages are.
        docs=False,
    )
    accounts = Accounts(context)

    def write(received: Sequence[Received]) -> None:
        with context.connection() as conn:
            keys = context.keyring.keys(conn)
            now = context.now()
            found = [_delivery_report(one, keys, now) for one in received]
            ledger.record(conn, [one for one in found if one is not None])

    store = GroupCommit(write, most_waiting=MOST_WAITING, most_at_once=MOST_AT_ONCE)

    async def take(request: Request) -> Response:
        """One call of the provider, in its own form, with as many reports as it likes."""
        account = request.path_params["account"]
        adapter = calls.has_reports(accounts.adapter(account))
        call = await calls.read(request)
        try:
            word = adapter.greeting(call) if isinstance(adapter, Greeted) else None
            if word is not None:
                return PlainTextResponse(word)
            adapter.verify_report(call)
        except ForgedReport as error:
            log.warning("%s: a report was refused (%s)", account, error)
            raise calls.forged() from None
        try:
            found = adapter.parse_report(call)
        except ValueError as error:
            log.warning("%s: a report cannot be read (%s)", account, type(error).__name__)
            raise calls.not_understood("a delivery report") from None
        await store([Received(account, one) for one in found])
        return PlainTextResponse("ok")

    # A route of Starlette: nothing of the request is to be validated, and there are very many.
    app.add_route("/{account}", take, methods=["GET", "POST"])
    return app


def _delivery_report(
    received: Received, keys: Sequence[bytes], now: datetime
) -> DeliveryReport | None:
    """The report as the ledger takes it; ``None``: its reference is none of ours."""
    account, report = received
    run_id = seq = None
    if report.reference is not None:
        found = reference.verify(report.reference, keys)
        if found is None:
            log.warning("%s: a report has a reference that nobody made here", account)
            return None
        run_id, seq = found
    return DeliveryReport(
        report.kind,
        report.at or now,
        run_id,
        seq,
        account,
        report.message_id,
        part=report.part,
        code=report.code,
        event_id=report.event_id,
        gone=report.gone,
    )
