"""A call of a provider: read, found out whose it is, and proven."""

from __future__ import annotations

from starlette.requests import Request

from web import body
from web.failures import HttpRefused
from worker.adapters.base import AnyAdapter, HttpRequest

#: Bytes of one call. The largest are those of vendors that gather events: SendGrid's have up to
#: 768 KB, https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
LARGEST = 2 * 1024 * 1024


async def read(request: Request) -> HttpRequest:
    """The call as adapters read it; raises ``HttpRefused`` (413)."""
    content = await body.read(request, LARGEST)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return HttpRequest(request.method, str(request.url), headers, content)


def unknown() -> HttpRefused:
    """There is no such account, or it has nothing to say: the same for both."""
    return HttpRefused(404, "not_found", "There is nothing at this address.")


def forged() -> HttpRefused:
    """The call does not prove that it is the provider's. Nothing says what is wrong with it."""
    return HttpRefused(403, "forged", "This call does not prove where it comes from.")


def not_understood(what: str) -> HttpRefused:
    """It is the provider's, and not in its form."""
    return HttpRefused(400, "malformed", f"This call is not {what} in this provider's form.")


def has_reports(adapter: AnyAdapter | None) -> AnyAdapter:
    """The adapter, if its provider reports; raises ``HttpRefused`` (404)."""
    if adapter is None:
        raise unknown()
    match adapter.capabilities.protocol:
        case "http" if adapter.capabilities.reports:
            return adapter
        case "smtp":
            # Bounces, handed in as they were received: the reference in them is what proves them.
            return adapter
    # What comes over a connection of its own (SMPP) is proven by that, and by nothing in it.
    raise unknown()
