"""Why connecting failed, in one word."""

from __future__ import annotations

import socket
import ssl


def connect_code(error: BaseException) -> str:
    """The word for the operating system's or TLS's error at the end of the chain of causes."""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case ConnectionRefusedError():
                return "connection_refused"
            case ssl.SSLError():
                return "tls"
            case socket.gaierror():
                return "dns"
        cause = cause.__cause__ or cause.__context__
    return "connect_failed"
