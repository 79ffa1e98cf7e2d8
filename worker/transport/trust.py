"""Which certificate authorities are trusted: the system's, or certifi's where it has none.

Slim container images often come without any. Both clients then fail in ways that say little, one
of them for plain HTTP too.
"""

from __future__ import annotations

import re
import ssl
from functools import cache
from pathlib import Path

import certifi

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\s", re.DOTALL)


def tls_context() -> ssl.SSLContext:
    """A context that verifies certificates and host names."""
    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    if not paths.cafile and not (paths.capath and any(Path(paths.capath).iterdir())):
        context.load_verify_locations(certifi.where())
    return context


@cache
def bundled_authorities() -> tuple[bytes, ...]:
    """certifi's authorities, each in PEM."""
    return tuple(_CERTIFICATE.findall(Path(certifi.where()).read_bytes()))
