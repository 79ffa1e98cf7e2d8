"""Takes delivery reports as a web server would, for tests of who sends them and what they do."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """Takes delivery reports, when its gate is open; fails as often as it is told before that."""

    failures: int = 0
    requests: int = 0
    reports: list[dict[str, Any]] = field(default_factory=list)
    #: Seconds from the time in each report to its arrival.
    delays: list[float] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def take(self, content: bytes) -> int:
        """Handle one request and return its status."""
        now = datetime.now(UTC)
        self.gate.wait()
        self.requests += 1
        if self.failures:
            self.failures -= 1
            return 503
        reports = json.loads(content)["reports"]
        self.reports += reports
        self.delays += [
            (now - datetime.fromisoformat(report["at"])).total_seconds() for report in reports
        ]
        return 200


@contextmanager
def receiving(*, failures: int = 0, is_open: bool = True) -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    receiver = Receiver(failures)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status = receiver.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/reports"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            if is_open:
                receiver.gate.set()
            yield receiver
        finally:
            receiver.gate.set()
            server.shutdown()
            thread.join()
