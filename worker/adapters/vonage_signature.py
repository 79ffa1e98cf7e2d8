"""Vonage's signature of SMS delivery receipts: a field ``sig`` among the others.

What is signed is ``&name=value`` of every other field, sorted by name, with each ``&`` and ``=`` of
a value replaced by ``_``. ``md5hash`` is the MD5 of that text followed by the secret, hexadecimal;
the others are its HMAC: https://developer.vonage.com/en/getting-started/concepts/signing-messages
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Literal

Method = Literal["md5hash", "md5", "sha1", "sha256", "sha512"]

_HARMLESS = str.maketrans("&=", "__")


def sign(secret: str, method: Method, fields: Mapping[str, str]) -> str:
    """The signature of ``fields``, in lower case; ``sig`` itself is left out."""
    text = "".join(
        f"&{name}={value.translate(_HARMLESS)}"
        for name, value in sorted(fields.items())
        if name != "sig"
    ).encode("utf-8", "surrogatepass")
    key = secret.encode()
    if method == "md5hash":
        return hashlib.md5(text + key, usedforsecurity=False).hexdigest()
    return hmac.new(key, text, method).hexdigest()


def is_signed(secret: str, method: Method, fields: Mapping[str, str]) -> bool:
    """Whether ``sig`` is the signature of the other fields, in whichever case it is written."""
    given = fields.get("sig", "").lower().encode("utf-8", "surrogatepass")
    return hmac.compare_digest(sign(secret, method, fields).encode("ascii"), given)
