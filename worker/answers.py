"""What people answer over the connections that messages go by.

Whoever brings it waits until it was obeyed, and only then tells the provider that it was taken:
what this process loses comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from campaigns.audience import inbound
from campaigns.audience.inbound import InboundMessage
from campaigns.database import Connection
from worker.adapters.receiving import Inbound


def given(account: str, one: Inbound) -> InboundMessage:
    """The message as it is obeyed."""
    recipients = (one.recipient,) if one.pool is None else (one.recipient, one.pool)
    return InboundMessage(account, one.sender, recipients, one.text)


class Obeyer:
    """Does what messages ask for, of all accounts of a process."""

    def __init__(self, connect: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._connect = connect

    async def __call__(self, account: str, found: Sequence[Inbound]) -> None:
        """Return when what ``found`` asks for is done.

        Raises:
            Exception: it is not.
        """
        await asyncio.to_thread(self._obey, [given(account, one) for one in found])

    def _obey(self, messages: Sequence[InboundMessage]) -> None:
        with self._connect() as conn:
            inbound.receive(conn, messages)
