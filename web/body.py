"""Bodies of requests: bounded, decoded strictly, and never trusted to be shallow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from pydantic import BaseModel

from web.failures import HttpRefused

#: Larger bodies are refused before they are read to their end.
LARGEST = 16 * 1024 * 1024

#: What a document of ours needs, and a few levels more.
DEEPEST = 20

#: More names than any object of ours has. Each one that is not known costs a kilobyte to refuse.
MOST_NAMES = 10_000

#: More fields than any form has.
MOST_FORM_FIELDS = 1000


async def raw(request: Request) -> bytes:
    """The whole body.

    Raises:
        HttpRefused: 413, it is larger than :data:`LARGEST`.
    """
    return await read(request, LARGEST)


async def read(request: Request, largest: int) -> bytes:
    """The whole body, of up to ``largest`` bytes; raises ``HttpRefused`` like :func:`raw`."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > largest:
        raise _too_large(largest)
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > largest:
            raise _too_large(largest)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(largest: int) -> HttpRefused:
    # The rest of it is not read: the connection is of no more use.
    return HttpRefused(
        413,
        "too_large",
        f"The body is larger than {largest} bytes.",
        {"Connection": "close"},
    )


def json_value(body: Annotated[bytes, Depends(raw)]) -> object:
    """The body as a JSON value; a dependency that runs in a thread, for it may be large.

    Raises:
        HttpRefused: 400, it is no JSON (RFC 8259) in UTF-8, or nested too deeply, or an object in
            it has too many names.
    """
    return parse_json(body)


def parse_json(body: bytes) -> object:
    """``body`` as a JSON value; raises ``HttpRefused`` like :func:`json_value`."""
    try:
        value = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        raise _malformed("The body is not valid UTF-8.") from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise _malformed("The body is not valid JSON.") from None
    _check_shape(value)
    return value


def json_object(value: Annotated[object, Depends(json_value)]) -> Mapping[str, Any]:
    """The body as a JSON object; raises ``HttpRefused`` like :func:`json_value`."""
    if not isinstance(value, dict):
        raise _malformed("The body must be a JSON object.")
    return value


#: The body of a request, for an endpoint's parameter.
JsonObject = Annotated[Mapping[str, Any], Depends(json_object)]


def form_pairs(body: bytes) -> list[tuple[str, str]]:
    """The fields of an ``application/x-www-form-urlencoded`` body, in their order.

    Raises:
        HttpRefused: 400, it is none in UTF-8, or has too many fields.
    """
    try:
        return parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FORM_FIELDS,
        )
    except ValueError:
        raise _malformed("The body is not a valid form in UTF-8.") from None


def described(model: type[BaseModel], **examples: Any) -> dict[str, Any]:
    """For ``openapi_extra``: the JSON body that an endpoint takes, with named examples."""
    shown = {name: {"value": value} for name, value in examples.items()}
    schema = model.model_json_schema()
    content = {"schema": _inlined(schema, schema.pop("$defs", {}))}
    return {
        "requestBody": {
            "required": True,
            "content": {"application/json": {**content, **({"examples": shown} if shown else {})}},
        }
    }


def _inlined(schema: Any, parts: Mapping[str, Any]) -> Any:
    """``schema`` without references, since the parts of requests are no components."""
    if isinstance(schema, list):
        return [_inlined(one, parts) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if name := str(schema.get("$ref", "")).removeprefix("#/$defs/"):
        return _inlined(parts[name], parts)
    return {key: _inlined(value, parts) for key, value in schema.items()}


def _check_shape(value: object) -> None:
    stack = [(value, 1)]
    while stack:
        found, level = stack.pop()
        if isinstance(found, dict) and len(found) > MOST_NAMES:
            raise _malformed(f"The body has an object of more than {MOST_NAMES} names.")
        inner = (
            found.values() if isinstance(found, dict) else found if isinstance(found, list) else ()
        )
        if inner and level > DEEPEST:
            raise _too_deep()
        stack += [(one, level + 1) for one in inner if isinstance(one, dict | list)]


def _no_number(name: str) -> NoReturn:
    raise ValueError(name)


def _malformed(message: str) -> HttpRefused:
    return HttpRefused(400, "malformed", message)


def _too_deep() -> HttpRefused:
    return _malformed(f"The body is nested deeper than {DEEPEST} levels.")
