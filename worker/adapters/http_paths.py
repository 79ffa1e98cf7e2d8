"""Where values stand in the answers and calls of a provider, as the providers file names it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

#: Before the name of a field that stands in the query of the URL that is called.
QUERY = "query:"

_RULE = "must be keys and list positions joined by dots, such as messages.0.id"


def _path(path: str) -> str:
    if not all(path.split(".")):
        raise ValueError(_RULE)
    if "*" in path.split("."):
        raise ValueError("cannot hold '*' here, which stands for every item of a list")
    return path


def _each_path(path: str) -> str:
    if not all(path.split(".")):
        raise ValueError(_RULE)
    if path.split(".").count("*") > 1:
        raise ValueError("can hold '*' once only")
    return path


def _call_path(path: str) -> str:
    _path(path.removeprefix(QUERY))
    return path


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _not_empty(paths: list[Any]) -> list[Any]:
    if not paths:
        raise ValueError("must name at least one path")
    return paths


#: Where one value stands in a JSON document.
Path = Annotated[str, AfterValidator(_path)]

#: The same; ``*`` may stand for every item of a list.
EachPath = Annotated[str, AfterValidator(_each_path)]

#: Where one value stands in a call, or ``query:NAME`` in the query of its URL.
CallPath = Annotated[str, AfterValidator(_call_path)]

_Several = (BeforeValidator(_listed), AfterValidator(_not_empty))

#: One path or several, of which the first counts that leads to a value.
EachPaths = Annotated[list[EachPath], *_Several]
CallPaths = Annotated[list[CallPath], *_Several]
