"""Bodies of the Callback API: forms, as its document has them, and JSON with the same names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Request

from campaigns.errors import Invalid
from web import body as bodies
from web.failures import HttpRefused

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

#: ``segments[]``, ``segments[0]``: PHP's way of writing a list into a form; and plain repetition.
_ENTRY = re.compile(r"segments(\[[0-9]{0,6}\])?")

#: Without a value it is none, as null is in JSON.
_MAY_BE_EMPTY = ("domain", "when", "event_callback", "sender", "template", "template_uuid")


def fields(request: Request, content: Annotated[bytes, Depends(bodies.raw)]) -> Mapping[str, Any]:
    """A dependency: what the body says, under the names of the document without brackets.

    Raises:
        HttpRefused: 400, it is no form or no JSON object; 415, it is something else.
        Invalid: a field that is no list comes more than once.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not content:
        return {}
    if kind == FORM:
        return of_form(bodies.form_pairs(content))
    if kind == JSON:
        return of_json(bodies.json_object(bodies.parse_json(content)))
    raise HttpRefused(
        415, "unsupported_media_type", f"The body must be {FORM} or {JSON}, and say so."
    )


Fields = Annotated[Mapping[str, Any], Depends(fields)]


def of_form(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form; raises ``Invalid`` like :func:`fields`."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if _ENTRY.fullmatch(name):
            # An empty one alone says that there are none, which a form has no other way to say.
            found.setdefault("segments", []).extend([value] if value else [])
        elif name in found:
            raise Invalid(name, None, "must not be given more than once")
        else:
            found[name] = None if not value and name in _MAY_BE_EMPTY else value
    return found


def of_json(value: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON object, in which the list may be called as in a form."""
    found = dict(value)
    if "segments[]" in found:
        if "segments" in found:
            raise Invalid("segments", None, "must not be given more than once")
        found["segments"] = found.pop("segments[]")
    return found
