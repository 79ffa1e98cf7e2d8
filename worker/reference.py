"""The reference that goes to a provider with each message and comes back in its reports.

``run-seq-signature``, of the characters ``0-9a-z-`` and at most 44 of them, so that every
provider's field for such things takes it. It leads back to its row without a lookup table. The
signature keeps whoever can reach the door for reports from telling us anything about messages
whose reference they never got: the first 64 bits of HMAC-SHA256 (RFC 2104, truncated as its
section 5 allows) of ``run-seq``, in base32 (RFC 4648, section 6) without padding, in lower case.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence
from functools import lru_cache

_FORM = re.compile(r"([0-9]{1,19}-[0-9]{1,10})-([a-z2-7]{13})")

_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

#: Every two characters of base32, by the ten bits that they stand for. Signing happens between a
#: claim and its departure, and :func:`base64.b32encode` takes as long as the hash itself.
_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)

_TEN_BITS = 0x3FF


def sign(run_id: int, seq: int, key: bytes) -> str:
    """The reference of one delivery. The same key always makes the same one."""
    text = f"{run_id}-{seq}"
    return f"{text}-{_signature(text, key)}"


def verify(text: str, keys: Sequence[bytes]) -> tuple[int, int] | None:
    """Run id and sequence, or ``None`` if none of ``keys`` signed this reference.

    Takes the same time for every reference of the right form, whichever key signed it and however
    much of the signature is right, so that nobody can feel their way towards one.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    signed, signature = match.groups()
    found = False
    for key in keys:
        found |= hmac.compare_digest(_signature(signed, key), signature)
    if not found:
        return None
    run_id, _, seq = signed.partition("-")
    return int(run_id), int(seq)


@lru_cache(maxsize=32)
def _keyed(key: bytes) -> hmac.HMAC:
    """What all signatures of a key begin with, which RFC 2104 (section 4) advises to keep."""
    return hmac.new(key, digestmod="sha256")


def _signature(text: str, key: bytes) -> str:
    mac = _keyed(key).copy()
    mac.update(text.encode("ascii"))
    # 64 bits are twelve characters and four bits; the last character ends in a zero bit.
    bits = int.from_bytes(mac.digest()[:8], "big") << 1
    return (
        f"{_PAIRS[bits >> 55]}{_PAIRS[bits >> 45 & _TEN_BITS]}{_PAIRS[bits >> 35 & _TEN_BITS]}"
        f"{_PAIRS[bits >> 25 & _TEN_BITS]}{_PAIRS[bits >> 15 & _TEN_BITS]}"
        f"{_PAIRS[bits >> 5 & _TEN_BITS]}{_ALPHABET[bits & 0x1F]}"
    )
