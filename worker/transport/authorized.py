"""HTTP for providers that want an access token with each request (RFC 6749, RFC 6750).

The token is asked for with the first message, kept, and asked for again in the background before
its time is up. One request for a token is under way at a time, whoever needs it.

Who waits for a token waits past the moment at which its message may leave. The one that asked goes
on, as it would after connecting; the others, which would all leave in one moment, are too late and
come back with the next tick.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, field, replace

from campaigns.clock import Clock
from worker.adapters.authorizing import Authorizer
from worker.adapters.base import HttpRequest, HttpResponse
from worker.adapters.reply import short_code
from worker.transport.base import HttpSender, NotSent, Refused, TooLate, TransportError

log = logging.getLogger(__name__)

#: A token is replaced so long before its end, or at half of its time if that is later. In seconds.
RENEW_BEFORE = 60.0

#: The longest that the request for a token may take, in seconds.
TOKEN_TIMEOUT = 10.0

#: How long a token that is still good is used after a renewal failed, before the next one is tried.
RENEW_PAUSE = 5.0

#: No token is kept for longer than this, in seconds.
LONGEST_LIFE = 86_400.0

#: Answers to the request for a token that say nothing about the account: too slow, too many.
_PASSING = (408, 429)


@dataclass(slots=True)
class _Held:
    """A token, and until when it is used. Moments are on the monotonic clock."""

    value: str = field(repr=False)
    renew_at: float
    ends_at: float
    #: The provider has taken it once.
    proven: bool = False


class Authorized:
    """Puts the token of ``authorizer`` into each request that ``inner`` carries.

    What goes wrong about a token is never uncertain: the message itself did not leave.
    """

    def __init__(self, inner: HttpSender, authorizer: Authorizer, clock: Clock) -> None:
        self._inner = inner
        self._authorizer = authorizer
        self._clock = clock
        self._held: _Held | None = None
        self._asking: asyncio.Task[_Held] | None = None
        self._ask_at = -math.inf

    async def authorize(self) -> None:
        """Have a token.

        Raises:
            Refused: the provider gives this account none.
            NotSent: there is none to be had now.
        """
        await self._token(TOKEN_TIMEOUT, math.inf)

    async def send(
        self,
        request: HttpRequest,
        *,
        timeout: float,  # noqa: ASYNC109
        leave_within: float = math.inf,
    ) -> HttpResponse:
        """Carry ``request``; see :class:`worker.transport.base.Transport`.

        Raises:
            TooLate: it had to wait for a token that somebody else asked for.
            Refused: the provider gives this account no token.
            NotSent: there is no token to be had now, or a token that was good is refused.
            Uncertain: as ``inner`` says.
        """
        begun = self._clock.monotonic()
        held = await self._token(timeout, leave_within)
        waited = self._clock.monotonic() - begun
        if waited > leave_within:
            raise TooLate
        headers = {**request.headers, "authorization": f"Bearer {held.value}"}
        response = await self._inner.send(
            replace(request, headers=headers),
            timeout=timeout - waited,
            leave_within=leave_within - waited,
        )
        if response.status != 401:
            held.proven = True
            return response
        if self._held is held:
            self._held = None
        if held.proven:
            # Ended before its time. Whether the account is refused, the next token will show.
            raise NotSent("token_refused")
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        if self._asking is not None:
            self._asking.cancel()
        await self._inner.aclose()

    async def _token(self, timeout: float, leave_within: float) -> _Held:  # noqa: ASYNC109
        held, now = self._held, self._clock.monotonic()
        if held is not None and now < held.renew_at:
            return held
        if held is not None and now < held.ends_at:
            if now >= self._ask_at:
                self._ask_once()
            return held
        is_first = self._asking is None
        asking = self._ask_once()
        try:
            async with asyncio.timeout(min(timeout, leave_within)):
                # Others may wait for the same one, so it does not end with whoever gives up.
                held = await asyncio.shield(asking)
        except TimeoutError:
            raise (TooLate() if leave_within < timeout else NotSent("token_timeout")) from None
        if not is_first:
            raise TooLate
        return held

    def _ask_once(self) -> asyncio.Task[_Held]:
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(self._asked)
        return self._asking

    def _asked(self, task: asyncio.Task[_Held]) -> None:
        self._asking = None
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self._held = task.result()
        else:
            self._ask_at = self._clock.monotonic() + RENEW_PAUSE
            log.warning("an access token cannot be had (%s)", error)

    async def _ask(self) -> _Held:
        try:
            request = self._authorizer.token_request()
        except Exception as error:
            log.error("an access token cannot be asked for (%s)", type(error).__name__)
            raise NotSent("token_error") from None
        asked = self._clock.monotonic()
        try:
            response = await self._inner.send(request, timeout=TOKEN_TIMEOUT)
        except TransportError as error:
            raise NotSent(error.code) from None
        try:
            token = self._authorizer.decode_token(response)
        except Exception as error:
            raise _without_token(response.status, error) from None
        life = min(max(token.seconds, 0.0), LONGEST_LIFE) if math.isfinite(token.seconds) else 0.0
        early = min(RENEW_BEFORE, life / 2)
        return _Held(token.value, asked + life - early, asked + life)


def _without_token(status: int, error: Exception) -> NotSent:
    """Refused, unless the status says that it may be different in a moment."""
    said = str(error) if isinstance(error, ValueError) else None
    code = short_code(said) or f"token_http_{status}"
    is_refusal = 200 <= status < 500 and status not in _PASSING
    return Refused(code) if is_refusal else NotSent(code)
