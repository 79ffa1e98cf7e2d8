"""From claimed rows to messages, and what each of them costs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from campaigns.template import render
from campaigns.template.content import Text
from campaigns.template.segments import segments
from worker import reference
from worker.adapters.base import Message
from worker.ledger import Claimed, RunContext

log = logging.getLogger(__name__)


class Rendered(NamedTuple):
    """A message that may go, and the units that it costs."""

    row: Claimed
    message: Message
    cost: int


class Renderer:
    """The compiled templates of one batch."""

    def __init__(self, contexts: Mapping[int, RunContext]) -> None:
        self._contexts = contexts
        self._templates = {run: render.compile(c.template) for run, c in contexts.items()}

    def render(
        self, rows: Sequence[Claimed], *, by_segment: bool
    ) -> tuple[list[Rendered], list[Claimed]]:
        """The messages in order, and the rows of which none can be made.

        One bad contact must not stop the others. A message costs its SMS segments where
        ``by_segment``, and one unit otherwise.
        """
        rendered: list[Rendered] = []
        broken: list[Claimed] = []
        for row in rows:
            message = self._message(row)
            if message is None:
                broken.append(row)
            else:
                cost = segments(message.text) if by_segment else 1
                rendered.append(Rendered(row, message, cost))
        return rendered, broken

    def _message(self, row: Claimed) -> Message | None:
        context = self._contexts[row.run_id]
        try:
            text = self._templates[row.run_id].render(row.fields, context.template_vars)
        except Exception as error:
            log.error(
                "run %d: row %d cannot be rendered (%s)", row.run_id, row.seq, type(error).__name__
            )
            return None
        signed = reference.sign(row.run_id, row.seq, context.signing_key)
        return Message(signed, row.address, context.sender, Text(text), context.expires_at)
