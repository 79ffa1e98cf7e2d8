"""Delivery reports of the sandbox carrier arrive, and never hold up a reply."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from cli.carrier.log import received
from tests.support.carrier import carrier, post
from tests.support.waiting import eventually


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


def test_every_accepted_message_is_reported_once_in_batches(tmp_path: Path) -> None:
    with (
        receiving() as receiver,
        carrier(
            tmp_path,
            *("--reports", receiver.url, "--report-delay", "200", "--undelivered", "30%"),
            *("--errors", "rejected=20%"),
        ) as running,
    ):
        replies = [running.send(reference=f"1-{number}") for number in range(100)]
        ids = {reply.json()["id"] for reply in replies if reply.status_code == 202}
        eventually(lambda: running.stats()["reports"]["sent"] == len(ids), message="all reported")
        arrived = {arrival.reference: arrival.t for arrival in received(running.log())}

    assert len(receiver.reports) == len(ids)
    assert {report["id"] for report in receiver.reports} == ids
    assert {report["reference"] for report in receiver.reports} == arrived.keys()
    for report in receiver.reports:
        at = datetime.fromisoformat(report["at"]).timestamp()
        assert at == pytest.approx(arrived[report["reference"]] + 0.2, abs=1e-5)
    assert min(receiver.delays) >= 0
    assert receiver.requests < len(ids)
    codes = {(report["state"], report["code"]) for report in receiver.reports}
    assert codes == {("delivered", None), ("undelivered", "absent_subscriber")}


def test_a_receiver_that_fails_gets_the_reports_again(tmp_path: Path) -> None:
    with (
        receiving(failures=2) as receiver,
        carrier(tmp_path, "--reports", receiver.url, "--report-delay", "0") as running,
    ):
        # Half of a surrogate pair is JSON, but no UTF-8; it must not stop the reports.
        for reference in ("1-1", "\ud83d"):
            assert post(running.url, reference=reference).status_code == 202
        eventually(lambda: len(receiver.reports) == 2, message="both are reported")

    assert receiver.requests >= 3
    assert {report["reference"] for report in receiver.reports} == {"1-1", "\ud83d"}


def test_a_receiver_that_hangs_holds_up_no_reply(tmp_path: Path) -> None:
    with (
        receiving(is_open=False) as receiver,
        carrier(tmp_path, "--reports", receiver.url, "--report-delay", "0") as running,
    ):
        for number in range(20):
            assert running.send(reference=f"1-{number}").status_code == 202
        assert running.stats()["reports"]["sent"] == 0
        assert running.process.terminate() == 0
