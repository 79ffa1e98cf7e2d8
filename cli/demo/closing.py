"""How the verdict looks, as a pure function of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.demo.verdict import GRACE, Judgement

_GOOD, _BAD = "green", "bold red"


def render(judgement: Judgement, places: dict[str, Path]) -> RenderableType:
    """The verdict, line by line, and where to read on."""
    lines = [Text("  The verdict, from the carrier's own log", style="bold"), Text()]
    lines += _lines(judgement)
    lines += [Text(), _word(judgement), Text()]
    width = max(map(len, places))
    lines += [Text(f"  {name:<{width}}  {path}", no_wrap=True) for name, path in places.items()]
    return Group(*lines)


def as_json(judgement: Judgement, places: dict[str, Path]) -> dict[str, Any]:
    """The verdict for programs."""
    return {
        "clean": judgement.clean,
        "expected": judgement.expected,
        "received": judgement.received,
        "doubled": judgement.doubled,
        "missing": judgement.missing,
        "unexpected": judgement.unexpected,
        "misread": judgement.misread,
        "in_pauses": judgement.in_pauses,
        "while_held": judgement.while_held,
        "outside_window": judgement.outside_window,
        "silent_after_seconds": round(judgement.silent_after, 3),
        "spare_seconds": None if judgement.spare is None else round(judgement.spare, 3),
        "largest_deviation": round(judgement.deviation, 4),
        "files": {name: str(path) for name, path in places.items()},
    }


def _lines(judgement: Judgement) -> Iterator[Text]:
    grace = int(GRACE.total_seconds() * 1000)
    yield _line("expected", judgement.expected, "three lists, each person once, minus opt-outs")
    yield _line(
        "received", judgement.received, "people got a message",
        good=judgement.received == judgement.expected,
    )  # fmt: skip
    yield _none("doubled", judgement.doubled, "got it more than once")
    yield _none("missing", judgement.missing, "did not get it")
    yield _none("unexpected", judgement.unexpected, "opted out or unknown, and got it")
    yield _none("misread", judgement.misread, "got a text with the wrong words")
    yield _none("in a pause", judgement.in_pauses, "arrived in a scheduled pause")
    yield _none(
        "while held", judgement.while_held,
        f"arrived {grace} ms or more after the press (last one: {_ms(judgement.silent_after)})",
    )  # fmt: skip
    spare = "" if judgement.spare is None else f" (last one: {_spare(judgement.spare)})"
    yield _none("too late", judgement.outside_window, f"arrived outside of the window{spare}")
    yield _line(
        "evenness", f"±{judgement.deviation:.1%}", "off its share, in the least even 5 s of sending"
    )


def _none(name: str, count: int, meaning: str) -> Text:
    """A line that should say zero."""
    return _line(name, count, meaning, good=count == 0)


def _line(name: str, value: int | str, meaning: str, *, good: bool | None = None) -> Text:
    mark, style = {True: ("✓", _GOOD), False: ("✗", _BAD), None: (" ", "")}[good]
    number = f"{value:,}" if isinstance(value, int) else value
    text = Text("  ", no_wrap=True, overflow="ellipsis").append(mark, style or None)
    text.append(f" {name:<11}").append(f"{number:>8}  ", style="" if good else style or "bold")
    return text.append(meaning, "bright_black")


def _word(judgement: Judgement) -> Text:
    if judgement.clean:
        return Text("  Clean: everybody once, on time, and nobody else.", style="bold green")
    return Text("  Not clean: see the lines marked ✗.", style=_BAD)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _spare(seconds: float) -> str:
    return f"{seconds:.1f} s before its end" if seconds >= 0 else f"{-seconds:.1f} s after its end"
