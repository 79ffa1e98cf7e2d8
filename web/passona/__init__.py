"""Passona's Campaigns and Contact Groups API 2.0, and templates beside them."""

from __future__ import annotations

from fastapi import FastAPI

from web import dialect
from web.context import Context
from web.passona import campaigns, contacts, groups, templates, wording
from web.passona.slashes import WithoutTrailingSlash
from web.publishing import Publisher

_ABOUT = """\
Campaigns, contact groups and templates of a team, as Passona's API 2.0 has them.

* Times are `Y-m-d H:i:s` in UTC; one that has not come yet is an empty text.
* A campaign takes further fields (a rate, sending hours, a recurrence rule and more, see
  docs/passona.md). They come back in answers where they were set.
* `status` is 0 while a campaign is pending, 1 while it is sending, 2 when it is sent.
* Lists have `links` and `meta`. Pages are chosen by `page` and `per_page`.
"""


def create(context: Context) -> FastAPI:
    """The dialect as an application."""
    app = dialect.application(
        context,
        title="Passona Campaigns and Contact Groups",
        version="2.0",
        description=_ABOUT,
        wording=wording.laravel,
        error=wording.Refusal,
    )
    publish = Publisher(context.settings)
    for router in (
        campaigns.router(context),
        groups.router(context),
        contacts.router(context, publish),
        templates.router(context),
    ):
        app.include_router(router)
    app.add_middleware(WithoutTrailingSlash)
    return app
