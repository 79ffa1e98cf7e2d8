"""Access tokens in the answers that grant them (RFC 6749, section 5)."""

from __future__ import annotations

import re

from worker.adapters.authorizing import Token
from worker.adapters.base import HttpResponse
from worker.adapters.reply import at_path, parse_json, short_code

_LONGEST_TOKEN = 8192
_TOKEN = re.compile(r"[!-~]+")


def decode_token(response: HttpResponse, seconds: float = 0.0) -> Token:
    """The token in the answer; ``seconds`` is for how long it is good where it does not say so.

    Raises:
        ValueError: it holds none; the message is a short code.
    """
    content = parse_json(response.body)
    value, life = at_path(content, "access_token"), at_path(content, "expires_in")
    is_token = isinstance(value, str) and len(value) <= _LONGEST_TOKEN
    if response.status == 200 and is_token and _TOKEN.fullmatch(value):
        is_number = isinstance(life, int | float) and not isinstance(life, bool)
        return Token(value, float(life) if is_number and 0 < life < 1e9 else seconds)
    raise ValueError(short_code(at_path(content, "error")) or f"token_http_{response.status}")
