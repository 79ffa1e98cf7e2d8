"""What the fault server can do to a request, beside behaving."""

from __future__ import annotations

import contextlib

from tests.support.fault_server import PATIENCE, Exchange, Fault, behave


def close_unread(exchange: Exchange) -> bool:
    """Close as soon as the request arrives, without reading it."""
    return False


def reset_half_way(exchange: Exchange) -> bool:
    """Read the beginning of the request, then reset."""
    exchange.sock.recv(32)
    exchange.reset()
    return False


def close_after(exchange: Exchange) -> bool:
    """Read the whole request, then close without a word."""
    exchange.read()
    return False


def reset_after(exchange: Exchange) -> bool:
    """Read the whole request, then reset."""
    exchange.read()
    exchange.reset()
    return False


def silence(exchange: Exchange) -> bool:
    """Read the whole request and never answer."""
    exchange.read()
    exchange.wait_for_close()
    return False


def answer_when_told(exchange: Exchange) -> bool:
    """Read the whole request, answer once the test says so."""
    exchange.read()
    exchange.server.may_answer.wait(PATIENCE)
    exchange.reply()
    return True


def behave_then_close(exchange: Exchange) -> bool:
    """Reply as if the connection stayed open, then close it."""
    behave(exchange)
    return False


def answer_twice(exchange: Exchange) -> bool:
    """Send a second reply that nobody asked for."""
    exchange.read()
    unasked = b"HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n" + b'{"id": "unasked"}'
    content = b'{"id": "%d"}' % exchange.number
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(content)}\r\n\r\n".encode()
    exchange.sock.sendall(head + content + unasked)
    return True


def speak_plain_http(exchange: Exchange) -> bool:
    """Answer whatever comes, such as a TLS handshake, like a server that knows no TLS."""
    exchange.sock.recv(65536)
    exchange.reply(status="400 Bad Request")
    return False


def sends(data: bytes, *, then: str = "close") -> Fault:
    """Read the whole request, send ``data`` as it stands, then ``close``, ``stall`` or ``keep``."""

    def fault(exchange: Exchange) -> bool:
        exchange.read()
        exchange.sock.sendall(data)
        if then == "stall":
            exchange.wait_for_close()
        return then == "keep"

    return fault


def floods(head: bytes, piece: bytes) -> Fault:
    """Read the whole request, send ``head``, then ``piece`` until the client hangs up."""

    def fault(exchange: Exchange) -> bool:
        exchange.read()
        with contextlib.suppress(ConnectionError):
            exchange.sock.sendall(head)
            while True:
                exchange.sock.sendall(piece)
        exchange.server.hung_up.release()
        return False

    return fault
