"""A carrier that misbehaves on purpose, on raw sockets so that every byte is under control.

Each arriving request takes the next fault from the script; when the script is used up the server
behaves. A client that quietly repeats a request is therefore answered, and found out by
``arrivals``.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

#: Bounds every wait of the server, so that no broken client can hang a test run.
PATIENCE = 20.0

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Exchange:
    """One request on one connection, as the server sees it."""

    def __init__(self, server: FaultServer, sock: socket.socket, number: int) -> None:
        self.server = server
        self.sock = sock
        #: Counts the requests of the whole server from 1; the well-behaved reply carries it.
        self.number = number

    def read(self) -> bytes:
        """Read the whole request and count it as received."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        while len(body) < length:
            body += self._more()
        self.server.note_received(head, body)
        return body

    def _more(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionResetError
        return data

    def reply(self, body: bytes | None = None, *, status: str = "200 OK", extra: str = "") -> None:
        """Send a complete reply."""
        content = b'{"id": "%d"}' % self.number if body is None else body
        head = f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{extra}\r\n"
        self.sock.sendall(head.encode("latin-1") + content)

    def wait_for_close(self) -> None:
        """Say nothing until the client hangs up.

        Raises:
            TimeoutError: it did not.
        """
        with contextlib.suppress(ConnectionError):
            while self.sock.recv(65536):
                pass
        self.server.hung_up.release()

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()


#: What to do with one request. True: the connection stays open.
Fault = Callable[[Exchange], bool]


def behave(exchange: Exchange) -> bool:
    """Read the request, reply, keep the connection."""
    exchange.read()
    exchange.reply()
    return True


def close_on_accept(exchange: Exchange) -> bool:
    """Close a connection that was just accepted, before anything came."""
    return False


class FaultServer:
    """Listens on loopback; one thread per connection."""

    def __init__(self) -> None:
        self._script: deque[Fault] = deque()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._connections: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.port: int = self._listener.getsockname()[1]
        #: Requests of which at least the first byte arrived, or connections closed before it.
        self.arrivals = 0
        #: Connections accepted so far.
        self.accepted = 0
        #: Connections that the server is done with.
        self.closed = 0
        #: Head and body of every request that was read whole.
        self.received: list[tuple[bytes, bytes]] = []
        #: Released once for each client that hung up on a silent server.
        self.hung_up = threading.Semaphore(0)
        self.may_answer = threading.Event()

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self.port}/messages"

    def script(self, *faults: Fault) -> None:
        """What to do with the next requests, in this order."""
        with self._lock:
            self._script.extend(faults)

    def note_received(self, head: bytes, body: bytes) -> None:
        """Count a request that was read whole."""
        with self._lock:
            self.received.append((head, body))

    def __enter__(self) -> FaultServer:
        self._run(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the listener and every connection; connecting is refused from now on."""
        self.may_answer.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            connections, self._connections = self._connections, []
        for sock in connections:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.accepted += 1
                self._connections.append(sock)
            self._run(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while self._next_exchange(sock):
                pass
        sock.close()
        with self._lock:
            self.closed += 1

    def _next_exchange(self, sock: socket.socket) -> bool:
        """Handle one request; false when the connection is to be closed."""
        with self._lock:
            at_once = bool(self._script) and self._script[0] is close_on_accept
        if not at_once and not sock.recv(1, socket.MSG_PEEK):
            return False
        with self._lock:
            fault = self._script.popleft() if self._script else behave
            self.arrivals += 1
            number = self.arrivals
        return fault(Exchange(self, sock, number))


class FullBacklog:
    """A listener whose queue is full: the kernel drops further SYNs, so connecting hangs."""

    def __init__(self) -> None:
        self._listener = socket.socket()
        self._fillers: list[socket.socket] = []

    def __enter__(self) -> str:
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(0)
        address = self._listener.getsockname()
        # listen(0) still queues one connection; a few more make certain that it is full.
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(address)
            self._fillers.append(filler)
        return f"http://127.0.0.1:{address[1]}/messages"

    def __exit__(self, *exc: object) -> None:
        for sock in [*self._fillers, self._listener]:
            sock.close()


def unused_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
