"""Credentials in the form in which requests carry them."""

from __future__ import annotations

from base64 import b64encode


def basic(username: str, password: str) -> str:
    """The value of the field ``Authorization`` for a user and a password (RFC 7617)."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")
