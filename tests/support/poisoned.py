"""The workers' app, in processes that die of one recipient: ``POISONED_ADDRESS``.

As of a message that makes a library crash: at once, and before anything of its chunk is sent.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence

from worker.app import app
from worker.ledger import Claimed
from worker.rendering import Rendered, Renderer

__all__ = ["app"]

_POISONED = os.environ["POISONED_ADDRESS"]
_render = Renderer.render


def _render_or_die(
    self: Renderer, rows: Sequence[Claimed], *, by_segment: bool
) -> tuple[list[Rendered], list[Claimed]]:
    if any(row.address == _POISONED for row in rows):
        os.kill(os.getpid(), signal.SIGKILL)
    return _render(self, rows, by_segment=by_segment)


Renderer.render = _render_or_die  # type: ignore[method-assign]
