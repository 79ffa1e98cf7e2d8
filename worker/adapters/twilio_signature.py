"""Twilio's signature of the calls that it makes.

base64(HMAC-SHA1(auth token, URL + name1 + value1 + name2 + value2 ...)), the fields of the form
sorted by name: https://www.twilio.com/docs/usage/webhooks/webhooks-security
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Iterable, Iterator
from urllib.parse import SplitResult, urlsplit

_PORTS = {"https": 443, "http": 80}


def sign(token: str, url: str, fields: Iterable[tuple[str, str]]) -> str:
    """The signature of a call to ``url`` with these fields of a form."""
    # A field that is there twice with one value is signed once, as Twilio's own clients check it.
    signed = url + "".join(f"{name}{value}" for name, value in sorted(set(fields)))
    digest = hmac.digest(token.encode(), signed.encode("utf-8", "surrogatepass"), "sha1")
    return b64encode(digest).decode("ascii")


def is_signed(token: str, url: str, fields: Iterable[tuple[str, str]], signature: str) -> bool:
    """Whether ``signature`` is of this call, with or without the port that a scheme implies.

    Twilio's clients try both, because its servers have written either.
    """
    fields = list(fields)
    given = signature.encode("utf-8", "surrogatepass")
    found = False
    for each in _spellings(urlsplit(url)):
        found |= hmac.compare_digest(sign(token, each, fields).encode("ascii"), given)
    return found


def _spellings(url: SplitResult) -> Iterator[str]:
    yield url.geturl()
    host = f"[{url.hostname}]" if url.hostname and ":" in url.hostname else url.hostname
    if url.port is None:
        yield url._replace(netloc=f"{host}:{_PORTS[url.scheme]}").geturl()
    else:
        yield url._replace(netloc=f"{host}").geturl()
