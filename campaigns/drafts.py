"""A file that appears under its name only when it is complete.

Until then it is a draft beside it, so whatever goes wrong meanwhile leaves an earlier file as it
was. Only a regular file is ever replaced: the name of a device, a pipe or a folder is refused, and
a symbolic link keeps pointing where it does.
"""

from __future__ import annotations

import os
from pathlib import Path

from campaigns.errors import Invalid


class Draft:
    """The way to ``path``: write to :attr:`file`, then :meth:`keep` it or :meth:`drop` it."""

    def __init__(self, field: str, path: Path) -> None:
        """Say where the file shall be; ``field`` names it in errors.

        Raises:
            Invalid: something stands there that is no regular file.
        """
        self._field = field
        self._shown = str(path)
        # Unlike Path.resolve this lives with links that lead in a circle.
        self._target = Path(os.path.realpath(path))
        if not path.name or (os.path.lexists(self._target) and not self._target.is_file()):
            raise Invalid(field, self._shown, "is not a regular file")
        # Two processes may be on their way to the same name.
        self.file = self._target.with_name(f"{self._target.name}.{os.getpid()}.part")

    def is_same(self, other: Path) -> bool:
        """Whether keeping it would replace ``other``."""
        return self._target == Path(os.path.realpath(other))

    def keep(self) -> None:
        """Put the draft under its name; raises ``Invalid`` like :meth:`cannot_write`."""
        try:
            self.file.replace(self._target)
        except OSError as error:
            raise self.cannot_write(error) from None

    def drop(self) -> None:
        """Remove the draft, if it is still there."""
        self.file.unlink(missing_ok=True)

    def cannot_write(self, error: OSError) -> Invalid:
        """The sentence for an error of the file system."""
        reason = (error.strerror or "unknown reason").lower()
        return Invalid(self._field, self._shown, f"cannot be written: {reason}")
