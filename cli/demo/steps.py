"""The lines that tell what is being set up.

Nothing here runs in a thread of its own: processes are started meanwhile, and a fork next to
another thread may copy a lock that nobody ever opens.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.text import Text

_WIDTH = 64
_BAR = 24


class Steps:
    """Prints a line per step: on a terminal already while it is under way, then when it is done."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One step; an error leaves no line."""
        with self.bar(what):
            yield

    @contextmanager
    def bar(self, what: str) -> Iterator[Callable[[float, str], None]]:
        """A step with a progress bar: call what it gives with the part that is done, 0 to 1.

        The second argument, where it is not empty, takes the place of ``what`` in the end.
        """
        began = time.monotonic()
        told = what
        with self._live(_under_way(what, None)) as show:

            def tell(part: float, text: str = "") -> None:
                nonlocal told
                told = text or told
                show(_under_way(what, part))

            yield tell
        self._done(told, time.monotonic() - began)

    def say(self, text: str) -> None:
        """A remark on the step before it."""
        self.console.print(Padding(Text(text, style="bright_black"), (0, 0, 0, 4), expand=False))

    @contextmanager
    def _live(self, first: RenderableType) -> Iterator[Callable[[RenderableType], None]]:
        """Shows what changes in one place of a terminal, and nothing where there is none."""
        if not self.console.is_terminal:
            yield lambda _: None
            return
        with Live(first, console=self.console, auto_refresh=False, transient=True) as live:
            live.refresh()
            yield lambda changed: live.update(changed, refresh=True)

    def _done(self, what: str, seconds: float) -> None:
        line = Text("  ✓ ", style="green").append(f"{what:<{_WIDTH}}", "default")
        self.console.print(line.append(f"{seconds:>5.1f} s", "bright_black"), soft_wrap=True)


def _under_way(what: str, part: float | None) -> RenderableType:
    text = Text(f"  · {what} ")
    if part is None:
        return text
    full = round(part * _BAR)
    text.append("━" * full, "green").append("━" * (_BAR - full), "grey23")
    return text.append(f" {part:.0%}")
