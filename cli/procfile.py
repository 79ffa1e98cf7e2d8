"""The Procfile: which processes make up a running Sluice."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from importlib import resources

_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")


def load() -> dict[str, list[str]]:
    """The commands of this installation's Procfile, by process name."""
    return parse(resources.files("cli").joinpath("Procfile").read_text("utf-8"))


def parse(text: str) -> dict[str, list[str]]:
    """The commands in ``text``, split as a shell splits words; nothing is expanded."""
    matches = (_LINE.fullmatch(line.strip()) for line in text.splitlines())
    return {match[1]: shlex.split(match[2]) for match in matches if match}


def multiplied(commands: Mapping[str, list[str]], name: str, count: int) -> dict[str, list[str]]:
    """``commands`` with ``count`` processes in the place of ``name``, under names of their own."""
    result: dict[str, list[str]] = {}
    for own, command in commands.items():
        if own != name or count == 1:
            result[own] = command
            continue
        for number in range(1, count + 1):
            result[f"{own}.{number}"] = [
                word.replace(f"{own}@", f"{own}.{number}@") for word in command
            ]
    return result
