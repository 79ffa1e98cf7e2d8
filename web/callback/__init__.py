"""The Callback API, mounted at ``/campaign``: campaigns with numbers, moved through states."""

from __future__ import annotations

from fastapi import FastAPI

from campaigns.errors import Locked
from web import dialect
from web.callback import endpoints
from web.context import Context


def create(context: Context) -> FastAPI:
    """The dialect's application."""
    app = dialect.application(
        context,
        title="Callback API",
        version="1",
        description="Campaigns in steps: DRAFT, SCHEDULED, READY, and on by themselves to SENDING, "
        "DONE or ERROR. What becomes of the messages is posted to event_callback.",
        wording=dialect.plain,
        statuses={Locked: 409},
    )
    app.include_router(endpoints.router)
    return app
