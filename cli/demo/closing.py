"""How the verdict looks, as a pure function of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.demo.folder import Folder
from cli.demo.verdict import GRACE, Judgement

_GOOD, _BAD = "green", "bold red"


def render(judgement: Judgement, folder: Folder) -> RenderableType:
    """The verdict, line by line, and where to read on."""
    lines = [Text("  The verdict, from the carrier's own log", style="bold"), Text()]
    lines += _lines(judgement)
    lines += [Text(), _word(judgement), Text(), Text(f"  More in {folder.path}:", no_wrap=True)]
    for path, meaning in _places(folder).items():
        lines.append(Text(f"  {path.name:<14}").append(f"  {meaning}", "bright_black"))
    return Group(*lines)


def as_json(judgement: Judgement, folder: Folder) -> dict[str, Any]:
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
        "files": {path.stem: str(path) for path in _places(folder)},
    }


def _places(folder: Folder) -> dict[Path, str]:
    return {
        folder.carrier_log: "every arrival at the carrier",
        folder.report: "every recipient, as `sluice report --csv` writes it",
        folder.lists: "the lists, and which of their lines were left out",
        folder.logs: "what the processes said",
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
        "while held", judgement.while_held, f"arrived over {grace} ms after the pause returned"
    )
    yield _none("off time", judgement.outside_window, "arrived before the start or after the end")
    silence = f"{judgement.silent_after * 1000:,.0f} ms"
    yield _line("silence", silence, "from the press of pause to the last message")
    if judgement.spare is not None:
        yield _line("spare", f"{judgement.spare:.1f} s", "from the last message to the end")
    yield _line("evenness", f"±{judgement.deviation:.1%}", "off its share, in the worst 5 seconds")


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
