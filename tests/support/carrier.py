"""A sandbox carrier as a real process, for tests that need somebody to send to."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cli.carrier.log import Arrival, parse
from tests.support.forge import Forge
from tests.support.processes import Process

#: What is sent where a test asks for nothing else.
MESSAGE = {"reference": "1-1", "to": "4917000001", "from": "Sluice", "text": "Hello"}


@dataclass(frozen=True, slots=True)
class RunningCarrier:
    """A carrier that listens on a free port of this machine."""

    #: Where messages are posted to.
    url: str
    process: Process
    #: The file of its log; also readable after its end.
    log_file: Path
    _client: httpx.Client

    def send(self, **changes: Any) -> httpx.Response:
        """Post a message with some fields changed, such as ``to="4917000002"``.

        Raises:
            httpx.TransportError: the carrier did not reply.
        """
        return self._client.post("/messages", json=MESSAGE | changes)

    def stats(self) -> dict[str, Any]:
        """What ``GET /stats`` says."""
        return self._json(self._client.get("/stats"))

    def log(self) -> list[Arrival]:
        """All arrivals so far."""
        with self._client.stream("GET", "/log") as response:
            response.raise_for_status()
            return parse(response.read().splitlines(keepends=True))

    def reset(self) -> None:
        """Empty the log and the statistics."""
        self._json(self._client.post("/reset"))

    def change(self, **settings: Any) -> dict[str, Any]:
        """Change settings while it runs, such as ``rate="50/s"`` or ``down=True``."""
        return self._json(self._client.put("/settings", json=settings))

    @staticmethod
    def _json(response: httpx.Response) -> dict[str, Any]:
        assert response.is_success, response.text
        content: dict[str, Any] = response.json()
        return content


@contextmanager
def carrier(
    folder: Path, *options: str, port: int = 0, forge: Forge | None = None
) -> Iterator[RunningCarrier]:
    """Run a carrier with ``options`` of `sluice carrier`; its log is in ``folder``.

    A second one in the same folder, on the same ``port``, continues the log of the first.
    """
    log_file = folder / "carrier.log"
    output = folder / "carrier.out"
    output.unlink(missing_ok=True)
    words = ["cli.carrier", "--bind", f"127.0.0.1:{port}", "--log", str(log_file), *options]
    if forge is None:
        process = Process.start([sys.executable, "-m", *words], log=output)
    else:
        process = Process.forged(forge, words, log=output)
    try:
        url = process.wait_for(r"^carrier listening on (\S+)$")[1]
        base = url.removesuffix("/messages")
        with httpx.Client(base_url=base, timeout=10, trust_env=False) as client:
            yield RunningCarrier(url, process, log_file, client)
    finally:
        process.clean_up()


def post(url: str, *, timeout: float = 10.0, **changes: Any) -> httpx.Response:
    """Post like :meth:`RunningCarrier.send`, but on a connection of its own."""
    content = json.dumps(MESSAGE | changes)
    return httpx.post(url, content=content, timeout=timeout, trust_env=False)
