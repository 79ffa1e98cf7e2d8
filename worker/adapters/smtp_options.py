"""The keys of the adapter ``smtp``, and what they come to.

url = "smtp://mail.example.com:587"
security = "starttls"                     # or "tls" (port 465), or "none" (port 25)
username = "sluice"                       # with password; left out: no login
password = "env:SMTP_PASSWORD"
helo = "sluice.example.com"               # how this client calls itself
bounce_domain = "bounces.example.com"     # bounces come to REFERENCE@bounces.example.com
return_path = "bounces@example.com"       # or else to bounces+REFERENCE@example.com
dkim_key = "file:/etc/sluice/dkim.pem"    # RSA or Ed25519, PEM
dkim_selector = "s2030"
dkim_domain = "example.com"               # left out: the sender's
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from campaigns.errors import ConfigurationError
from campaigns.mailboxes import address
from campaigns.providers import ProviderConfig
from worker.adapters.options import LOOPBACK, Options, Secret, matching
from worker.adapters.smtp_exchange import Security, SmtpServer

#: RFC 8314, section 3.3; RFC 5321, section 4.5.4.2.
_PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}

#: Postfix lets one client have 50 connections (smtpd_client_connection_count_limit), others fewer.
MOST_CONNECTIONS = 32

#: A reference with the @ behind it takes 45 of the 64 octets of a local part (RFC 5321, 4.5.3.1.1).
_LONGEST_RETURN_LOCAL = 18

_Domain = Annotated[
    str,
    Field(max_length=253),
    matching(r"[a-z0-9-]+(\.[a-z0-9-]+)*", "must be a domain in lower case, such as example.com"),
]


def _return_path(text: str) -> str:
    local = address(text).partition("@")[0]
    if len(local) > _LONGEST_RETURN_LOCAL or "+" in local or not text.isascii():
        raise ValueError(
            f"must have at most {_LONGEST_RETURN_LOCAL} ASCII characters and no plus before the @"
        )
    return text


class SmtpOptions(Options):
    """What the adapter ``smtp`` can be told."""

    security: Security = "starttls"
    username: str | None = Field(default=None, min_length=1, max_length=255)
    password: Secret | None = None
    helo: _Domain | None = None
    bounce_domain: _Domain | None = None
    return_path: Annotated[str, AfterValidator(_return_path)] | None = None
    dkim_key: Secret | None = None
    dkim_selector: _Domain | None = None
    dkim_domain: _Domain | None = None


def check(config: ProviderConfig, options: SmtpOptions) -> None:
    """Check what concerns several keys.

    Raises:
        ConfigurationError: two of them contradict each other, or one needs another.
    """
    for left, right in (("username", "password"), ("dkim_key", "dkim_selector")):
        if (getattr(options, left) is None) != (getattr(options, right) is None):
            raise _wrong(config, left, f"and {right} belong together")
    if options.dkim_domain is not None and options.dkim_key is None:
        raise _wrong(config, "dkim_domain", "signs nothing without dkim_key")
    if options.bounce_domain is not None and options.return_path is not None:
        raise _wrong(config, "return_path", "is another way to say bounce_domain, set one of them")
    if config.max_in_flight > MOST_CONNECTIONS:
        raise _wrong(
            config,
            "max_in_flight",
            f"must be set to at most {MOST_CONNECTIONS}, since each is a connection and a server "
            "takes few from one client; 4 is a good number",
        )
    server(config, options)


def server(config: ProviderConfig, options: SmtpOptions) -> SmtpServer:
    """Where the messages are handed in.

    Raises:
        ConfigurationError: the URL is none of this kind, or a password would go over the network
            for everybody to read.
    """
    try:
        parts = urlsplit(config.url)
        port = parts.port
    except ValueError:
        raise _wrong(config, "url", "must be such as smtp://mail.example.com:587") from None
    host = parts.hostname or ""
    extra = parts.username or parts.password or parts.path.strip("/") or parts.query
    plain = config.url.isascii() and config.url.isprintable() and " " not in config.url
    if parts.scheme != "smtp" or not host or extra or port == 0 or not plain:
        raise _wrong(config, "url", "must be such as smtp://mail.example.com:587")
    if options.username is not None and options.security == "none" and host not in LOOPBACK:
        raise _wrong(config, "security", "must not be none, with which a password can be read")
    password = "" if options.password is None else options.password.get_secret_value()
    return SmtpServer(
        host,
        port or _PORTS[options.security],
        options.security,
        options.helo,
        options.username,
        password,
    )


def _wrong(config: ProviderConfig, key: str, rule: str) -> ConfigurationError:
    return ConfigurationError(f"providers.{config.name}.{key}: {rule}.")
