"""The `sluice` command inside the test's process, with settings of its own and nobody else's."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from cli.main import sluice

PROVIDERS = """\
[providers.carrier]
adapter = "sandbox"
channel = "sms"
url = "http://127.0.0.1:9/messages"
rate = "20/s"
"""


@dataclass(frozen=True)
class CommandLine:
    """Runs commands with these ``SLUICE_`` variables and no others."""

    variables: Mapping[str, str]
    folder: Path

    def run(self, *words: object, stdin: str | bytes | None = None) -> Result:
        """The result of a command, whatever its exit code; an unforeseen exception is raised."""
        clean = {name: None for name in os.environ if name.startswith("SLUICE_")}
        return CliRunner().invoke(
            sluice,
            [str(word) for word in words],
            input=stdin,
            env={**clean, **self.variables},
            prog_name="sluice",
            catch_exceptions=False,
        )

    def succeed(self, *words: object, stdin: str | bytes | None = None) -> str:
        """Standard output of a command that must succeed."""
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: object) -> Any:
        """What a command that must succeed prints with ``--json``."""
        return json.loads(self.succeed(*words, "--json"))

    def refused(self, *words: object, stdin: str | bytes | None = None) -> str:
        """The one sentence with which a command is refused; nothing else is printed."""
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        assert result.stderr.startswith("sluice: ")
        assert result.stderr.count("\n") == 1, result.stderr
        return result.stderr.removeprefix("sluice: ").strip()

    def write(self, name: str, content: object) -> Path:
        """A file below the test's folder; anything but text and bytes as JSON."""
        file = self.folder / name
        if isinstance(content, bytes):
            file.write_bytes(content)
        else:
            text = content if isinstance(content, str) else json.dumps(content)
            file.write_text(text, "utf-8")
        return file
