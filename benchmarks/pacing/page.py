"""Figures and pictures where readers look for them: docs/pacing.md."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import figures
from benchmarks.figures import Figure
from benchmarks.pacing.result import Result
from benchmarks.processes import REPOSITORY

PAGE = REPOSITORY / "docs" / "pacing.md"
IMAGES = REPOSITORY / "docs" / "images"

_BEGIN = "<!-- figures: written by make bench-pacing -->"
_END = "<!-- end of figures -->"


def save(result: Result, facts: Mapping[str, Any]) -> None:
    """Write one scenario's figures and picture, and the page anew from all that exist."""
    report = result.report
    figures.save(report, {**facts, "title": report.title}, figures.RESULTS)
    if result.picture is not None:
        (IMAGES / f"{report.name}.svg").write_text(result.picture, "utf-8")
    documents = [json.loads(file.read_text("utf-8")) for file in _saved("json", figures.RESULTS)]
    content = "\n\n".join([table(documents), *map(_shown, _saved("svg", IMAGES))])
    PAGE.write_text(filled(PAGE.read_text("utf-8"), content), "utf-8")


def table(documents: list[dict[str, Any]]) -> str:
    """The saved figures as a Markdown table, with the machines that they were measured on."""
    lines = ["| | measured | promise | verdict |", "|---|---|---|---|"]
    for document in documents:
        lines.append(f"| **{document['machine']['title']}** | | | |")
        lines += [_row(Figure(**entry)) for entry in document["figures"]]
    machines = dict.fromkeys(_machine(document["machine"]) for document in documents)
    return "\n".join([*lines, "", *machines])


def filled(text: str, content: str) -> str:
    """``text`` with ``content`` between its two marks.

    Raises:
        ValueError: it has not both of them.
    """
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} needs the lines {_BEGIN} and {_END}")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def _saved(suffix: str, folder: Path) -> list[Path]:
    return sorted(folder.glob(f"pacing-*.{suffix}"))


def _shown(picture: Path) -> str:
    match = re.search(r"<title[^>]*>(.*?)</title>", picture.read_text("utf-8"))
    return f"![{match[1] if match else picture.stem}]({IMAGES.name}/{picture.name})"


def _row(figure: Figure) -> str:
    value = f"{figures.shown(figure.value)} {figure.unit}"
    if figure.detail:
        value += f" ({figure.detail})"
    return f"| {figure.what} | {value} | {figure.promise} | {figures.verdict(figure)} |"


def _machine(facts: Mapping[str, Any]) -> str:
    return (
        f"Measured on {facts['date']}: {facts['cores']} cores ({facts['processor']}), "
        f"{facts['memory_gb']} GB, {facts['system']}, Python {facts['python']}."
    )
