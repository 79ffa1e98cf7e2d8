"""Requests that come as JSON documents, read without mercy.

A document that another reader would understand differently is refused instead of guessed at: the
same name twice, numbers that JSON does not have, bytes that are not UTF-8 (RFC 8259, sections 4, 6
and 8.1).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

from campaigns.errors import Refused

#: Stands for standard input.
STDIN = "-"

#: Bytes of the largest document. A campaign has a template of at most 100,000 characters.
LARGEST = 5_000_000


class DocumentError(Refused):
    """The file cannot be read as a JSON object; the message names file, line and column."""

    code = "unreadable"


def read_object(file: str) -> dict[str, Any]:
    """The JSON object in ``file``, or on standard input for ``-``.

    Raises:
        DocumentError: there is no such file, or it does not hold one JSON object.
    """
    name = "standard input" if file == STDIN else file
    try:
        # A file with a byte order mark is what Windows editors write; the mark is no content.
        text = _bytes(file, name).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(f"{name}: is not UTF-8 (byte {error.start}).") from None
    return parse_object(text, name)


def parse_object(text: str, name: str) -> dict[str, Any]:
    """The JSON object in ``text``, which came from ``name``.

    Raises:
        DocumentError: it is not one JSON object.
    """
    try:
        found = json.loads(
            text,
            object_pairs_hook=lambda pairs: _without_repetition(pairs, name),
            parse_constant=lambda word: _no_number(word, name),
        )
    except json.JSONDecodeError as error:
        raise DocumentError(
            f"{name}: is not JSON: {error.msg} (line {error.lineno}, column {error.colno})."
        ) from None
    except RecursionError:
        raise DocumentError(f"{name}: is not usable JSON: it is nested too deeply.") from None
    except ValueError:
        # Python refuses to read integers of thousands of digits.
        raise DocumentError(
            f"{name}: is not usable JSON: it has a number of too many digits."
        ) from None
    if not isinstance(found, dict):
        raise DocumentError(f"{name}: must hold one JSON object, such as {{...}}.")
    return found


def _bytes(file: str, name: str) -> bytes:
    try:
        if file == STDIN:
            content = sys.stdin.buffer.read(LARGEST + 1)
        else:
            with Path(file).open("rb") as stream:
                content = stream.read(LARGEST + 1)
    except OSError as error:
        raise DocumentError(f"{name}: cannot be read ({error.strerror}).") from None
    if len(content) > LARGEST:
        raise DocumentError(f"{name}: is larger than {LARGEST:,} bytes.")
    return content


def _without_repetition(pairs: list[tuple[str, Any]], name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise DocumentError(f"{name}: has {_shown(key)} twice in one object.")
        found[key] = value
    return found


def _no_number(word: str, name: str) -> NoReturn:
    raise DocumentError(f"{name}: has {word}, which is not a JSON number.")


def _shown(key: str) -> str:
    return ascii(key if len(key) <= 60 else key[:59] + "...")
