"""Report URLs whose query says of which message a call is, for vendors that echo nothing else."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode, urlsplit

from worker.adapters.reply import parse_form

#: The field of the query. The reference carries a signature of our own
#: (:mod:`worker.reference`), so nobody can make one up.
REFERENCE = "reference"


def with_reference(report_url: str, reference: str) -> str:
    """The report URL of one message."""
    parts = urlsplit(report_url)
    query = [*parse_qsl(parts.query, keep_blank_values=True), (REFERENCE, reference)]
    return parts._replace(query=urlencode(query)).geturl()


def as_called(report_url: str, url: str) -> str:
    """The URL that a vendor called, where ``url`` is what arrived.

    The query is the caller's; the rest is what the vendor was given, since what a server sees of
    its own name may have been changed by proxies on the way.
    """
    return urlsplit(report_url)._replace(query=_query(url)).geturl()


def fields_of(url: str) -> dict[str, str]:
    """The fields of a URL's query."""
    return dict(parse_form(_query(url)))


def _query(url: str) -> str:
    try:
        return urlsplit(url).query
    except ValueError:
        return ""
