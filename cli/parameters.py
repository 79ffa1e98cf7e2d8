"""Kinds of command line parameters that several commands take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class Pair(click.ParamType[tuple[str, str]]):
    """``NAME=VALUE``, as a pair of texts. The first ``=`` divides, or the last one."""

    name = "pair"

    def __init__(self, form: str, *, at_last: bool = False) -> None:
        self._form = form
        self._at_last = at_last

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The pair; anything without ``=`` is wrong usage."""
        if isinstance(value, tuple):
            return value
        name, equals, rest = value.rpartition("=") if self._at_last else value.partition("=")
        if not equals:
            self.fail(f"must be {self._form}.", param, ctx)
        return name, rest


def file_argument(name: str = "file") -> Callable[[Any], Any]:
    """A JSON document by its path, ``-`` for standard input."""
    return click.argument(name, metavar="FILE.json", type=click.Path(allow_dash=True))
