"""What people answer, as providers pass it on: proven, read, obeyed, and only then answered."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from campaigns.audience import inbound
from campaigns.audience.inbound import InboundMessage
from campaigns.errors import Refused
from web import dialect
from web.accounts import Accounts
from web.context import Context
from web.reports import calls
from worker import answers
from worker.adapters.base import AnyAdapter, ForgedReport
from worker.adapters.receiving import Receiver

log = logging.getLogger(__name__)

DESCRIPTION = """\
Where providers pass on what people send to the numbers of an account. STOP and its like opt out
before the provider is answered."""


def create(context: Context) -> FastAPI:
    """The application for ``/inbound``."""
    app = dialect.application(
        context,
        title="Answers",
        version="1",
        description=DESCRIPTION,
        wording=dialect.plain,
        # A provider comes again after a 5xx, and after a 4xx not all of them do.
        statuses={Refused: 503},
        docs=False,
    )
    accounts = Accounts(context)

    def obey(messages: list[InboundMessage]) -> None:
        with context.connection() as conn:
            inbound.receive(conn, messages)

    async def take(request: Request) -> Response:
        """One call of the provider, in its own form."""
        account = request.path_params["account"]
        adapter = accounts.adapter(account)
        receiver = _receiver(adapter)
        call = await calls.read(request)
        try:
            receiver.verify_inbound(call)
        except ForgedReport as error:
            log.warning("%s: a message was refused (%s)", account, error)
            raise calls.forged() from None
        try:
            found = receiver.parse_inbound(call)
        except ValueError as error:
            log.warning("%s: a message cannot be read (%s)", account, type(error).__name__)
            raise calls.not_understood("a message") from None
        if found:
            await run_in_threadpool(obey, [answers.given(account, one) for one in found])
        assert adapter is not None
        media_type, content = adapter.capabilities.inbound_answer
        return Response(content, media_type=media_type)

    # A route of Starlette: nothing of the request is to be validated, and there are very many.
    app.add_route("/{account}", take, methods=["GET", "POST"])
    return app


def _receiver(adapter: AnyAdapter | None) -> Receiver:
    if adapter is None or not adapter.capabilities.inbound or not isinstance(adapter, Receiver):
        raise calls.unknown()
    # What comes over a connection of its own (SMPP) is proven by that, and by nothing in it.
    if adapter.capabilities.protocol != "http":
        raise calls.unknown()
    return adapter
