"""The workers' app, in processes that die of one recipient, ``POISONED_ADDRESS``, or of a template
in which ``POISONED_TEMPLATE`` stands.

As of a message that makes a library crash: at once. A recipient's fields are read when its row is
claimed, and before anything of its chunk is sent; a template before anything is claimed.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence

from worker.app import app
from worker.ledger import Claimed
from worker.rendering import Broken, Rendered, Renderer
from worker.run_context import RunContext

__all__ = ["app"]

_ADDRESS = os.environ.get("POISONED_ADDRESS")
_TEMPLATE = os.environ.get("POISONED_TEMPLATE")
_compile = Renderer.__init__
_render = Renderer.render


def _compile_or_die(self: Renderer, contexts: Mapping[int, RunContext], channel: str) -> None:
    if _TEMPLATE and any(_TEMPLATE in context.template for context in contexts.values()):
        os.kill(os.getpid(), signal.SIGKILL)
    _compile(self, contexts, channel)


def _render_or_die(
    self: Renderer, rows: Sequence[Claimed], *, by_segment: bool
) -> tuple[list[Rendered], list[Broken]]:
    if any(row.address == _ADDRESS for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return _render(self, rows, by_segment=by_segment)


Renderer.__init__ = _compile_or_die  # type: ignore[method-assign]
Renderer.render = _render_or_die  # type: ignore[method-assign]
