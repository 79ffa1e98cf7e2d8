"""Senders that are numbers, in the form that a vendor wants them in."""

from __future__ import annotations

import re

#: A number of full length; shorter ones are short codes, which have no prefix.
_FULL_NUMBER = re.compile(r"\+?([1-9][0-9]{6,14})")


def prefixed(sender: str, prefix: str) -> str:
    """A number of full length behind ``prefix``, such as "+"; any other sender as it is."""
    match = _FULL_NUMBER.fullmatch(sender)
    return sender if match is None else prefix + match.group(1)
