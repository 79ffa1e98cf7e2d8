"""What vendors publish of the form of their requests and answers, for checking ours against it.

``tests/fakes/schemas/NAME.json`` holds, by name, the few schemas that concern us, with the place
that they come from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

_FOLDER = Path(__file__).parents[1] / "fakes" / "schemas"


def problems(vendor: str, schema: str, value: Any) -> list[str]:
    """What is wrong with ``value`` by one of a vendor's schemas; nothing where it is right."""
    found = json.loads((_FOLDER / f"{vendor}.json").read_text(encoding="utf-8"))[schema]
    return [error.message for error in Draft202012Validator(found).iter_errors(value)]


def form_problems(vendor: str, schema: str, form: Mapping[str, str]) -> list[str]:
    """The same for a form, whose numbers are text."""
    document = json.loads((_FOLDER / f"{vendor}.json").read_text(encoding="utf-8"))
    properties = document[schema]["properties"]
    typed = {
        name: int(value)
        if properties.get(name, {}).get("type") == "integer" and value.isdecimal()
        else value
        for name, value in form.items()
    }
    return problems(vendor, schema, typed)
