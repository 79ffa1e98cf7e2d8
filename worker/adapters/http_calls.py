"""Calls of a provider with reports, of whatever format, as values at paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from worker.adapters.base import HttpRequest
from worker.adapters.http_paths import QUERY
from worker.adapters.reply import at_path, identifier, parse_form, parse_json
from worker.adapters.report_urls import fields_of

Format = Literal["json", "form", "query", "auto"]

_FORM = "application/x-www-form-urlencoded"


class Call:
    """What one call says."""

    def __init__(self, request: HttpRequest, form: Format) -> None:
        self._query = fields_of(request.url)
        self._format = _format_of(request) if form == "auto" else form
        self.content: Any = self._parse(request)

    def _parse(self, request: HttpRequest) -> Any:
        match self._format:
            case "form":
                return dict(parse_form(request.body))
            case "query":
                return self._query
            case "json":
                return parse_json(request.body)
            case _:
                return None

    def at(self, entry: Any, path: str) -> Any:
        """What stands at ``path`` of one of its reports, or in the query of the URL."""
        if path.startswith(QUERY):
            return self._query.get(path.removeprefix(QUERY))
        if self._format in ("form", "query"):
            # The name of a field may hold dots.
            return entry.get(path)
        return at_path(entry, path)

    @property
    def is_flat(self) -> bool:
        """Whether it is fields and nothing else."""
        return isinstance(self.content, dict) and not any(
            isinstance(value, dict | list) for value in self.content.values()
        )

    def fields(self) -> Mapping[str, str]:
        """The fields of a form, a query, or a flat JSON object, as texts."""
        if not isinstance(self.content, dict):
            return {}
        return {name: _text(value) for name, value in self.content.items()}


def _format_of(request: HttpRequest) -> Format:
    if request.method == "GET":
        return "query"
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == _FORM:
        return "form"
    # RFC 6839, section 3.1: what ends so is JSON. Anything else stays "auto" and holds nothing.
    return "json" if media_type == "application/json" or media_type.endswith("+json") else "auto"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else (identifier(value) or "")
