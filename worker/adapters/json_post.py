"""A POST with a JSON body, which is how most vendors take messages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from worker.adapters.base import HttpRequest

_HEADERS = {"content-type": "application/json", "accept": "application/json"}

_encode = json.JSONEncoder(separators=(",", ":")).encode


def json_post(url: str, headers: Mapping[str, str], content: Any) -> HttpRequest:
    """The request; ``headers`` are those beside the ones that speak of JSON, or in their place.

    The body is ASCII, which is valid in every encoding that JSON may have.
    """
    body = _encode(content).encode("ascii")
    return HttpRequest("POST", url, {**_HEADERS, **headers}, body)
