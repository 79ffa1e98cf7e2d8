"""The body of a campaign's callback: a form, as the Callback API documents it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from campaigns.channels import ADDRESS_COLUMN

CONTENT_TYPE = "application/x-www-form-urlencoded"

#: What a kind of address is called. The Callback API knows telephones and e-mail; the others have
#: the names that contacts give them.
_NAMES = {"phone": "telephone"}


def encode(channel: str, kind: str, when: datetime, addresses: Sequence[str]) -> bytes:
    """``event``, ``when`` in Unix seconds, and the addresses as ``telephone[0]`` and so on."""
    column = ADDRESS_COLUMN[channel]
    name = _NAMES.get(column, column)
    fields = [("event", kind), ("when", str(int(when.timestamp())))]
    fields += [(f"{name}[{index}]", address) for index, address in enumerate(addresses)]
    # Brackets stand as they do in the documents; every decoder of forms takes them.
    return urlencode(fields, safe="[]").encode("ascii")
