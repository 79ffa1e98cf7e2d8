"""A client that a public generator makes out of a dialect's OpenAPI description."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.door import Door

#: The package that is generated; importable while a test has its folder on the path.
PACKAGE = "generated"


@dataclass(frozen=True)
class GeneratedClient:
    """The generated package, with a client that has a token."""

    base_url: str
    token: str
    package: str

    def call(self, module: str, *ids: str, body: Any = None) -> Any:
        """What the generated function of ``module`` (``campaigns.create_campaign``) gives back.

        ``ids`` are the parameters of its path; ``body`` becomes the model that it takes.
        """
        function = importlib.import_module(f"{self.package}.api.{module}")
        client = importlib.import_module(f"{self.package}.client").AuthenticatedClient(
            base_url=self.base_url, token=self.token
        )
        given = {} if body is None else {"body": self._model(function, body)}
        response = function.sync_detailed(*ids, client=client, **given)
        assert response.status_code < 300, (response.status_code, response.content)
        return response.parsed

    def _model(self, function: Any, body: Any) -> Any:
        annotation = function.sync_detailed.__annotations__["body"]
        kinds = annotation if isinstance(annotation, type) else annotation.__args__[0]
        return kinds.from_dict(body)


def generate(door: Door, prefix: str, folder: Path) -> None:
    """Write the package for the dialect at ``prefix`` into ``folder``.

    Raises:
        AssertionError: the generator could not use a part of the description.
    """
    description = folder / "openapi.json"
    description.write_text(json.dumps(door.client.get(f"{prefix}/openapi.json").json()))
    settings = folder / "generator.yaml"
    settings.write_text("post_hooks: []\n")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openapi_python_client", "generate"),
            *("--path", str(description), "--output-path", str(folder / PACKAGE)),
            *("--meta", "none", "--config", str(settings), "--fail-on-warning"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
