"""A vendor's fake behind a real socket on loopback, for tests with real processes."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.fakes.base import URL, Profile
from worker.adapters.base import HttpRequest, HttpResponse


class FakeVendor:
    """``fake`` served over HTTP/1.1 at :attr:`url`. It is asked by one thread at a time."""

    def __init__(self, fake: Any, url: str, lock: threading.Lock) -> None:
        self.url = url
        self._fake = fake
        self._lock = lock

    @property
    def taken(self) -> list[tuple[str, str]]:
        """Everything that was accepted so far: (address, text)."""
        with self._lock:
            return list(self._fake.taken)

    def reports(self) -> Sequence[HttpRequest]:
        """The calls that the vendor would make now; each is handed over once."""
        with self._lock:
            calls: Sequence[HttpRequest] = self._fake.reports()
            return calls

    def post_reports(self, url: str) -> list[int]:
        """Let the vendor make its calls, to ``url`` instead of the account's own report URL.

        The query of the latter goes along: vendors without an echo carry the reference in it.
        Returns the statuses of the answers.
        """
        with httpx.Client(trust_env=False) as client:
            return [
                client.request(
                    call.method,
                    url + (f"?{query}" if (query := urlsplit(call.url).query) else ""),
                    headers=dict(call.headers),
                    content=call.body,
                ).status_code
                for call in self.reports()
            ]

    def table(self, profile: Profile, **more: Any) -> dict[str, Any]:
        """The table of the providers file for an account of ``profile`` that sends here."""
        own = {"adapter": profile.name, "channel": profile.channel, "url": profile.url}
        own |= profile.options
        if isinstance(self._fake, AbstractContextManager):
            own["url"] = self.url
        return {name: self._moved(value) for name, value in own.items()} | more

    def _moved(self, value: Any) -> Any:
        """``value`` with this server's address wherever that of a profile stands."""
        match value:
            case str():
                return value.replace(URL, self.url)
            case Mapping():
                return {name: self._moved(each) for name, each in value.items()}
            case list() | tuple():
                return [self._moved(each) for each in value]
        return value


@contextmanager
def serving(fake: Any) -> Iterator[FakeVendor]:
    """Serve ``fake`` on a free port until the block ends.

    One that is a server itself, because it does not speak HTTP, is only started.
    """
    lock = threading.Lock()
    if isinstance(fake, AbstractContextManager):
        with fake as server_of_its_own:
            yield FakeVendor(fake, server_of_its_own.url, lock)
        return

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # The answer is written in one piece, or Nagle's algorithm holds back its second half.
        wbufsize = -1

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = HttpRequest(self.command, self.path, headers, self.rfile.read(length))
            with lock:
                answer: HttpResponse = fake.handle(request)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield FakeVendor(fake, f"http://127.0.0.1:{server.server_address[1]}", lock)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
