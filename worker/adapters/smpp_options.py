"""The keys of the adapter ``smpp``, and what they come to.

url = "smpp://smsc.example.com:2775"      # smpps:// for TLS, port 3550 if left out
system_id = "sluice"
password = "env:SMPP_PASSWORD"
system_type = ""
service_type = ""
alphabet = "gsm"                          # or "latin1": what the SMSC has behind data_coding 0
receipts = true                           # false: no delivery receipts are asked for
receipt_ids = "same"                      # or "decimal", "hexadecimal": if not as in the answers
receipt_zone = "Europe/Dublin"            # the SMSC's clock; left out: the moment of arrival
source_ton, source_npi                    # left out: by what the sender looks like
validity = "relative"                     # or "absolute", for SMSCs that know no other
enquire_link = 30                         # seconds
"""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field

from campaigns.errors import ConfigurationError
from campaigns.providers import ProviderConfig
from worker.adapters.options import AccountName, Options, Secret
from worker.adapters.smpp_exchange import SmppServer
from worker.adapters.smpp_receipts import ReceiptIds
from worker.adapters.smpp_text import Alphabet

#: Registered with IANA: smpp and, for TLS, none; 3550 is what SMSCs use.
_PORTS = {"smpp": 2775, "smpps": 3550}

_RULE = "must be such as smpp://smsc.example.com:2775, or smpps:// for TLS"


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a zone of the IANA database, such as Europe/Dublin")
    return name


def _visible(text: str) -> str:
    if not (text.isascii() and text.isprintable()):
        raise ValueError("must be visible ASCII characters")
    return text


_visibly = AfterValidator(_visible)


class SmppOptions(Options):
    """What the adapter ``smpp`` can be told."""

    system_id: Annotated[AccountName, Field(min_length=1, max_length=15), _visibly]
    password: Secret
    system_type: Annotated[str, Field(max_length=12), _visibly] = ""
    service_type: Annotated[str, Field(max_length=5), _visibly] = ""
    alphabet: Alphabet = "gsm"
    receipts: bool = True
    receipt_ids: ReceiptIds = "same"
    receipt_zone: Annotated[str, AfterValidator(_zone)] | None = None
    source_ton: int | None = Field(default=None, ge=0, le=6)
    source_npi: int | None = Field(default=None, ge=0, le=18)
    validity: Literal["relative", "absolute"] = "relative"
    enquire_link: float = Field(default=30.0, ge=5, le=600)

    @property
    def zone(self) -> ZoneInfo | None:
        """That of the SMSC's clock."""
        return None if self.receipt_zone is None else ZoneInfo(self.receipt_zone)


def server(config: ProviderConfig, options: SmppOptions) -> SmppServer:
    """Where the account binds.

    Raises:
        ConfigurationError: the URL or the password cannot be used.
    """
    try:
        parts = urlsplit(config.url)
        port = parts.port
    except ValueError:
        raise _wrong(config, "url", _RULE) from None
    extra = parts.username or parts.password or parts.path.strip("/") or parts.query
    plain = config.url.isascii() and config.url.isprintable() and " " not in config.url
    if parts.scheme not in _PORTS or not parts.hostname or extra or port == 0 or not plain:
        raise _wrong(config, "url", _RULE)
    password = options.password.get_secret_value()
    if not (password.isascii() and password.isprintable() and 0 < len(password) <= 64):
        raise _wrong(config, "password", "must be 1 to 64 visible ASCII characters")
    return SmppServer(
        parts.hostname,
        port or _PORTS[parts.scheme],
        parts.scheme == "smpps",
        options.system_id,
        password,
        options.system_type,
        options.enquire_link,
    )


def _wrong(config: ProviderConfig, key: str, rule: str) -> ConfigurationError:
    return ConfigurationError(f"providers.{config.name}.{key}: {rule}.")
