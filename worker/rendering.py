"""From claimed rows to messages, and what each of them costs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from campaigns.audience.push_keys import address_keys
from campaigns.links import codes, linking
from campaigns.links.linking import Linked
from campaigns.template.content import Content, Text
from campaigns.template.contents import Contents
from campaigns.template.segments import segments
from campaigns.template.transliteration import transliterated
from worker import reference
from worker.adapters.base import NO_KEYS, Message
from worker.ledger import Claimed
from worker.run_context import RunContext

log = logging.getLogger(__name__)


class Rendered(NamedTuple):
    """A message that may go, and the units that it costs."""

    row: Claimed
    message: Message
    cost: int


class Broken(NamedTuple):
    """A row of which no message can be made, and the code that says why."""

    row: Claimed
    code: str


class Renderer:
    """The compiled templates of one batch, of one channel."""

    def __init__(self, contexts: Mapping[int, RunContext], channel: str) -> None:
        self._contexts = contexts
        self._contents = {run: _compiled(run, one, channel) for run, one in contexts.items()}
        self._is_sms = channel == "sms"
        self._is_push = channel == "webpush"

    def render(
        self, rows: Sequence[Claimed], *, by_segment: bool
    ) -> tuple[list[Rendered], list[Broken]]:
        """The messages in order, and the rows of which none can be made.

        One bad contact must not stop the others. A message costs its SMS segments where
        ``by_segment``, and one unit otherwise.
        """
        rendered: list[Rendered] = []
        broken: list[Broken] = []
        for row in rows:
            context = self._contexts[row.run_id]
            content = self._content(row)
            if content is None:
                broken.append(Broken(row, "render_error"))
                continue
            if context.transliterate and self._is_sms:
                content = Text(transliterated(content.text))
            most = context.max_parts
            cost = segments(content.text) if by_segment or most is not None else 1
            if most is not None and cost > most:
                broken.append(Broken(row, "too_many_parts"))
                continue
            signed = reference.sign(row.run_id, row.seq, context.signing_key)
            keys = address_keys(row.fields) if self._is_push else NO_KEYS
            message = Message(
                signed,
                row.address,
                context.sender,
                content,
                context.expires_at,
                keys,
                row.in_doubt,
                context.bounce_domain,
            )
            rendered.append(Rendered(row, message, cost if by_segment else 1))
        return rendered, broken

    def _content(self, row: Claimed) -> Content | None:
        found = self._contents[row.run_id]
        if found is None:
            return None
        try:
            if type(found) is Linked:
                sealer = codes.sealer(self._contexts[row.run_id].signing_key)
                own = found.urls(row.run_id, row.seq, sealer)
                return found.render({**row.fields, **own})
            return found.render(row.fields)
        except Exception as error:
            log.error(
                "run %d: row %d cannot be rendered (%s)", row.run_id, row.seq, type(error).__name__
            )
            return None


def _compiled(run_id: int, context: RunContext, channel: str) -> Contents | None:
    """The template of a run with its variables put in.

    ``None``: it is none that this version takes, though it was saved; its rows fail, and the other
    runs of the batch are sent.
    """
    try:
        return linking.prepared(channel, context.template, context.template_vars, context.links)
    except Exception as error:
        log.error("run %d: its template cannot be used (%s)", run_id, type(error).__name__)
        return None
