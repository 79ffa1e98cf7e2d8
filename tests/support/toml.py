"""Writes the little TOML that tests need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def dumps(tables: Mapping[str, Mapping[str, Any]], above: str = "") -> str:
    """``tables`` by their names, below ``above``; what is nested in them is written inline."""
    return "".join(
        f"[{above}{name}]\n" + "".join(f"{key} = {_value(v)}\n" for key, v in table.items()) + "\n"
        for name, table in tables.items()
    )


def _value(value: Any) -> str:
    match value:
        case Mapping():
            inner = (f"{json.dumps(key)} = {_value(each)}" for key, each in value.items())
            return f"{{ {', '.join(inner)} }}"
        case list() | tuple():
            return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
