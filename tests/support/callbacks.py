"""Callbacks in tests: rows of the outbox and of receivers, and a server that takes callbacks."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from campaigns.callbacks import endpoints, gathering
from campaigns.callbacks.endpoints import NewSecret
from campaigns.callbacks.gathering import Gathered
from campaigns.database import Connection
from campaigns.run import reports
from campaigns.run.events import ReportKind
from campaigns.run.reports import DeliveryReport
from tests.support import ledger

WINDOW = timedelta(seconds=60)


def told_run(
    conn: Connection, now: datetime, *, channel: str = "email", total: int = 5,
    callback: str | None = "http://127.0.0.1:9/hook?campaign=1",
) -> int:  # fmt: skip
    """A run whose campaign names a URL, as the tick would have made it."""
    campaign_id = ledger.campaign(conn, now)
    conn.execute(
        "UPDATE campaigns SET event_callback = %s, sending_type = %s WHERE id = %s",
        (callback, channel, campaign_id),
    )
    run_id = ledger.run(conn, campaign_id, total, now)
    announce(conn)
    return run_id


def announce(conn: Connection) -> None:
    """Decide anew what every run announces, as when it is made."""
    conn.execute("UPDATE runs SET announces = announced_kinds(campaign_id)")


def campaign_of(conn: Connection, run_id: int) -> UUID:
    """The campaign of a run."""
    row = conn.execute("SELECT campaign_id FROM runs WHERE id = %s", (run_id,)).fetchone()
    assert row is not None
    return row["campaign_id"]


def endpoint(
    conn: Connection, now: datetime, url: str = "http://127.0.0.1:9/webhook", **more: Any
) -> NewSecret:
    """A webhook endpoint of the default team."""
    return endpoints.create(conn, ledger.team_id(conn), url, now=now, **more)


def note(conn: Connection, run_id: int, kind: str, seqs: Sequence[int], at: datetime) -> None:
    """Events in the outbox, noted when they happened."""
    conn.execute(
        "INSERT INTO event_outbox (run_id, seq, kind, at, noted_at) "
        "SELECT %s, seq, %s, %s, %s FROM unnest(%s::integer[]) seq",
        (run_id, kind, at, at, list(seqs)),
    )


def outbox(conn: Connection) -> list[tuple[int, str, str | None]]:
    """What is in the outbox: place, kind and code, in its order."""
    found = conn.execute("SELECT seq, kind, code FROM event_outbox ORDER BY id")
    return [(row["seq"], row["kind"], row["code"]) for row in found]


def gather(conn: Connection, now: datetime, *, most: int = 500, keep_days: int = 7) -> Gathered:
    """Gather all of the outbox."""
    found = gathering.gather(conn, 2**62, window=WINDOW, keep_days=keep_days, most=most, now=now)
    assert found is not None
    return found


def messages(conn: Connection) -> list[dict[str, Any]]:
    """All callbacks, in the order in which they were made."""
    return conn.execute("SELECT * FROM callbacks ORDER BY id").fetchall()


def states(conn: Connection) -> Counter[tuple[str, str | None]]:
    """How many callbacks there are by state and last code."""
    found = conn.execute("SELECT state, code FROM callbacks")
    return Counter((row["state"], row["code"]) for row in found)


def say(conn: Connection, run_id: int, kind: ReportKind, seqs: Sequence[int]) -> None:
    """The provider says so of each, and once more."""
    now = datetime.now(UTC)
    told = [DeliveryReport(kind, now, run_id, seq, code="550") for seq in seqs]
    reports.record(conn, told + told)


@dataclass(frozen=True, slots=True)
class Taken:
    """One request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The fields of a form."""
        return dict(parse_qsl(self.body.decode("utf-8")))

    @property
    def json(self) -> dict[str, Any]:
        """The content of a webhook."""
        content: dict[str, Any] = json.loads(self.body)
        return content


@dataclass
class CallbackReceiver:
    """Takes callbacks. What it answers depends on the path, and can be changed at any time."""

    url: str = ""
    #: Status by path; 200 where there is none.
    answers: dict[str, int] = field(default_factory=dict)
    #: Fields of answers, for redirects.
    fields: dict[str, str] = field(default_factory=dict)
    #: Content of answers.
    content: bytes = b""
    #: Paths below which nothing is answered until the end.
    silent: set[str] = field(default_factory=set)
    taken: list[Taken] = field(default_factory=list)
    _end: threading.Event = field(default_factory=threading.Event)

    def at(self, path: str) -> list[Taken]:
        """What came to ``path``, whatever the query."""
        return [one for one in self.taken if one.path.partition("?")[0] == path]

    def addresses(self, path: str, kind: str) -> list[str]:
        """All addresses of one kind of events that forms told ``path``, in their order."""
        return [
            value
            for one in self.at(path)
            if one.form["event"] == kind
            for name, value in one.form.items()
            if "[" in name
        ]


@contextmanager
def receiving_callbacks() -> Iterator[CallbackReceiver]:
    """A receiver on a port of its own."""
    receiver = CallbackReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            fields = {name.lower(): value for name, value in self.headers.items()}
            receiver.taken.append(Taken(self.path, fields, body))
            path = self.path.partition("?")[0]
            if path in receiver.silent:
                receiver._end.wait()
                return
            self.send_response(receiver.answers.get(path, 200))
            for name, value in receiver.fields.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(receiver.content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Clients go away when they have heard enough."""

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver._end.set()
            server.shutdown()
            thread.join()
