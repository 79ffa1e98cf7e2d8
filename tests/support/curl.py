#!/usr/bin/env python3
"""curl, as far as the flows use it, for machines that have none."""

from __future__ import annotations

import sys
import urllib.error
import urllib.parse
import urllib.request

_WITH_VALUE = {"-X": "--request", "-H": "--header", "-d": "--data"}
_FLAGS = {"--location", "--silent", "--show-error", "--fail-with-body"}


def main(arguments: list[str]) -> int:
    """Make the request; curl's exit code 22 where the answer is an error."""
    url, method, headers, data = "", None, {}, []
    words = iter(arguments)
    for word in words:
        name = _WITH_VALUE.get(word, word)
        if name in _FLAGS:
            continue
        if name == "--request":
            method = next(words)
        elif name == "--header":
            key, _, value = next(words).partition(":")
            headers[key.strip().lower()] = value.strip()
        elif name == "--data":
            data.append(next(words))
        elif name == "--data-urlencode":
            key, _, value = next(words).partition("=")
            data.append(f"{key}={urllib.parse.quote(value, safe='')}")
        elif name.startswith("-"):
            raise SystemExit(f"curl stand-in: no option {name}")
        else:
            url = name
    body = "&".join(data).encode() if data else None
    if body is not None:
        headers.setdefault("content-type", "application/x-www-form-urlencoded")
    method = method or ("GET" if body is None else "POST")
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            sys.stdout.write(answer.read().decode())
            return 0
    except urllib.error.HTTPError as error:
        sys.stdout.write(error.read().decode())
        sys.stderr.write(f"curl stand-in: {error.code}\n")
        return 22


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
