"""A mail server that misbehaves on purpose, at one step of one message, on raw sockets."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from tests.support.fault_server import PATIENCE

#: Where it goes wrong: instead of the reply to that command; "half" in the middle of the content.
Place = Literal["greeting", "EHLO", "RSET", "MAIL", "RCPT", "DATA", "half", "content", "STAR"]

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_REPLIES = {
    "greeting": b"220 mail.example.com ESMTP\r\n",
    "EHLO": b"250-mail.example.com\r\n250 8BITMIME\r\n",
    "DATA": b"354 End data with <CR><LF>.<CR><LF>\r\n",
    "content": b"250 2.0.0 Ok: queued\r\n",
}

#: Acts on the socket; true if the connection goes on.
Fault = Callable[["SmtpFaults", socket.socket], bool]


def closes(_: SmtpFaults, sock: socket.socket) -> bool:
    return False


def resets(_: SmtpFaults, sock: socket.socket) -> bool:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    return False


def is_silent(server: SmtpFaults, sock: socket.socket) -> bool:
    """Say nothing until the client hangs up."""
    with contextlib.suppress(ConnectionError):
        while sock.recv(65536):
            pass
    server.hung_up.release()
    return False


def says(reply: bytes, *, goes_on: bool = False) -> Fault:
    def fault(_: SmtpFaults, sock: socket.socket) -> bool:
        sock.sendall(reply)
        return goes_on

    return fault


def waits(server: SmtpFaults, sock: socket.socket) -> bool:
    """Reply once the test allows it."""
    server.may_answer.wait(PATIENCE)
    sock.sendall(_REPLIES["content"])
    return True


class SmtpFaults:
    """Listens on loopback; a thread for each connection."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._script: deque[tuple[Place, Fault]] = deque()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.accepted = 0
        self.closed = 0
        #: Commands as they came, the content left out.
        self.commands: list[str] = []
        #: The contents of which the dot arrived.
        self.contents: list[bytes] = []
        self.hung_up = threading.Semaphore(0)
        self.may_answer = threading.Event()

    def script(self, place: Place, fault: Fault) -> None:
        """What goes wrong next."""
        self._script.append((place, fault))

    def __enter__(self) -> SmtpFaults:
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
        """Close everything; connecting is refused from now on."""
        self.may_answer.set()
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(PATIENCE)

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                sock.settimeout(PATIENCE)
                self.accepted += 1
                self._sockets.append(sock)
                self._run(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), sock.makefile("rb") as lines:
            if self._reply(sock, "greeting"):
                while (line := lines.readline()) and self._command(sock, lines, line):
                    pass
        sock.close()
        self.closed += 1

    def _command(self, sock: socket.socket, lines: object, line: bytes) -> bool:
        self.commands.append(line.decode(errors="replace").strip())
        word = line[:4].decode(errors="replace")
        if word == "QUIT":
            sock.sendall(b"221 2.0.0 Bye\r\n")
            return False
        if not self._reply(sock, word):
            return False
        if word != "DATA" or self._refused_data:
            return True
        return self._content(sock, lines)

    def _content(self, sock: socket.socket, lines: object) -> bool:
        content = b""
        if self._script and self._script[0][0] == "half":
            content = lines.readline()  # type: ignore[attr-defined]
            _, fault = self._script.popleft()
            return fault(self, sock)
        while not content.endswith(b"\r\n.\r\n"):
            line = lines.readline()  # type: ignore[attr-defined]
            if not line:
                return False
            content += line
        self.contents.append(content)
        return self._reply(sock, "content")

    def _reply(self, sock: socket.socket, place: str) -> bool:
        self._refused_data = False
        if self._script and self._script[0][0] == place:
            _, fault = self._script.popleft()
            self._refused_data = place == "DATA"
            return fault(self, sock)
        sock.sendall(_REPLIES.get(place, b"250 2.1.0 Ok\r\n"))
        return True
