"""URLs whose path and query may hold placeholders, percent-encoded (RFC 3986, section 2.1)."""

from __future__ import annotations

from functools import partial
from urllib.parse import quote, urlsplit

from worker.adapters.placeholders import TextTemplate, Values

#: A value is one segment of a path, or one value of a query: all that might end it is encoded.
_encoded = partial(quote, safe="")


class UrlTemplate:
    """A compiled URL. A field of the query that needs a missing value is left out.

    Raises (on construction):
        ValueError: a placeholder is unknown, may be missing where the path needs it, or stands
            before the path; or braces do not match.
    """

    def __init__(
        self, url: str, *, known: frozenset[str], optional: frozenset[str] = frozenset()
    ) -> None:
        parts = urlsplit(url)
        self._start = f"{parts.scheme}://{parts.netloc}"
        if "{" in self._start:
            raise ValueError("placeholders may stand in the path and the query only")
        self._path = TextTemplate(parts.path, known)
        missing = self._path.names & optional
        if missing:
            raise ValueError(
                f"{{{min(missing)}}} may stand in the query only, since not every message has it"
            )
        self._query = tuple(TextTemplate(field, known) for field in parts.query.split("&") if field)
        self.names = self._path.names.union(*(field.names for field in self._query))
        self.path_names = self._path.names

    def render(self, values: Values) -> str:
        """The URL for one message.

        Raises:
            ValueError: a value in the path would lead to another place.
        """
        path = self._path.render(values, _encoded)
        # RFC 3986, section 5.2.4: every client resolves these, encoded or not.
        if self.path_names and not {".", ".."}.isdisjoint(path.split("/")):
            raise ValueError("a value of the path is '.' or '..'")
        query = "&".join(
            field.render(values, _encoded) for field in self._query if not field.lacks(values)
        )
        return f"{self._start}{path}?{query}" if query else f"{self._start}{path}"
