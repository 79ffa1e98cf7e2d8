"""What a log says that should not be in there."""

from __future__ import annotations

import re

#: A traceback and the line after its frames, which names the error.
_TRACEBACK = re.compile(r"^Traceback \(most recent call last\):\n(?:[ \t].*\n)*([\w.]+)", re.M)


def errors(text: str) -> list[str]:
    """The kind of error of each traceback. Their texts may hold anything, and are left out."""
    return _TRACEBACK.findall(text)
