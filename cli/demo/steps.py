"""The lines that tell what is being set up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn
from rich.text import Text

_WIDTH = 62


class Steps:
    """Prints one line per step when it is done, and shows on a terminal that it is under way."""

    def __init__(self, console: Console) -> None:
        self.console = console

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """One step, told in the past tense; an error leaves no line."""
        began = time.monotonic()
        with self.console.status(Text(f"{what} ..."), spinner="dots", spinner_style="default"):
            yield
        self._done(what, time.monotonic() - began)

    @contextmanager
    def bar(self, what: str) -> Iterator[Callable[[float, str], None]]:
        """A step with a progress bar; call what it gives with the part that is done, 0 to 1.

        The second argument, where it is not empty, says what was done instead of ``what``.
        """
        began = time.monotonic()
        told = what
        with Progress(
            TextColumn("    {task.description}"),
            BarColumn(complete_style="green"),
            TaskProgressColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        ) as progress:
            task = progress.add_task(what, total=1.0)

            def tell(part: float, text: str = "") -> None:
                nonlocal told
                told = text or told
                progress.update(task, completed=part)

            yield tell
        self._done(told, time.monotonic() - began)

    def say(self, text: str) -> None:
        """A remark that belongs to the step before it."""
        self.console.print(Text(f"    {text}", style="bright_black"), soft_wrap=True)

    def _done(self, what: str, seconds: float) -> None:
        line = Text("  ✓ ", style="green").append(f"{what:<{_WIDTH}}", "default")
        self.console.print(line.append(f"{seconds:>6.1f} s", "bright_black"))
