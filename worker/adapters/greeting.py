"""Providers that make sure whose an address is before they report there."""

from __future__ import annotations

import re
from typing import Protocol, runtime_checkable

from worker.adapters.base import HttpRequest

_WORD = re.compile(r"[A-Za-z0-9._~+/=-]{1,255}")


@runtime_checkable
class Greeted(Protocol):
    """What an adapter also is whose provider calls once before its first report, and wants an
    answer that only the account's own door can give."""

    def greeting(self, request: HttpRequest) -> str | None:
        """What to answer, as plain text; ``None``: it is another call.

        Raises:
            ForgedReport: it is such a call, and of somebody else.
        """
        ...


def echoed(word: object) -> str | None:
    """What the provider wants to hear again, if it is a word and no page of somebody's."""
    return word if isinstance(word, str) and _WORD.fullmatch(word) else None
