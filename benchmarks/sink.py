"""The cheapest possible carrier: accepts every message, remembers when it came, and no more.

python -m benchmarks.sink

Answers ``POST`` as the sandbox carrier does (202 with an id). ``GET /received`` tells how many
messages came and the time, ``GET /times`` when each one came: seconds of CLOCK_MONOTONIC, which
all processes of a machine share, as doubles.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from array import array
from typing import cast

import uvloop

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


class SinkProtocol(asyncio.Protocol):
    """One connection; requests may come in pieces, or several at once."""

    def __init__(self, times: array[float]) -> None:
        self._times = times
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where answers go."""
        # Not asked for its class: uvloop's transports are none of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete by now."""
        data = self._unread + data
        answers: list[bytes] = []
        start = 0
        while (head_end := data.find(_END, start)) >= 0:
            length = _LENGTH.search(data, start, head_end)
            end = head_end + len(_END) + (int(length[1]) if length else 0)
            if end > len(data):
                break
            answers.append(self._answer(data, start))
            start = end
        self._unread = data[start:]
        if answers:
            self._transport.write(b"".join(answers))

    def _answer(self, data: bytes, start: int) -> bytes:
        if data.startswith(b"POST", start):
            self._times.append(time.monotonic())
            return _response(b"202 Accepted", b'{"id":"%d"}' % len(self._times))
        if data.startswith(b"GET /times", start):
            return _response(b"200 OK", self._times.tobytes())
        state = {"received": len(self._times), "at": time.monotonic()}
        return _response(b"200 OK", json.dumps(state).encode())


def _response(status: bytes, body: bytes) -> bytes:
    return b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


async def serve() -> None:
    """Listen on a free port of the loopback interface, and say which."""
    times = array("d")
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SinkProtocol(times), "127.0.0.1", 0, backlog=1024)
    print(f"listening on {server.sockets[0].getsockname()[1]}")
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
