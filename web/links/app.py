"""The application that answers for the domains of teams."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from campaigns.errors import Refused
from campaigns.links import clicks, codes, opt_outs, urls
from campaigns.links.clicks import Destination, Visit
from campaigns.links.codes import Code
from web import body, dialect
from web.context import Context
from web.failures import HttpRefused
from web.group_commit import GroupCommit
from web.links import page
from web.links.attempts import Attempts, client_of
from web.links.destinations import Destinations
from web.links.machines import is_image_proxy, is_machine

log = logging.getLogger(__name__)

#: How long an answer waits for its click to be stored, in seconds. What takes longer is stored
#: behind it.
PATIENCE = 0.25

#: Clicks that wait for the database, and that one transaction takes.
MOST_WAITING = 10_000
MOST_AT_ONCE = 500

#: For how long clicks are kept while the database is away, in seconds.
KEPT = 120.0

#: What one click (RFC 8058) and the page's button send is shorter by far.
LARGEST_FORM = 4096

#: A GIF of one transparent pixel (GIF89a).
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c000000000100010000020144003b"
)

_CODE = re.compile(r"[A-Za-z0-9_-]{20}")


@dataclass(frozen=True, slots=True)
class Found:
    """A code that somebody asked for, and what it is good for."""

    code: Code
    destination: Destination


class Links:
    """Follows links, for all hosts."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._attempts = Attempts()
        self._destinations = Destinations(context, time.monotonic)
        self._visits = GroupCommit(
            self._record,
            most_waiting=MOST_WAITING,
            most_at_once=MOST_AT_ONCE,
            patience=KEPT,
        )

    async def get(self, request: Request, path: str) -> Response:
        """Answer a GET or a HEAD."""
        text, dot, image = path.partition(".")
        found = await self._found(request, text) if not dot or image == "gif" else None
        kind = None if found is None else found.destination.kind
        if kind != "opt_out":
            # Nobody is kept from opting out because somebody at the same address tries codes.
            self._check_attempts(request)
        if found is None:
            return await self._plain(request, path)
        if (kind == "open") != (image == "gif"):
            raise self._missed(request, path)
        await self._count(request, found)
        if kind == "redirect":
            return _redirect(found.destination.target)
        if kind == "open":
            return Response(PIXEL, media_type="image/gif")
        return _page(page.question(found.destination.title))

    async def post(self, request: Request, path: str) -> Response:
        """Opt out. What the form says does not matter: the address names who and from what."""
        await body.read(request, LARGEST_FORM)
        found = await self._found(request, path)
        if found is None or found.destination.kind != "opt_out":
            self._check_attempts(request)
            raise self._missed(request, path)
        await run_in_threadpool(self._opt_out, found)
        return _page(page.done(found.destination.title))

    async def _found(self, request: Request, text: str) -> Found | None:
        if not _CODE.fullmatch(text):
            return None
        host = _host(request)
        code = codes.read(text, self._context.keyring.remembered())
        if code is None and not self._context.keyring.is_fresh:
            code = await run_in_threadpool(self._read, text)
        if code is None:
            return None
        known = self._destinations.known(host, code)
        if known is None:
            known = await run_in_threadpool(self._destinations.find, host, code)
        return None if known is None else Found(code, known)

    async def _plain(self, request: Request, path: str) -> Response:
        """A link as it is written in texts, that nobody got."""
        target = await run_in_threadpool(self._plain_target, _host(request), path)
        if target is None:
            raise self._missed(request, path)
        return _redirect(target)

    async def _count(self, request: Request, found: Found) -> None:
        by_machine = is_machine(request.method, request.headers)
        if found.destination.kind == "open" and is_image_proxy(request.headers):
            by_machine = False
        visit = Visit(found.code, self._context.now(), by_machine)
        try:
            stored = self._visits.begin([visit])
            await asyncio.wait_for(asyncio.shield(stored), PATIENCE)
        except TimeoutError:
            log.warning("a click is answered before it is stored")
        except Exception as error:
            # Whoever follows a link wants to get there, counted or not.
            log.error("a click was not stored (%s)", type(error).__name__)

    def _check_attempts(self, request: Request) -> None:
        wait = self._attempts.wait(_client(request), time.monotonic())
        if wait:
            raise HttpRefused(
                429,
                "too_many_requests",
                "Too many links that do not exist; try again later.",
                {"Retry-After": str(int(wait) + 1)},
            )

    def _missed(self, request: Request, path: str) -> HttpRefused:
        # Paths that are written in texts are no secret, and icons are asked for by every browser.
        if _CODE.fullmatch(path.partition(".")[0]):
            self._attempts.missed(_client(request), time.monotonic())
        return HttpRefused(404, "not_found", "There is nothing at this address.")

    def _read(self, text: str) -> Code | None:
        with self._context.connection() as conn:
            return codes.read(text, self._context.keyring.keys(conn))

    def _plain_target(self, host: str, path: str) -> str | None:
        try:
            checked = urls.link_path(path)
        except ValueError:
            return None
        with self._context.connection() as conn:
            return clicks.plain_target(conn, host, checked)

    def _opt_out(self, found: Found) -> None:
        with self._context.connection() as conn:
            opt_outs.opt_out(conn, found.code, found.destination)

    def _record(self, visits: Sequence[Visit]) -> None:
        with self._context.connection() as conn:
            clicks.record(conn, visits)


def create(context: Context) -> FastAPI:
    """The application for every host that is a team's."""
    app = dialect.application(
        context,
        title="Links",
        version="1",
        description="Links in messages, and opting out by them.",
        wording=dialect.plain,
        # Who asks for somebody by one click (RFC 8058) comes again after a 5xx.
        statuses={Refused: 503},
        docs=False,
    )
    links = Links(context)

    @app.api_route("/{path:path}", methods=["GET", "HEAD"])
    async def get(path: str, request: Request) -> Response:
        return await links.get(request, path)

    @app.post("/{path:path}")
    async def post(path: str, request: Request) -> Response:
        return await links.post(request, path)

    return app


def _redirect(target: str | None) -> Response:
    assert target is not None
    # As it was stored: to quote it again would change what was quoted already.
    return Response(status_code=302, headers={"Location": target})


def _page(content: bytes) -> Response:
    return Response(
        content,
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": page.POLICY},
    )


def _host(request: Request) -> str:
    """The host that the request is for, without a port."""
    return request.headers.get("host", "").partition(":")[0].lower().removesuffix(".")


def _client(request: Request) -> str:
    return client_of(request.client.host if request.client else None)
