"""The Callback API."""

from fastapi import FastAPI

from web import dialect
from web.context import Context


def create(context: Context) -> FastAPI:
    return dialect.application(
        context, title="Callback API", version="1", description="", wording=dialect.plain
    )
